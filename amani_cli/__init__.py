"""amani: a command-line wallet for Lightning (LNbits) and African fiat rails (Fincra)."""

__version__ = "0.1.0"
