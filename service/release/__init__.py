"""Builds what a download page needs; stays out of the wheel. `python3 run.py release` runs it."""
