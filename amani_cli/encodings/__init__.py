"""How invoices, links and pictures are written: no money, no network."""
