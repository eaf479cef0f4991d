#!/bin/bash
# psql-source, psql-audit: psql on the database of that name. Every argument goes to psql.
#
# The place of the database, and the ARN of its master secret where this host may read it, are in a parameter of Systems
# Manager, so that they are always those of the last update. The secret is read with the instance's role when the command
# is run. It goes to psql by the environment: never by an argument, never to a disk.
#
# With -U NAME, or PGUSER, no secret is read: psql asks for that login's password.
set -euo pipefail

name=${0##*/}
side=${name#psql-}
# Written at the first boot: the region and the parameter's name.
. /usr/local/share/audit-trail/settings
folder=/usr/local/share/audit-trail

fail() {
    printf '%s: %s\n' "$name" "$1" >&2
    exit 2
}

# Fields of a JSON text on standard input, each by its path, each ended by a zero byte; empty where it is not there.
fields() {
    python3 -c '
import json, sys
try:
    whole = json.load(sys.stdin)
except ValueError:
    sys.exit(1)
for path in sys.argv[1:]:
    value = whole
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    sys.stdout.write(("" if value is None else str(value)) + "\0")' "$@"
}

# Why a command of the AWS CLI fails, in its last line of words.
reason() {
    "$@" 2>&1 >/dev/null | grep -v '^[[:space:]]*$' | tail -n 1 || true
}

command -v psql >/dev/null ||
    fail "psql is not installed; look why the first boot did not install it in /var/log/cloud-init-output.log."

read_parameter=(aws ssm get-parameter --region "$AUDIT_TRAIL_REGION" --name "$AUDIT_TRAIL_PARAMETER"
    --query Parameter.Value --output text)
parameter=$("${read_parameter[@]}" 2>/dev/null) ||
    fail "the parameter $AUDIT_TRAIL_PARAMETER, which says where the databases are, cannot be read ($(reason "${read_parameter[@]}")); deploy the stack to its end, and try again."

mapfile -d '' -t place < <(printf '%s' "$parameter" |
    fields "$side.host" "$side.port" "$side.database" "$side.caBundle" "$side.secretArn")
[ "${#place[@]}" -eq 5 ] || fail "the parameter $AUDIT_TRAIL_PARAMETER is no JSON; run the stack's update again."
PGHOST=${place[0]}
PGPORT=${place[1]}
PGDATABASE=${place[2]}
PGSSLROOTCERT=$folder/${place[3]}
secret_arn=${place[4]}
[ -n "$PGHOST" ] || fail "the parameter $AUDIT_TRAIL_PARAMETER names no database $side; deploy the stack to its end, and try again."
[ -r "$PGSSLROOTCERT" ] ||
    fail "$PGSSLROOTCERT, the certificate authorities of $PGHOST, is not on this host; copy it there from the project folder."

own_login=${PGUSER:-}
for argument; do
    case $argument in
        -U* | --username | --username=*) own_login=given ;;
    esac
done

if [ -z "$own_login" ]; then
    [ -n "$secret_arn" ] ||
        fail "this host may not read the master secrets; log in as yourself with -U NAME, or let it with \"pulumi config set hostSecrets master\" and an update."
    read_secret=(aws secretsmanager get-secret-value --region "$AUDIT_TRAIL_REGION" --secret-id "$secret_arn"
        --query SecretString --output text)
    secret=$("${read_secret[@]}" 2>/dev/null) ||
        fail "the secret $secret_arn cannot be read ($(reason "${read_secret[@]}")); see that the instance's role may read it and the key that encrypts it."
    mapfile -d '' -t login < <(printf '%s' "$secret" | fields username password)
    [ -n "${login[0]:-}" ] && [ -n "${login[1]:-}" ] ||
        fail "the secret $secret_arn is not JSON with username and password; see who has changed it."
    PGUSER=${login[0]}
    PGPASSWORD=${login[1]}
    unset secret login
    export PGUSER PGPASSWORD
fi

# No byte is sent, so that the server has nothing to log.
timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$PGHOST" "$PGPORT" 2>/dev/null ||
    fail "$PGHOST does not answer on port $PGPORT; see that the server runs and that its security group lets this host in."

# What would lead psql to another server, or past TLS, and outranks the variables below.
unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGSYSCONFDIR PGREQUIRESSL
PGSSLMODE=verify-full
PGGSSENCMODE=disable
export PGHOST PGPORT PGDATABASE PGSSLMODE PGSSLROOTCERT PGGSSENCMODE
exec psql "$@"
