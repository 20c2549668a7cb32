#!/usr/bin/env bash
# Brings the second data centre up: the first step when the first one is lost (002:500). Its database is promoted where it follows the
# first one's; its services are started. The other site is not asked: it may be gone. Fence it before.
source "${GAMEDAY_MACHINE:-}/scripts/common.sh"
[ $# -eq 0 ] || fail "unknown argument $1; usage: activate-dr-site.sh" 2
found="$(ask_site POST /sites/dr/activate)" || exit $?
echo "the site dr is up: $(field done <<<"$found")"
