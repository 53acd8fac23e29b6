"""Makes shots with exact answers: procedural shots in torch, their camera, and the layout that rendered shots share."""
