"""What a TAB offers."""
