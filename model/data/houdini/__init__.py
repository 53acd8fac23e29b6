"""Fills the layout of shots with known answers from Houdini; the script runs in its own ``hython``."""
