"""What `make` runs beside the program itself: set-up, the demo, what is made from the code, the picture."""
