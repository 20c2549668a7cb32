#!/usr/bin/env bash
# Restores the newest backup. --target=NAMESPACE: into a database of its own for that namespace (002:530).
# --latest --site=SITE: onto another site (002:503).
# Ours, with the platform's base backups and transaction log:
# --list: which there are. --replica: makes the replica anew, as a copy of the database as it is now.
# --point-in-time=latest|TIME [--source=on-site|off-site]: brings the live database back as it was then; what it has now is kept aside.
# TIME is the database's own, such as 2026-11-21T09:30:00Z.
source "$(dirname "$(readlink -f "$0")")/common.sh"
usage='usage: restore-from-backup.sh --target=NAMESPACE | --latest --site=SITE | --list | --replica | --point-in-time=latest|TIME [--source=on-site|off-site]'
target='' site='' latest='' time='' source='' only=''
for argument in "$@"; do
  case "$argument" in
    --target=*) target="${argument#*=}" ;;
    --site=*) site="${argument#*=}" ;;
    --latest) latest=yes ;;
    --point-in-time=?*) time="${argument#*=}" ;;
    --source=on-site | --source=off-site) source="${argument#*=}" ;;
    --list | --replica) only="${argument#--}" ;;
    *) fail "unknown argument $argument; $usage" 2 ;;
  esac
done
if [ -n "$time$source$only" ]; then
  [ -z "$target$site$latest" ] || fail "that is two restores at once; $usage" 2
  [ -z "$source" ] || [ -n "$time" ] || fail "--source goes with --point-in-time; $usage" 2
  [ -z "$time" ] || [ -z "$only" ] || fail "--$only goes alone; $usage" 2
fi
ask() { ask_backups "$@" || { code=$?; [ "$code" -ne 9 ] || fail "this platform takes no base backups"; exit "$code"; }; }
if [ "$only" = list ]; then
  found="$(ask GET /backups)"
  python - "$found" <<'PYTHON'
import json, sys
found = json.loads(sys.argv[1])
for base in found["bases"]:
    places = ", ".join(f"{place} {'verified' if good else 'NOT READABLE'}" for place, good in base["verified"].items())
    print(f"{base['name']} of {base['server']}, finished {base['finished']}, {base['size_mb']} MB: {places}")
print("log: " + ", ".join(f"{count} segments {place}" for place, count in found["log"].items()))
PYTHON
  exit 0
fi
if [ "$only" = replica ]; then
  found="$(curl -sS --fail "http://${GAMEDAY_CONTROL:-127.0.0.1:6443}/state")" || fail "the platform does not answer"
  primary="$(field addresses postgres instance <<<"$found")"
  replica="$(python -c '
import json, sys
rows = json.load(sys.stdin)["datastores"]
print(next((name for name, row in rows.items() if row["replica_of"] == sys.argv[1]), ""))' "$primary" <<<"$found")"
  [ -n "$replica" ] || fail "the database is on $primary, and nothing is a replica of that"
  for verb in wipe start; do
    ask_backups POST "/datastores/$replica/$verb" >/dev/null || exit 1
  done
  echo "$replica is a copy of $primary again"
  exit 0
fi
if [ -n "$time" ]; then
  primary="$(field addresses postgres instance <<<"$(curl -sS --fail "http://${GAMEDAY_CONTROL:-127.0.0.1:6443}/state")")" ||
    fail "the platform does not answer"
  mkdir -p "$LOGS"
  began="$(documented_s)"
  found="$(ask POST "/datastores/$primary/restore" "{\"source\": \"${source:-on-site}\", \"to\": \"$time\"}")"
  echo "$primary $began $(documented_s)" >>"$LOGS/restores.log"
  echo "restored $primary from ${source:-on-site} to $time: its newest transaction is of $(field last_commit <<<"$found"), its timeline is $(field timeline <<<"$found")"
  exit 0
fi
if [ -n "$site" ]; then
  # A database that lives there already is newer than any backup: it is left as it is.
  began="$(documented_s)"
  found="$(ask_site POST "/sites/$site/restore")" || exit $?
  database="$(field database <<<"$found")"
  if [ "$(field done <<<"$found")" = None ]; then
    echo "$database lives at the site $site: newer than any backup, nothing is restored"
    exit 0
  fi
  mkdir -p "$LOGS"
  echo "$site $began $(documented_s)" >>"$LOGS/restores.log"
  echo "restored $database at the site $site from off-site: its newest transaction is of $(field done last_commit <<<"$found")"
  exit 0
fi
if [ -z "$target" ]; then
  [ -z "$latest" ] || fail "--latest alone would restore over the live database; say where: --target=NAMESPACE or --site=SITE" 2
  fail "$usage" 2
fi
archive="$(newest_backup)"
[ -n "$archive" ] || fail "there is no backup in $(shown "$BACKUPS")"
kubectl get namespace "$target" >/dev/null || fail "there is no namespace $target to restore into"
scratch="$(scratch_name "$target")"
mkdir -p "$LOGS"
began="$(documented_s)"
counted="$(restore_into "$archive" "$scratch")" || fail "$(shown "$archive") could not be restored"
echo "$target $began $(documented_s)" >>"$LOGS/restores.log"
echo "restored $(shown "$archive") into the database $scratch for $target: $counted, as the backup says"
