# shellcheck shell=bash disable=SC2034
# Read by the other scripts. Paths are the documented ones; where the machine's root is not ours, ROOT is what stands for it.
set -euo pipefail
ROOT="${GAMEDAY_MACHINE:-}"
BACKUPS="$ROOT/backups"
LOGS="$ROOT/logs"
ME="$(basename "$0")"
DATABASE="${PGDATABASE:-eafix_prod}"

fail() { echo "$ME: $1" >&2; exit "${2:-1}"; }
# The real script can, here nothing is there to do it with: said as the other stand-ins say it, never as a failure of its own.
not_offered() { fail "$1 exists in the real platform, but gameday's stand-in does not offer it" 3; }
shown() { echo "${1#"$ROOT"}"; }  # a path as the documents write it
here() { case "$1" in "$BACKUPS"/*) echo "$1" ;; /backups/*) echo "$ROOT$1" ;; *) echo "$1" ;; esac; }

# Rows of each table in a dump of pg_dump -Fc, as the dump itself has them.
rows_of_dump() {
  pg_restore --data-only --file=- "$1" | awk '
    /^COPY / && !copying { table = $2; rows = 0; copying = 1; next }
    copying && $0 == "\\." { print table, rows; copying = 0; next }
    copying { rows++ }' | LC_ALL=C sort
}

# Rows of the same tables in a database: name of the database, then lines of "table rows" on standard input.
rows_of_database() {
  while read -r table _; do
    echo "$table $(psql -X -q -A -t -d "$1" -c "SELECT count(*) FROM $table")"
  done
}

newest_backup() { ls "$BACKUPS"/eafix-full-*.tar.gz 2>/dev/null | LC_ALL=C sort | tail -1; }

drop() { PGOPTIONS="-c client_min_messages=warning" dropdb -U postgres --if-exists "$1"; }

# Unpack a backup and restore it into a database of this name, made anew; every table must have the rows that the dump has.
restore_into() {
  local archive="$1" database="$2" folder expected found
  folder="$(mktemp -d)"
  trap 'rm -rf "$folder"' RETURN
  tar -xzf "$archive" -C "$folder" || return 1
  local dump
  dump="$(find "$folder" -name '*.dump' | head -1)"
  [ -n "$dump" ] || { echo "$ME: $(shown "$archive") holds no dump of a database" >&2; return 1; }
  drop "$database" && createdb -U postgres -O "${PGUSER:-eafix}" "$database" || return 1
  pg_restore -U postgres --exit-on-error --no-acl -d "$database" "$dump" || return 1
  expected="$(rows_of_dump "$dump")"
  found="$(rows_of_database "$database" <<<"$expected")"
  if [ "$expected" != "$found" ]; then
    echo "$ME: the restored database differs from the backup:" >&2
    diff <(echo "$expected") <(echo "$found") >&2 || true
    return 1
  fi
  echo "$expected" | awk '{ tables++; rows += $2 } END { printf "%d tables, %d rows\n", tables, rows }'
}

# The name of a scratch database for a namespace; never one that the platform uses.
scratch_name() {
  local name="${1//-/_}"
  case "$name" in
    *[!a-z0-9_]* | '' | [0-9]*) fail "'$1' is not the name of a namespace" ;;
    "$DATABASE" | postgres | template0 | template1) fail "'$1' is not a place to restore into for a test" ;;
  esac
  echo "$name"
}

# Documented seconds on the drill's clock.
documented_s() {
  python - <<'PYTHON'
import mmap, os, struct, time
path = os.environ.get("GAMEDAY_CLOCK")
now = time.monotonic()
if path:
    with open(path, "rb") as file:
        _, _, wall_s, documented_s, rate, _ = struct.unpack_from("<Qddddd", mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    now = documented_s + (now - wall_s) * rate
print(f"{now:.3f}")
PYTHON
}

# What the platform's own backups answer: METHOD PATH [BODY]. Fails with 9 where it takes none, and with its words where it could not.
ask_backups() {
  local answer status
  answer="$(curl -sS --max-time 600 -X "$1" -H 'Content-Type: application/json' --data "${3:-}" -w '\n%{http_code}' \
    "http://${GAMEDAY_CONTROL:-127.0.0.1:6443}$2")" || fail "the platform does not answer"
  status="${answer##*$'\n'}"
  answer="${answer%$'\n'*}"
  case "$status" in
    2*) echo "$answer" ;;
    409) return 9 ;;
    *) fail "$(field error <<<"$answer")" ;;
  esac
}

# The same of sites. Where there is only one this is said as of anything that the real platform has and the stand-in has not.
ask_site() {
  local code=0
  ask_backups "$@" || code=$?
  [ "$code" -ne 9 ] || not_offered "no second site here: one"
  return "$code"
}

# A field of the JSON on standard input, by its keys from the outside in.
field() {
  python -c '
import json, sys
found = json.load(sys.stdin)
for key in sys.argv[1:]:
    found = found[key]
print(found)' "$@"
}
