#!/usr/bin/env bash
# Restores the newest backup. --target=NAMESPACE: into a database of its own for that namespace (002:530).
# --latest --site=SITE: onto another site (002:503).
source "$(dirname "$(readlink -f "$0")")/common.sh"
target='' site='' latest=''
for argument in "$@"; do
  case "$argument" in
    --target=*) target="${argument#*=}" ;;
    --site=*) site="${argument#*=}" ;;
    --latest) latest=yes ;;
    *) fail "unknown argument $argument; usage: restore-from-backup.sh --target=NAMESPACE | --latest --site=SITE" 2 ;;
  esac
done
if [ -n "$site" ]; then
  not_offered "restoring onto the site '$site'"
fi
if [ -z "$target" ]; then
  [ -z "$latest" ] || fail "--latest alone would restore over the live database; say where: --target=NAMESPACE or --site=SITE" 2
  fail "usage: restore-from-backup.sh --target=NAMESPACE | --latest --site=SITE" 2
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
