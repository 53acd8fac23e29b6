"""Moves shots: files, jobs, processes and HTTP around the keyer of ``model``. Importing it imports nothing.

drop folder → Shot → Job → executor ⇢ worker → pipeline (read → key → write) → manifest → panel
"""
