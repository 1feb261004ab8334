"""The two providers behind the same verbs, and the one way to talk HTTP to them."""
