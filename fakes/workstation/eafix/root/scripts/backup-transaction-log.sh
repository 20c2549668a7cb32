#!/usr/bin/env bash
# The database's transaction log up to now, into /backups/wal (002:438), and off site where the platform ships its backups.
# Only together with a base backup does it restore anything.
source "$(dirname "$(readlink -f "$0")")/common.sh"
[ $# -eq 0 ] || fail "unknown argument $1; usage: backup-transaction-log.sh" 2
mkdir -p "$BACKUPS/wal"
query() { psql -X -q -A -t -U postgres -d postgres -c "$1"; }
[ "$(query 'SELECT pg_is_in_recovery()')" = f ] || fail "the database is a replica, or does not answer: its primary has the log"
before="$(ls "$BACKUPS/wal" | wc -l)"
until="$(query 'SELECT pg_current_wal_flush_lsn()')"
query "SELECT pg_logical_emit_message(false, '$ME', '')" >/dev/null  # pg_receivewal ends with the first byte beyond: none may come by itself
# It begins with the segment being written at the first time, and goes on from the newest one here afterwards.
said="$(timeout 60 pg_receivewal -U postgres -D "$BACKUPS/wal" --no-loop --endpos="$until" 2>&1)" || fail "pg_receivewal: $said"
echo "$(shown "$BACKUPS/wal"): transaction log up to $until, $(($(ls "$BACKUPS/wal" | wc -l) - before)) new segments"
shipped="$(ask_backups POST /backups/ship)" || { code=$?; [ "$code" -eq 9 ] && exit 0; exit "$code"; }
echo "off site: everything that was committed up to now, $(field log off-site <<<"$shipped") segments in all"
