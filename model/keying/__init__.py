"""The mathematics of a key, each file one pure step: fill, screen, color difference, color line, unmixing, despill."""
