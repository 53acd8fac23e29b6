#!/bin/sh
# Starts DropKey; the first time it brings Python and all libraries into this folder. Arguments are a command's: doctor …
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
export UV_PYTHON_INSTALL_DIR="$here/.python" UV_CACHE_DIR="$here/.uv-cache"
[ $# -gt 0 ] || set -- serve --open
exec "$here/uv" run --quiet --isolated --no-project --python ">=3.11,<3.14" "$here/run.py" "$@"
