#!/usr/bin/env bash
# Brings the second data centre up: the first step when the first one is lost (002:500).
set -euo pipefail
if [ -z "${EAFIX_DR_SITE:-}" ]; then
  echo "activate-dr-site.sh: this platform has no second site: EAFIX_DR_SITE names none, so there is nothing to activate" >&2
  exit 1
fi
echo "activate-dr-site.sh: bringing up the site $EAFIX_DR_SITE is not modelled" >&2
exit 3
