"""Ways out of a Fincra business."""
