"""Teaches the networks on procedural shots."""
