"""The ledger: SQLite, its migrations, and the queries of each noun. Keeps no secret, waits for no network."""
