"""Cheques as links and Lightning addresses, on a page that anybody can open: what is served, and nothing of the face.

It decides nothing about money: it reads what was asked, calls `cheques/by_link.py` or `invoices/addresses.py`, and says
in the visitor's language what came of it.
"""
