#!/usr/bin/env bash
# How long the last restore took, from its beginning until every row was counted (002:536), in documented time.
source "$(dirname "$(readlink -f "$0")")/common.sh"
[ $# -eq 0 ] || fail "unknown argument $1; usage: calculate-recovery-time.sh" 2
[ -s "$LOGS/restores.log" ] || fail "nothing was restored yet: $(shown "$LOGS/restores.log") is empty"
tail -1 "$LOGS/restores.log" | awk '{ printf "%.1f s\n", $3 - $2 }'
