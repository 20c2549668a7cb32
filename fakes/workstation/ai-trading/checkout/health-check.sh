#!/bin/bash
# What 004:201 checks, with its exit code: 0 when all of it is well.
set -uo pipefail
bad=0

echo "=== System Health Check ==="

echo "API Health:"
curl -sSf --max-time 10 http://localhost:8000/api/health | jq . || bad=1

echo "Database:"
if psql -X "$DATABASE_URL" -c "SELECT 1;" >/dev/null; then echo "Connected"; else echo "Failed"; bad=1; fi

echo "Redis:"
if [ "$(redis-cli -p "${REDIS_PORT:-6379}" ping)" = PONG ]; then echo "Connected"; else echo "Failed"; bad=1; fi

echo "PM2 Processes:"
pm2 status --no-color || bad=1

echo "Docker Services:"
docker compose ps || bad=1

echo "Disk Usage:"
df -h | grep -E "(/$|/var|/tmp)" || true

echo "Memory Usage:"
free -m || true

echo "=== Health Check Complete ==="
exit "$bad"
