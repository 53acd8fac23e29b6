"""What can go wrong while keying; the service adds shot and frame."""


class KeyingError(Exception):
    """A plate that cannot be keyed. The text says why; ``fix`` says what the artist can do."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class NoScreenError(KeyingError):
    """No green, blue or otherwise saturated screen was found in the surveyed plates."""


class UnknownKeyerError(KeyingError):
    """The named keyer does not exist."""
