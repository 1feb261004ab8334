"""What the journal says: history, exports, charts, months, differences."""
