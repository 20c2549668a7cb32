#!/usr/bin/env bash
# A dump of the database, kept in S3 (004:147). What it did stands in /var/log/postgres-backup.log.
set -euo pipefail
log="${GAMEDAY_MACHINE:-}/var/log/postgres-backup.log"
target="${BACKUP_TARGET:-s3://ai-trading-backups/postgres/}"
say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $1" | tee -a "$log"; }
fail() { say "ERROR: $1"; exit 1; }
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
dump="$folder/trading_db_$(date +%Y-%m-%d).dump"
pg_dump --format=custom --file="$dump" "${DATABASE_URL:?}" 2>>"$log" || fail "pg_dump ended with exit code $?"
pg_restore --list "$dump" >/dev/null 2>>"$log" || fail "the dump cannot be read back"
case "$target" in
  s3://*) aws s3 cp --only-show-errors "$dump" "$target" 2>>"$log" || fail "the upload to $target ended with exit code $?" ;;
  *) cp "$dump" "$target" 2>>"$log" || fail "the copy to $target ended with exit code $?" ;;
esac
say "OK: $(basename "$dump"), $(stat -c %s "$dump") bytes, in $target"
