#!/bin/sh
# The conductor of a drill, in the project's own image: drill.sh PYTHON SPEC. It uses the packages of the interpreter outside.
set -eu
found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$found" != "$1" ]; then
  echo "the drill's image has Python $found, and this project runs on $1; name another image with GAMEDAY_IMAGE_DRILL." >&2
  exit 125
fi
exec python3 -m harness.drill "$2"
