"""A real LNbits on loopback, with money that is none."""
