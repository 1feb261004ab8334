"""Ways out of a Lightning wallet."""
