"""Paints the sample shot: `python -m service.demo.sample FOLDER`; a shot that broke off leaves nothing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from service.demo.run import write_shot

FRAMES = 12


def paint(folder: Path) -> None:
    """Paint it. Raises OSError where the disk takes nothing."""
    try:
        write_shot(folder, FRAMES)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


if __name__ == "__main__":
    try:
        paint(Path(sys.argv[1]))
    except OSError as error:
        sys.exit(f"{error.filename or sys.argv[1]}: {error.strerror}")
