"""The telephone: live calls, from the carrier's webhook to the last word."""
