"""The `dropkey` command: reads flags, calls the part that does the work, and turns errors into words and exit codes."""

from __future__ import annotations

from service.cli.app import app, main
from service.cli.autostart import commands as autostart_commands
from service.cli.background import start, stop
from service.cli.browsing import open_page
from service.cli.data import data
from service.cli.docs import docs
from service.cli.farm import commands as farm_commands
from service.cli.keying import key
from service.cli.measuring import bench, evaluate
from service.cli.panel import commands as panel_commands
from service.cli.presets import commands as preset_commands
from service.cli.removing import uninstall
from service.cli.training import train
from service.cli.updating import update

__all__ = [
    "app",
    "autostart_commands",
    "bench",
    "data",
    "docs",
    "evaluate",
    "farm_commands",
    "key",
    "main",
    "open_page",
    "panel_commands",
    "preset_commands",
    "start",
    "stop",
    "train",
    "uninstall",
    "update",
]
