"""How fast amani is, beside the leanest Python program that does the same and beside its peers."""
