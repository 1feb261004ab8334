"""What commands hand to the printer: field names are the JSON names. Imports nothing above."""
