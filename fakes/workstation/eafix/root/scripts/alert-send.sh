#!/usr/bin/env bash
# alert-send.sh MESSAGE: pages whoever is on call (002:457). The first word of the message, before a colon, is its severity.
source "$(dirname "$(readlink -f "$0")")/common.sh"
[ $# -eq 1 ] && [ -n "$1" ] || fail "usage: alert-send.sh MESSAGE" 2
[ -n "${EAFIX_PAGER:-}" ] || fail "this platform has no pager: EAFIX_PAGER names none"
case "${1%%:*}" in
  CRITICAL) severity=critical ;;
  WARNING) severity=warning ;;
  INFO) severity=info ;;
  *) severity=error ;;
esac
event="$(jq -n --arg summary "$1" --arg severity "$severity" --arg key "${EAFIX_PAGER_KEY:-}" --arg source "$(hostname)" \
  '{routing_key: $key, event_action: "trigger", payload: {summary: $summary, source: $source, severity: $severity}}')"
curl -sS -f --max-time 10 -o /dev/null -H 'Content-Type: application/json' -d "$event" "http://$EAFIX_PAGER/v2/enqueue" \
  || fail "the pager did not take it: nobody was paged"
echo "paged: $1"
