#!/usr/bin/env bash
# Brings the second data centre up: the first step when the first one is lost (002:500).
set -euo pipefail
echo "activate-dr-site.sh: there is no second site here: one exists in the real platform, but gameday's stand-in does not offer it" >&2
exit 3
