"""The `dropkey` command: reads flags, calls the part that does the work, and turns errors into words and exit codes."""

from __future__ import annotations

from service.cli.app import app, main
from service.cli.browsing import open_page
from service.cli.data import data
from service.cli.keying import key
from service.cli.measuring import bench, evaluate
from service.cli.panel import commands as panel_commands
from service.cli.training import train

__all__ = ["app", "bench", "data", "evaluate", "key", "main", "open_page", "panel_commands", "train"]
