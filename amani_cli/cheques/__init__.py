"""Cheques: funds set aside in a wallet of their own, written, claimed and taken back."""
