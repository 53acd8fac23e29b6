"""The networks, and only the networks: no files, no training, no plates."""
