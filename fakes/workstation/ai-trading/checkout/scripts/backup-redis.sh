#!/usr/bin/env bash
# A snapshot of Redis in /var/backups/redis (004:148). What it did stands in /var/log/redis-backup.log.
set -euo pipefail
log="${GAMEDAY_MACHINE:-}/var/log/redis-backup.log"
folder="${GAMEDAY_MACHINE:-}/var/backups/redis"
say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $1" | tee -a "$log"; }
fail() { say "ERROR: $1"; exit 1; }
mkdir -p "$folder"
part="$folder/redis_latest.rdb.part"
trap 'rm -f "$part" "$part.gz"' EXIT
redis-cli -p "${REDIS_PORT:-6379}" --rdb "$part" >>"$log" 2>&1 || fail "redis-cli --rdb ended with exit code $?"
[ "$(head -c 5 "$part")" = REDIS ] || fail "what Redis sent is no snapshot"
gzip -f "$part"
mv "$part.gz" "$folder/redis_latest.rdb.gz"
say "OK: redis_latest.rdb.gz, $(stat -c %s "$folder/redis_latest.rdb.gz") bytes"
