"""Runs Python without root's right to write wherever it likes, so that what needs a refusal also runs in containers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_DROP = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what makes root pass over the modes of files
    if libc.prctl(24, right, 0, 0, 0):  # PR_CAPBSET_DROP
        raise OSError(ctypes.get_errno(), "the right cannot be given up")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def python_without_rights(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with ``arguments`` as a user whom the modes of files bind; skips the test where that cannot be."""
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    command = [sys.executable, *arguments]
    if os.geteuid() == 0:
        if sys.platform != "linux":
            pytest.skip("ROOT MAY WRITE ANYWHERE, AND CANNOT GIVE THAT UP HERE: refusals stay unproven")
        command = [sys.executable, "-c", _DROP, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
