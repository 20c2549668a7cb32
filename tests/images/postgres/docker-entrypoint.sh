#!/bin/bash
# What the documentation of Docker Official `postgres` promises of its entry point, for the stand-in image (../build.py).
set -Eeuo pipefail

fail() {
  printf 'docker-entrypoint.sh: %s\n' "$@" >&2
  exit 1
}

# A setting may come from NAME, or from the file that NAME_FILE names (secrets do).
setting() {
  local name=$1 file="$1_FILE" default=${2-}
  if [ -n "${!name-}" ] && [ -n "${!file-}" ]; then fail "$name and $file are both set; only one can be meant."; fi
  if [ -n "${!file-}" ]; then printf -v "$name" '%s' "$(<"${!file}")"; else printf -v "$name" '%s' "${!name:-$default}"; fi
  export "${name?}"
  unset "$file"
}

# True for options with which postgres only tells something: nothing need be initialised for them.
only_tells() {
  local argument
  for argument; do
    case $argument in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

make_folders() {
  mkdir -p "$PGDATA" "${POSTGRES_INITDB_WALDIR:-$PGDATA}"
  mkdir -p /var/run/postgresql || true # whoever reads only, or is not the owner, may have made them fit already
  chmod 03775 /var/run/postgresql || true
  chmod 0700 "$PGDATA" || true
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" "${POSTGRES_INITDB_WALDIR:-$PGDATA}" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
  fi
}

read_settings() {
  setting POSTGRES_PASSWORD
  setting POSTGRES_USER postgres
  setting POSTGRES_DB "$POSTGRES_USER"
  setting POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    fail 'the database is not initialised, and no superuser password is given.' \
      'Set POSTGRES_PASSWORD to one that is not empty, or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in without.'
  fi
  if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
    echo 'docker-entrypoint.sh: warning: POSTGRES_HOST_AUTH_METHOD=trust lets everybody in without a password.' >&2
  fi
}

make_cluster() {
  local arguments=()
  if [ -n "${POSTGRES_INITDB_WALDIR-}" ]; then arguments+=(--waldir "$POSTGRES_INITDB_WALDIR"); fi
  # An eval, as the documentation has it: quotes within POSTGRES_INITDB_ARGS are a shell's.
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "${arguments[@]}" '"$POSTGRES_INITDB_ARGS"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}" >>"$PGDATA/pg_hba.conf"
}

sql() {
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --no-password "$@"
}

run_init_files() {
  local file
  for file; do
    echo "docker-entrypoint.sh: running $file"
    case $file in
      # shellcheck disable=SC1090
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) sql --dbname "$POSTGRES_DB" --file "$file" ;;
      *.sql.gz) gunzip --stdout "$file" | sql --dbname "$POSTGRES_DB" ;;
      *) echo "docker-entrypoint.sh: $file is passed over: neither .sh nor .sql nor .sql.gz" ;;
    esac
  done
}

# A server of its own for what initdb can't do, on the Unix socket alone, so that nobody takes it for the real one.
prepare_databases() {
  local files=(/docker-entrypoint-initdb.d/*)
  if [ "$POSTGRES_DB" = postgres ] && [ ! -e "${files[0]}" ]; then return; fi
  pg_ctl --wait --silent --options "$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")" start
  if [ "$POSTGRES_DB" != postgres ]; then sql --dbname postgres --set name="$POSTGRES_DB" <<<'CREATE DATABASE :"name";'; fi
  if [ -e "${files[0]}" ]; then run_init_files "${files[@]}"; fi
  pg_ctl --wait --silent --mode fast stop
}

case ${1-} in -*) set -- postgres "$@" ;; esac
if [ "${1-}" = postgres ] && ! only_tells "${@:2}"; then
  make_folders
  if [ "$(id -u)" = 0 ]; then exec gosu postgres "${BASH_SOURCE[0]}" "$@"; fi
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    read_settings
    make_cluster
    export PGPASSWORD=$POSTGRES_PASSWORD
    prepare_databases "${@:2}"
    unset PGPASSWORD
    echo 'PostgreSQL init process complete; ready for start up.'
  fi
fi
exec "$@"
