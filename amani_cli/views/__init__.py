"""How each model reads to a person; plain text, no terminal codes. Decides nothing."""
