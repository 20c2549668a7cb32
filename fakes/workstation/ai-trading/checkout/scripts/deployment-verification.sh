#!/usr/bin/env bash
# Whether a deployment works (004:382): API, database, Redis and pm2's processes. What starts gets VERIFY_WITHIN_S (30) seconds,
# all together. Exit code: how many of them do not work.
set -uo pipefail
bad=0
until=$((SECONDS + ${VERIFY_WITHIN_S:-30}))
check() {
  local name="$1" output
  shift
  until output="$("$@" 2>&1)"; do
    if [ "$SECONDS" -ge "$until" ]; then
      echo "FAILED  $name: $(tail -1 <<<"$output")"
      bad=$((bad + 1))
      return
    fi
    sleep 0.5
  done
  echo "ok      $name"
}
pong() { [ "$(redis-cli -p "${REDIS_PORT:-6379}" ping)" = PONG ]; }
online() {
  local list
  list="$(pm2 jlist)" || { echo "$list"; return 1; }
  jq -e -r '[.[] | select(.pm2_env.status != "online") | .name] | if length == 0 then "all online" else join(", ") + " not online" | halt_error end' <<<"$list"
}
check "API" curl -sSf --max-time 10 -o /dev/null http://localhost:8000/api/health
check "database" psql -X -q "$DATABASE_URL" -c "SELECT 1"
check "Redis" pong
check "pm2 processes" online
exit "$bad"
