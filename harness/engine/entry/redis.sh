#!/bin/sh
# The Redis of a drill, in the official image: redis.sh NAME. A new drill begins with an empty one.
set -eu
name=$1 run=/gameday/run data=/gameday/data
drill=$(cat "$run/drill" 2>/dev/null || echo none)
if [ "$(cat "$data/$name.drill" 2>/dev/null || true)" != "$drill" ]; then
  rm -rf "${data:?}/$name"
  echo "$drill" >"$data/$name.drill"
fi
mkdir -p "$data/$name"
chown redis "$data/$name"
settings=$run/$name.conf
[ -e "$settings" ] || settings=/gameday/entry/$name.conf
exec docker-entrypoint.sh redis-server "$settings"
