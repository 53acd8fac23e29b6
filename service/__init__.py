"""Moves shots: files, jobs, processes and HTTP around the keyer of ``model``. Importing it loads no library.

drop folder → Shot → Job → executor ⇢ worker → pipeline (read → key → write) → manifest → panel
"""

import os

# OpenMP reads this when torch is loaded. Its threads otherwise spin while they wait for each other, which beside a busy
# After Effects costs five times the CPU time and as much of the speed: docs/benchmarks.md.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# But to sleep at once costs a wake for each of thousands of short loops: GNU's looks a few microseconds longer first.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
