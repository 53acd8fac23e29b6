#!/bin/sh
# Double-click: starts DropKey in a Terminal window. The first time macOS may want a right click, then Open.
exec "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/dropkey.sh" "$@"
