#!/usr/bin/env bash
# Finding people beside three peers, each a real one of its own in SCRATCH: a plain slapd with indices for names, SQLite, PostgreSQL.
# usage: search.sh STAFF SEED STORE SCRATCH, with CK_BUILD set
set -eu
staff=$1 seed=$2 store=$3 scratch=$4/search
each=${CK_BENCH_QUESTIONS:-200}
slapd_pid=
cluster=
mkdir -p "$scratch"
chmod 755 "$scratch"
stop_peers() {
	[ -z "$slapd_pid" ] || { kill "$slapd_pid" && wait "$slapd_pid"; } || true
	[ -z "$cluster" ] || as_postgres "$pg_bin/pg_ctl" -D "$cluster" -m immediate -s stop || true
	rm -rf "$scratch"
}
trap stop_peers EXIT
trap 'exit 1' INT TERM
as_postgres() { (cd / && setpriv --reuid postgres --regid postgres --clear-groups -- "$@"); }

# ---- slapd: people only, with what searching by name wants ----
slapd_place=
start_slapd() {
	local suffix=dc=plain,dc=example uri begin
	mkdir -p "$scratch/plain/config" "$scratch/plain/data"
	{
		printf 'dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcIdleTimeout: 0\n\n'
		printf 'dn: cn=module{0},cn=config\nobjectClass: olcModuleList\ncn: module{0}\nolcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n\n'
		printf 'dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n'
		for schema in core cosine inetorgperson; do printf 'include: file:///etc/ldap/schema/%s.ldif\n\n' $schema; done
		printf 'dn: olcDatabase={1}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {1}mdb\nolcSuffix: %s\n' $suffix
		printf 'olcDbDirectory: %s/plain/data\nolcDbMaxSize: 34359738368\nolcAccess: to * by * read\n' "$scratch"
		printf 'olcDbIndex: %s\n' 'objectClass eq' 'uid eq' 'cn eq,sub,approx' 'sn eq,sub,approx' 'givenName eq,sub,approx' 'departmentNumber eq,sub' 'o eq,sub'
	} > "$scratch/plain/config.ldif"
	chown -R crosskeys-directory:crosskeys-directory "$scratch/plain"
	/usr/sbin/slapadd -n 0 -F "$scratch/plain/config" -l "$scratch/plain/config.ldif" > "$scratch/slapd.log" 2>&1 || { cat "$scratch/slapd.log"; return 1; }
	begin=$(date +%s)
	"$CK_BUILD/tests/crosskeys-data" --staff "$staff" --seed "$seed" --suffix $suffix plain |
		/usr/sbin/slapadd -q -F "$scratch/plain/config" -b $suffix > "$scratch/slapd.log" 2>&1 || { tail -3 "$scratch/slapd.log"; return 1; }
	echo "# search: slapd's people were loaded in $(($(date +%s) - begin)) s"
	uri=ldapi://$(sed 's|/|%2F|g' <<< "$scratch/plain/ldapi")
	/usr/sbin/slapd -d 0 -F "$scratch/plain/config" -h "$uri" > "$scratch/slapd.log" 2>&1 &
	slapd_pid=$!
	for _ in $(seq 100); do [ -S "$scratch/plain/ldapi" ] && break || sleep 0.1; done
	slapd_place="$uri $suffix"
}

# ---- PostgreSQL: a cluster of its own, a socket of its own, no network ----
pg_place=
start_postgresql() {
	pg_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2> /dev/null | sort -V | tail -1)
	[ -n "$pg_bin" ] || { echo "# search: PostgreSQL is left out: it is not installed (contrib/install-packages --bench)"; return 0; }
	install -d -o postgres -g postgres -m 700 "$scratch/pg" "$scratch/pg/socket"
	as_postgres "$pg_bin/initdb" -D "$scratch/pg/data" -A peer -E UTF8 --locale=C.UTF-8 > "$scratch/pg.log" 2>&1 || { tail -3 "$scratch/pg.log"; return 1; }
	cat >> "$scratch/pg/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$scratch/pg/socket'
		shared_buffers = 1GB
		work_mem = 64MB
		maintenance_work_mem = 512MB
		fsync = off
		jit = off
		max_parallel_workers_per_gather = 0
	END
	echo "local all postgres peer map=bench" > "$scratch/pg/data/pg_hba.conf"
	printf 'bench postgres postgres\nbench root postgres\n' > "$scratch/pg/data/pg_ident.conf"
	cluster=$scratch/pg/data
	as_postgres "$pg_bin/pg_ctl" -D "$cluster" -l "$scratch/pg/log" -w -s start > "$scratch/pg.log" 2>&1 || { tail -3 "$scratch/pg/log"; cluster=; return 1; }
	pg_place="host=$scratch/pg/socket user=postgres dbname=postgres"
}

"$CK_BUILD/tests/crosskeys-data" --staff "$staff" --seed "$seed" --each "$each" queries > "$scratch/queries"
start_slapd
start_postgresql
"$CK_BUILD/tests/bench_search" "$staff" "$seed" "$scratch/queries" "$store" "$slapd_place" "$scratch/people.sqlite" "$pg_place"
