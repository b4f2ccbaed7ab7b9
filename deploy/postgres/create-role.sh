#!/bin/sh
# The role that the services use. It may create databases, and is no superuser: the walls around the journal are for it too.
set -eu
psql --set ON_ERROR_STOP=1 --set "password=$POSTGRES_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE tekil LOGIN CREATEDB PASSWORD :'password';
SQL
