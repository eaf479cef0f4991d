#!/bin/bash
# psql-source, psql-audit: psql on the database of that name. Every argument goes to psql.
#
# The password goes to psql by the environment: never by an argument, never to a disk. With -U NAME, or PGUSER, no secret is
# read: psql asks for that login's password.
. /usr/local/share/audit-trail/common.sh

command -v psql >/dev/null ||
    fail "psql is not installed; look why the first boot did not install it in /var/log/cloud-init-output.log."

read_parameter
find_database "${name#psql-}"

own_login=${PGUSER:-}
for argument; do
    case $argument in
        -U* | --username | --username=*) own_login=given ;;
    esac
done

if [ -z "$own_login" ]; then
    [ -n "$secret_arn" ] ||
        fail "this host may not read the master secrets; log in as yourself with -U NAME, or let it with \"pulumi config set hostSecrets master\" and an update."
    read_login
    export PGUSER PGPASSWORD
fi
reach_database

# What would lead psql to another server, or past TLS, and outranks the variables below.
unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGSYSCONFDIR PGREQUIRESSL
PGSSLMODE=verify-full
PGGSSENCMODE=disable
export PGHOST PGPORT PGDATABASE PGSSLMODE PGSSLROOTCERT PGGSSENCMODE
exec psql "$@"
