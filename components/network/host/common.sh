# What the commands on the psql host share; they read it, nobody runs it.
#
# The places of the databases, and the ARNs of their master secrets where this host may read them, are in a parameter of Systems
# Manager, so that they are always those of the last update. A secret is read with the instance's role when a command is run.
set -euo pipefail

name=${0##*/}
folder=/usr/local/share/audit-trail
# Written at the first boot: the region and the parameter's name.
. "$folder/settings"

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

# Sets parameter: what the last update says of the databases.
read_parameter() {
    local read=(aws ssm get-parameter --region "$AUDIT_TRAIL_REGION" --name "$AUDIT_TRAIL_PARAMETER"
        --query Parameter.Value --output text)
    parameter=$("${read[@]}" 2>/dev/null) ||
        fail "the parameter $AUDIT_TRAIL_PARAMETER, which says where the databases are, cannot be read ($(reason "${read[@]}")); deploy the stack to its end, and try again."
}

# Sets the variables of a database, source or audit, and secret_arn.
find_database() {
    local place
    mapfile -d '' -t place < <(printf '%s' "$parameter" |
        fields "$1.host" "$1.port" "$1.database" "$1.caBundle" "$1.secretArn")
    [ "${#place[@]}" -eq 5 ] || fail "the parameter $AUDIT_TRAIL_PARAMETER is no JSON; run the stack's update again."
    PGHOST=${place[0]}
    PGPORT=${place[1]}
    PGDATABASE=${place[2]}
    PGSSLROOTCERT=$folder/${place[3]}
    secret_arn=${place[4]}
    [ -n "$PGHOST" ] || fail "the parameter $AUDIT_TRAIL_PARAMETER names no database $1; deploy the stack to its end, and try again."
    [ -r "$PGSSLROOTCERT" ] ||
        fail "$PGSSLROOTCERT, the certificate authorities of $PGHOST, is not on this host; copy it there from the project folder."
}

# Sets PGUSER and PGPASSWORD out of the secret secret_arn.
read_login() {
    local login secret read=(aws secretsmanager get-secret-value --region "$AUDIT_TRAIL_REGION" --secret-id "$secret_arn"
        --query SecretString --output text)
    secret=$("${read[@]}" 2>/dev/null) ||
        fail "the secret $secret_arn cannot be read ($(reason "${read[@]}")); see that the instance's role may read it and the key that encrypts it."
    mapfile -d '' -t login < <(printf '%s' "$secret" | fields username password)
    [ -n "${login[0]:-}" ] && [ -n "${login[1]:-}" ] ||
        fail "the secret $secret_arn is not JSON with username and password; see who has changed it."
    PGUSER=${login[0]}
    PGPASSWORD=${login[1]}
}

# No byte is sent, so that the server has nothing to log.
reach_database() {
    timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$PGHOST" "$PGPORT" 2>/dev/null ||
        fail "$PGHOST does not answer on port $PGPORT; see that the server runs and that its security group lets this host in."
}
