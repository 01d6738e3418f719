"""Speech to text: the engine protocol, the engines, and what they expect to hear."""
