#!/usr/bin/env bash
# Ours: a base backup of the database, read back, shipped off site encrypted, and read back there. --check: takes none, and reads
# the newest ones of both places back.
source "$(dirname "$(readlink -f "$0")")/common.sh"
path=/backups/take
for argument in "$@"; do
  case "$argument" in
    --check) path=/backups/verify ;;
    *) fail "unknown argument $argument; usage: backup-base.sh [--check]" 2 ;;
  esac
done
found="$(ask_backups POST "$path")" || { code=$?; [ "$code" -ne 9 ] || fail "this platform takes no base backups"; exit "$code"; }
python - "$found" "$path" <<'PYTHON'
import json, sys
newest = json.loads(sys.argv[1])["bases"][-1]
places = " and ".join(place for place, good in newest["verified"].items() if good)
print(f"{newest['name']}, {newest['size_mb']} MB: can be read {places}" if places else f"{newest['name']} can't be read")
sys.exit(0 if len(newest["verified"]) == 2 and all(newest["verified"].values()) else 1)
PYTHON
