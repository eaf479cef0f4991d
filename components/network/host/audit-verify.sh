#!/bin/bash
# audit-verify: shows that the log is complete up to a commit time, or names what is missing. Takes --table, --since and --json.
#
# The program is an object in a bucket of the stack. It is fetched by its version when the command is run, and run if it has the
# checksum that the last update wrote into the parameter. The addresses with the passwords go to it by the environment: never by
# an argument, never to a disk.
. /usr/local/share/audit-trail/common.sh

# The address of the database that find_database and read_login found. The password comes by standard input: printf is no process.
address() {
    printf '%s\0' "$PGUSER" "$PGPASSWORD" "$PGHOST" "$PGPORT" "$PGDATABASE" "$PGSSLROOTCERT" | python3 -c '
import sys
from urllib.parse import quote
user, password, host, port, database, authorities = [
    quote(part, safe="") for part in sys.stdin.buffer.read().split(b"\0")[:6]
]
print(f"postgresql://{user}:{password}@{host}:{port}/{database}?sslmode=verify-full&sslrootcert={authorities}")'
}

# Whoever has these exported would hand the passwords to every process below.
unset PGUSER PGPASSWORD

command -v node-24 >/dev/null ||
    fail "Node.js is not installed; look why the first boot did not install it in /var/log/cloud-init-output.log."

read_parameter
mapfile -d '' -t object < <(printf '%s' "$parameter" |
    fields verify.bucket verify.key verify.versionId verify.sha256)
[ "${#object[@]}" -eq 4 ] || fail "the parameter $AUDIT_TRAIL_PARAMETER is no JSON; run the stack's update again."
[ -n "${object[0]}" ] ||
    fail "this host may not read the master secrets, which a verification needs; let it with \"pulumi config set hostSecrets master\" and an update, or run npm run verify elsewhere."

asks_help=
for argument; do
    case $argument in
        --help | -h) asks_help=yes ;;
    esac
done
if [ -z "$asks_help" ]; then
    for side in source audit; do
        find_database "$side"
        read_login
        reach_database
        printf -v "${side}_url" '%s' "$(address)"
    done
fi

program=$(mktemp 2>/dev/null) || fail "there is no room for a temporary file; free some on this host's disk."
trap 'rm -f "$program"' EXIT
fetch=(aws s3api get-object --region "$AUDIT_TRAIL_REGION" --bucket "${object[0]}" --key "${object[1]}"
    --version-id "${object[2]}" "$program")
"${fetch[@]}" >/dev/null 2>&1 ||
    fail "the program s3://${object[0]}/${object[1]} cannot be fetched ($(reason "${fetch[@]}")); see that the instance's role may read it and that this network has a way to S3."
printf '%s  %s\n' "${object[3]}" "$program" | sha256sum --check --status ||
    fail "the program s3://${object[0]}/${object[1]} has another checksum than the last update gave it, and was not run; see who has changed it, and run the stack's update again."

# Node.js reads it from here on; the file has no name any more when it begins.
exec <"$program"
rm -f "$program"
unset NODE_OPTIONS
export AUDIT_TRAIL_SOURCE_URL=${source_url:-} AUDIT_TRAIL_AUDIT_URL=${audit_url:-}
exec node-24 --input-type=commonjs - "$@"
