"""Trials: one picture for each hard case of keying, with its exact truth, the figures it is judged by, and bounds."""
