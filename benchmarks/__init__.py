"""Measures every figure the README states; each takes what it needs by option and prints what it ran."""
