#!/usr/bin/env bash
# What can be done with a whole site:
#   site.sh status [SITE]   which there are, and how they are; of one site: 0 when it answers
#   site.sh fence SITE      its links are cut from outside, for good: it may come back, and reaches nobody
#   site.sh unfence SITE    the fence is taken away; refused while something there could still take writes
#   site.sh stop SITE       its services and its database; refused of the one in charge
#   site.sh follow SITE     its database, stopped, follows the one in charge: pg_rewind takes back what only it has
#   site.sh switch SITE     hands over to it as planned: nothing is taken any more, all is replayed, then it is in charge
source "${GAMEDAY_MACHINE:-}/scripts/common.sh"
usage='usage: site.sh status [SITE] | fence|unfence|stop|follow|switch SITE'
[ $# -ge 1 ] && [ $# -le 2 ] || fail "$usage" 2
verb="$1" site="${2:-}"
case "$verb" in
  status)
    found="$(ask_site GET /sites)" || exit $?
    python - "$found" "$site" <<'PYTHON'
import json, sys
found, wanted = json.loads(sys.argv[1]), sys.argv[2]
if wanted and wanted not in found:
    sys.exit(f"site.sh: no site {wanted}; there are {', '.join(found)}")
for name, row in found.items():
    if wanted in ("", name):
        facts = ["in charge" if row["active"] else "not in charge", "answers" if row["reachable"] else "does not answer"]
        facts += ["fenced"] * row["fenced"]
        print(f"{name}: {', '.join(facts)}; runs: {', '.join(row['running']) or 'nothing'}")
sys.exit(1 if wanted and not found[wanted]["reachable"] else 0)
PYTHON
    ;;
  fence | unfence | stop | follow | switch)
    [ -n "$site" ] || fail "$usage" 2
    found="$(ask_site POST "/sites/$site/$verb")" || exit $?
    case "$verb" in
      fence) echo "$site is fenced: nothing there reaches anybody, whether or not it comes back" ;;
      unfence) echo "$site is not fenced any more" ;;
      stop) echo "$site is stopped: its services and $(field database <<<"$found")" ;;
      follow) echo "$(field database <<<"$found") follows the database in charge" ;;
      switch) echo "$site is in charge: all up to $(field done <<<"$found") had been replayed there" ;;
    esac
    ;;
  *) fail "unknown verb $verb; $usage" 2 ;;
esac
