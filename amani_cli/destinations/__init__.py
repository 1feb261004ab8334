"""Whom a payment is for: read, resolved, agreed to, paid."""
