#!/bin/sh
# The Prometheus or Alertmanager of a drill, in the official image: monitor.sh NAME. Its arguments stand in a file, one a line.
set -eu
name=$1
arguments=/gameday/run/$name.args
[ -e "$arguments" ] || arguments=/gameday/entry/$name.args
IFS='
'
# shellcheck disable=SC2046 # split at the lines
exec "/bin/$name" $(cat "$arguments")
