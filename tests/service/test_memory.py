"""Memory of freed pictures: at hand while keying, given back afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from service.pipeline.memory import _glibc, freed_memory_kept

needs_glibc = pytest.mark.skipif(_glibc() is None, reason="NOT GLIBC HERE: that freed memory is kept stays unproven")

# In a process of its own: what other tests have freed would be taken again.
ASK = """
import json, resource, psutil, numpy
from service.pipeline.memory import freed_memory_kept

def pages_asked_for(pictures):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(pictures):
        numpy.ones(50_000_000, dtype=numpy.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def held():
    return psutil.Process().memory_info().rss

outside = pages_asked_for(4)
with freed_memory_kept():
    pages_asked_for(1)
    inside, while_keying = pages_asked_for(4), held()
print(json.dumps([outside, inside, while_keying - held()]))
"""


@needs_glibc
def test_a_freed_picture_is_used_again_and_given_back_in_the_end() -> None:
    answer = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout
    outside, inside, returned = json.loads(answer)
    assert inside < outside / 10  # a picture has 12 207 pages of 4 KiB, or 763 of 64 KiB
    assert returned > 40_000_000


def test_an_error_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), freed_memory_kept():
        raise ZeroDivisionError
