"""Makes the weights that ship, or your own."""
