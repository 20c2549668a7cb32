#!/bin/bash
# What the documentation of Docker Official `redis` promises of its entry point, for the stand-in image (../build.py).
set -euo pipefail

case ${1-} in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "${1-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis {} +
  exec gosu redis "${BASH_SOURCE[0]}" "$@"
fi
# Files that Redis writes are nobody else's, unless the caller has chosen a umask.
if [ "$(umask)" = 0022 ]; then umask 0077; fi
exec "$@"
