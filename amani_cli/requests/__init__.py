"""What is asked for and sent only when somebody else agrees: filed, approved, carried out once. Decides no outcome."""
