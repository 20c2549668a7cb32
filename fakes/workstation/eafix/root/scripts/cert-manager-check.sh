#!/usr/bin/env bash
# cert-manager-check.sh [--renew-if-needed]: how long the cluster's certificates are valid, and renews those that are due (002:596).
source "$(dirname "$(readlink -f "$0")")/common.sh"
renew=
for argument in "$@"; do
  case "$argument" in
    --renew-if-needed) renew=yes ;;
    *) fail "unknown argument $argument; usage: cert-manager-check.sh [--renew-if-needed]" 2 ;;
  esac
done
due_within_s=$((30 * 86400))
certificates="$(kubectl get certificates --all-namespaces -o json)" || fail "the cluster does not tell its certificates"
rows="$(jq -r '.items[] | [.metadata.namespace, .metadata.name, .status.notAfter // "-"] | @tsv' <<<"$certificates")"
if [ -z "$rows" ]; then
  echo "the cluster has no certificates"
  exit 0
fi
due=()
while IFS=$'\t' read -r namespace name until; do
  if [ "$until" = - ]; then
    echo "$namespace/$name: not issued yet"
    due+=("$namespace/$name")
    continue
  fi
  left=$(($(date -d "$until" +%s) - $(date +%s)))
  echo "$namespace/$name: valid until $until, $((left / 86400)) days"
  if [ "$left" -lt "$due_within_s" ]; then due+=("$namespace/$name"); fi
done <<<"$rows"
if [ ${#due[@]} -eq 0 ]; then
  echo "none is due within 30 days"
elif [ -z "$renew" ]; then
  fail "due: ${due[*]}; --renew-if-needed renews them"
else
  fail "due: ${due[*]}; issuing certificates is not modelled" 3
fi
