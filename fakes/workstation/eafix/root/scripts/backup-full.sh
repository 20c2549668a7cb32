#!/usr/bin/env bash
# A full backup of the database: /backups/eafix-full-YYYYMMDD.tar.gz with a dump of pg_dump (002:432). --verify reads it back:
# the archive, the dump's table of contents and every row of it (002:590).
source "$(dirname "$(readlink -f "$0")")/common.sh"
verify=
for argument in "$@"; do
  case "$argument" in
    --verify) verify=yes ;;
    *) fail "unknown argument $argument; usage: backup-full.sh [--verify]" 2 ;;
  esac
done
name="eafix-full-$(date +%Y%m%d)"
archive="$BACKUPS/$name.tar.gz"
mkdir -p "$BACKUPS"
folder="$(mktemp -d)"
trap 'rm -rf "$folder" "$archive.part"' EXIT
mkdir "$folder/$name"
pg_dump --format=custom --file="$folder/$name/$DATABASE.dump" "$DATABASE" || fail "pg_dump of $DATABASE failed"
rows_of_dump "$folder/$name/$DATABASE.dump" >"$folder/$name/rows.txt"
tar -czf "$archive.part" -C "$folder" "$name"
mv "$archive.part" "$archive"
echo "$(shown "$archive"): $(stat -c %s "$archive") bytes, $(awk '{ n += $2 } END { print NR " tables, " n + 0 " rows" }' "$folder/$name/rows.txt")"
if [ -n "$verify" ]; then
  mkdir "$folder/read"
  tar -xzf "$archive" -C "$folder/read" || fail "the archive cannot be read back"
  cmp -s "$folder/read/$name/rows.txt" <(rows_of_dump "$folder/read/$name/$DATABASE.dump") || fail "the dump in the archive is not complete"
  echo "verified: every row can be read back"
fi
