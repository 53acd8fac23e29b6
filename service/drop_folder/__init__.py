"""Watches drop folders: events are hints, a scan is the truth, and a shot is handed on once it has settled."""

from service.drop_folder.folder import DropFolder
from service.drop_folder.folders import DropFolders

__all__ = ["DropFolder", "DropFolders"]
