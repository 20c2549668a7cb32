#!/usr/bin/env bash
# What changed since the last backup (002:435). Postgres can do that from version 17 on, with summarize_wal switched on.
source "$(dirname "$(readlink -f "$0")")/common.sh"
[ $# -eq 0 ] || fail "unknown argument $1; usage: backup-incremental.sh" 2
version="$(psql -X -q -A -t -U postgres -d postgres -c 'SHOW server_version_num')" || fail "the database does not answer"
if [ "$version" -lt 170000 ]; then
  not_offered "an incremental backup, which takes Postgres 17 (this is $((version / 10000))),"
fi
if [ "$(psql -X -q -A -t -U postgres -d postgres -c 'SHOW summarize_wal')" != on ]; then
  not_offered "an incremental backup, which takes summarize_wal = on (it is off),"
fi
base="$(ls -d "$BACKUPS"/base-* 2>/dev/null | LC_ALL=C sort | tail -1)" || true
[ -n "$base" ] || fail "there is no base backup to add to: pg_basebackup -D /backups/base-$(date +%Y%m%d) makes one"
target="$BACKUPS/incremental-$(date +%Y%m%d-%H%M%S)"
pg_basebackup -U postgres --checkpoint=fast --incremental="$base/backup_manifest" -D "$target" || fail "pg_basebackup failed"
echo "$(shown "$target"): what changed since $(shown "$base")"
