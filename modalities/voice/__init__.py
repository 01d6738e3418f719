"""Text to sound: the voices, and what makes text fit to be said."""
