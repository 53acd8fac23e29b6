"""The service's log: JSON lines in `<home>/logs/service.log`, rotating, without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from logging.handlers import RotatingFileHandler
from typing import Any

import structlog

from service.private import make_private_folder
from service.settings import Settings

_MOST_BYTES = 10_000_000
_KEPT_FILES = 5
_BEARER = re.compile(r"(?i)\b(bearer\s+|token[\"']?\s*[=:]\s*[\"']?)[\w\-.~+/]{8,}=*")
_HIDDEN = r"\1[redacted]"


class Quietly(RotatingFileHandler):
    """A log file that is left out where its disk takes nothing: a full one is told by health, not by tracebacks."""

    def handleError(self, record: logging.LogRecord) -> None:  # logging's name
        """Pass over what the disk refuses."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def start_logging(settings: Settings, *secrets: str) -> Callable[[], None]:
    """Send structlog's and the standard library's messages to the log file; the result ends that again.

    ``secrets`` never reach the file, nor does anything that looks like a bearer token.
    """
    folder = settings.home / "logs"
    make_private_folder(folder)
    handler = Quietly(
        folder / "service.log", maxBytes=_MOST_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redactor(*secrets),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )

    def stop() -> None:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
        structlog.reset_defaults()

    return stop


def redactor(*secrets: str) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """Return a structlog processor that takes ``secrets`` and bearer tokens out of every text."""
    known = tuple(secret for secret in secrets if secret)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            for secret in known:
                value = value.replace(secret, "[redacted]")
            return _BEARER.sub(_HIDDEN, value)
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(item) for item in value]
        return value if isinstance(value, (int, float, bool, type(None))) else clean(str(value))

    def redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: clean(value) for key, value in event.items()}

    return redact
