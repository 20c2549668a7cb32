#!/usr/bin/env bash
# prometheus-cleanup.sh --retention=30d: deletes samples that are older (002:569).
source "$(dirname "$(readlink -f "$0")")/common.sh"
retention=
for argument in "$@"; do
  case "$argument" in
    --retention=*) retention="${argument#*=}" ;;
    *) fail "unknown argument $argument; usage: prometheus-cleanup.sh --retention=30d" 2 ;;
  esac
done
[[ "$retention" =~ ^[0-9]+[smhdwy]$ ]] || fail "--retention must be a duration such as 30d, not '$retention'" 2
api="http://${EAFIX_PROMETHEUS:-localhost:9090}/api/v1"
everything='{__name__=~".+"}'
old="count(last_over_time(${everything}[10y] offset $retention))"
answer="$(curl -sS --max-time 30 -G --data-urlencode "query=$old" "$api/query")" || fail "Prometheus does not answer"
[ "$(jq -r .status <<<"$answer")" = success ] || fail "Prometheus: $(jq -r .error <<<"$answer")"
series="$(jq -r '.data.result[0].value[1] // "0"' <<<"$answer")"
if [ "$series" = 0 ]; then
  echo "nothing is older than $retention: nothing to delete"
  exit 0
fi
now="$(curl -sS --max-time 30 -G --data-urlencode 'query=time()' "$api/query" | jq -r '.data.result[1]')"
seconds="$(awk -v text="$retention" 'BEGIN { unit = substr(text, length(text)); split("s 1 m 60 h 3600 d 86400 w 604800 y 31536000", u, " ")
  for (i = 1; i < 12; i += 2) if (u[i] == unit) print substr(text, 1, length(text) - 1) * u[i + 1] }')"
end="$(awk -v now="$now" -v age="$seconds" 'BEGIN { printf "%.3f", now - age }')"
status="$(curl -sS --max-time 60 -o /dev/null -w '%{http_code}' -X POST -G --data-urlencode "match[]=$everything" \
  --data-urlencode "end=$end" "$api/admin/tsdb/delete_series")"
[ "$status" = 204 ] || fail "$series series hold samples older than $retention, and Prometheus does not delete them (HTTP $status): its admin API is off"
curl -sS --max-time 60 -o /dev/null -X POST "$api/admin/tsdb/clean_tombstones"
echo "deleted samples older than $retention of $series series"
