"""A batch of recordings: what goes in, how it is worked through, what is left in the folder."""
