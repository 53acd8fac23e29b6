"""Memory of freed pictures: at hand while keying, given back afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from service.pipeline.memory import _glibc

pytestmark = pytest.mark.skipif(_glibc() is None, reason="NOT GLIBC HERE: that freed memory is kept stays unproven")

# In a process of its own: what other tests have freed would be taken again.
BEGIN = """
import json, resource, psutil, torch
from service.pipeline.memory import freed_memory_kept

def pages_asked_for(pictures):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(pictures):
        torch.ones(50_000_000, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def held():
    return psutil.Process().memory_info().rss

# The hole that a picture leaves is too small for the next one's alignment, until holes have joined.
UNTIL_HOLES_FIT = 12
pages_asked_for(1)
"""


def answers(ask: str) -> list[int]:
    done = subprocess.run([sys.executable, "-c", BEGIN + ask], capture_output=True, text=True, check=True)
    found: list[int] = json.loads(done.stdout)
    return found


def test_a_freed_picture_is_used_again_and_given_back_in_the_end() -> None:
    outside, inside, returned = answers("""
outside = pages_asked_for(4)
with freed_memory_kept():
    pages_asked_for(UNTIL_HOLES_FIT)
    inside, while_keying = pages_asked_for(4), held()
print(json.dumps([outside, inside, while_keying - held()]))
""")
    assert outside > 1_000 and inside < outside / 20
    assert returned > 40_000_000


def test_a_preview_amid_a_shot_leaves_the_shots_memory_at_hand() -> None:
    outside, after_preview = answers("""
outside = pages_asked_for(4)
with freed_memory_kept():
    pages_asked_for(UNTIL_HOLES_FIT)
    with freed_memory_kept():
        pages_asked_for(1)
    after_preview = pages_asked_for(4)
print(json.dumps([outside, after_preview]))
""")
    assert after_preview < outside / 20


def test_afterwards_memory_goes_back_at_once_also_where_the_shot_failed() -> None:
    (left,) = answers("""
try:
    with freed_memory_kept():
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
before = held()
pages_asked_for(4)
print(json.dumps([held() - before]))
""")
    assert left < 10_000_000
