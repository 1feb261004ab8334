"""Asking for money, by either provider."""
