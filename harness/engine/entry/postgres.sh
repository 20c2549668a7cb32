#!/bin/bash
# One Postgres of a drill, in the official image: postgres.sh NAME. Its data lie in the drill's volume, so they outlive a kill; a
# new drill begins with new ones. With a file NAME.source it copies itself from that server first, as its streaming replica.
set -euo pipefail
name=$1 run=/gameday/run data=/gameday/data
export PGDATA=$data/$name
drill=$(cat "$run/drill" 2>/dev/null || echo none)
if [ "$(cat "$data/$name.drill" 2>/dev/null || true)" != "$drill" ]; then
  rm -rf "$PGDATA"
  [ -e "$run/$name.source" ] || rm -rf "$data/archive"
  echo "$drill" >"$data/$name.drill"
fi
mkdir -p "$PGDATA" "$data/archive"
chmod 0700 "$PGDATA"
chown postgres:postgres "$PGDATA" "$data/archive"
settings=$run/$name.conf
[ -e "$settings" ] || settings=/gameday/entry/$name.conf
source=$run/$name.source
[ -e "$source" ] || source=/gameday/entry/$name.source
if [ -e "$source" ] && [ ! -e "$PGDATA/PG_VERSION" ]; then
  for _ in $(seq 100); do
    if gosu postgres pg_basebackup -d "$(cat "$source")" -D "$PGDATA" -R -C -S replica -X stream -c fast --no-sync; then break; fi
    sleep 0.2
  done
fi
exec docker-entrypoint.sh postgres -c "config_file=$settings"
