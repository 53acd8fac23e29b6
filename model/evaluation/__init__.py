"""Scores any keyer on pictures whose answer is known, beside the peers."""
