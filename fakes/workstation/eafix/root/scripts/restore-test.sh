#!/usr/bin/env bash
# restore-test.sh ARCHIVE NAMESPACE: restores a backup into a database of its own, named after the namespace, and counts (002:454).
source "$(dirname "$(readlink -f "$0")")/common.sh"
[ $# -eq 2 ] || fail "usage: restore-test.sh ARCHIVE NAMESPACE" 2
archive="$(here "$1")"
[ -f "$archive" ] || fail "$1: no such backup"
scratch="$(scratch_name "$2")"
trap 'drop "$scratch"' EXIT
counted="$(restore_into "$archive" "$scratch")" || fail "$(shown "$archive") could not be restored"
echo "restored $(shown "$archive") into the database $scratch: $counted, as the backup says"
