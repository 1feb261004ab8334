"""What a payment must pass before a byte is sent: PIN, limits, budgets."""
