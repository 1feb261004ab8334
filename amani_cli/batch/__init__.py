"""Many payments by one plan."""
