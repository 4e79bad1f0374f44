# Shared by the tests of directories elsewhere: a network and names of their own, a certification authority, slapds that are made of what
# `crosskeys init --provider` writes for their operator. Source it first of all; the test begins anew in a namespace of its own.
# shellcheck shell=bash
if [ -z "${CK_OWN_NETWORK:-}" ]; then
	exec env CK_OWN_NETWORK=1 unshare --net --mount bash "$0" "$@"
fi
ip link set lo up
. "$CK_SOURCE/tests/system/lib.sh"

C=$T/certificates
REACH=$CK_BUILD/tests/ldap-reach
mkdir "$C"
# names of this test only: a.test …, on this machine
cp /etc/hosts "$T/hosts"
printf '%s\n' '127.0.0.1 a.test' '127.0.0.2 b.test' '127.0.0.3 c.test' '127.0.0.1 kdc.test' '127.0.0.9 dead.test' >> "$T/hosts"
echo '10.255.255.1 hole.test' >> "$T/hosts" # a route to nowhere, where the test makes one
mount --bind "$T/hosts" /etc/hosts

started=()
end_started() {
	local pid
	for pid in "${started[@]}"; do
		kill -CONT "$pid" 2> /dev/null || true
		kill "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
}
end_all() {
	stop_daemon || true
	end_started
	cleanup
}
trap end_all EXIT

authority() { # NAME: a certification authority
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$C/$1.key" -out "$C/$1.pem" -days 30 \
		-subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2> /dev/null
}
# certificate FILE SUBJECT EXTENSION [AUTHORITY [DAYS]]
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$C/$1.key" -out "$C/$1.csr" -subj "$2" 2> /dev/null
	printf '%s\n' "$3" > "$C/$1.ext"
	openssl x509 -req -in "$C/$1.csr" -CA "$C/${4:-ca}.pem" -CAkey "$C/${4:-ca}.key" -CAcreateserial -out "$C/$1.pem" -days "${5:-30}" \
		-extfile "$C/$1.ext" 2> /dev/null
}
# serve WORDS…: in the background until the test ends; its pid in $served
serve() {
	"$@" > "$T/served.out" 2>&1 &
	served=$!
	started+=("$served")
}
# fake MODE PORT [CERTIFICATE]: the scripted server; what it is sent goes to $T/heard
fake() {
	: > "$T/heard"
	: > "$T/served.out"
	serve python3 "$CK_SOURCE/tests/fakes/ldap_server.py" "$1" "$2" "$T/heard" ${3:+"$C/$3.pem" "$C/$3.key"}
	until_true 20 grep -q ready "$T/served.out" || { fail "the fake did not start: $1"; cat "$T/served.out"; }
}
end_fake() {
	kill "$served" 2> /dev/null || true
	wait "$served" 2> /dev/null || true
}

# ---- real providers ----
SUFFIX=dc=example,dc=org
replace_words() { # NAME SERVER_ID: what an operator does with an editor
	sed -e "s,@SERVER_ID@,$2,; s,@DATABASES@,$T/$1,; s,@CA@,$C/ca.pem,; s,@CERTIFICATE@,$C/$1.pem,; s,@KEY@,$C/$1.key," \
		-e "s,@SCHEMA@,/etc/ldap/schema,; s,@MODULES@,/usr/lib/ldap,; s,@PASSWORD@,${SERVICE_PASSWORD:-unused},; s,@REPLICATION_PASSWORD@,between-us," \
		-e "s,@HOST@,$1.test,; s,@OTHER@,${OTHER:-none},; s,@RID@,${RID:-1},"
}
slap() { # NAME TOOL ARGUMENTS…, as slapd's user
	local name=$1 tool=$2
	shift 2
	setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups \
		/usr/sbin/"$tool" -F "$T/$name/slapd.d" "$@" > "$T/$name.tool" 2>&1 || { fail "$tool for $name"; tail -5 "$T/$name.tool"; }
}
# make_provider NAME SERVER_ID: its configuration, from the instance's operator folder
make_provider() {
	mkdir -p "$T/$1/slapd.d" "$T/$1/data" "$T/$1/accesslog"
	chmod 711 "$C"
	chown -R crosskeys-directory "$T/$1" "$C/$1.key"
	replace_words "$1" "$2" < "$I/operator/slapd.ldif" > "$T/$1.ldif"
	chmod 644 "$T/$1.ldif"
	slap "$1" slapadd -n 0 -l "$T/$1.ldif"
}
first_entries() { # NAME
	replace_words "$1" 1 < "$I/operator/entries.ldif" > "$T/$1.entries.ldif"
	chmod 644 "$T/$1.entries.ldif"
	slap "$1" slapadd -b "$SUFFIX" -l "$T/$1.entries.ldif" -w -S 1
}
mirror() { # NAME OTHER-URI RID
	OTHER=$2 RID=$3 replace_words "$1" 1 < "$I/operator/mirror.ldif" > "$T/$1.mirror.ldif"
	chmod 644 "$T/$1.mirror.ldif"
	slap "$1" slapmodify -n 0 -l "$T/$1.mirror.ldif"
}
declare -A pid_of
start_provider() { # NAME URIS
	setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service \
		/usr/sbin/slapd -F "$T/$1/slapd.d" -h "$2" -d stats >> "$T/$1.slapd" 2>&1 &
	pid_of[$1]=$!
	started+=("${pid_of[$1]}")
	until_true 20 grep -q "slapd starting" "$T/$1.slapd" || { fail "slapd $1 does not start"; tail -9 "$T/$1.slapd"; }
}
stop_provider() { # NAME [SIGNAL]
	kill "-${2:-TERM}" "${pid_of[$1]}" 2> /dev/null || true
	wait "${pid_of[$1]}" 2> /dev/null || true
	: > "$T/$1.slapd"
}

# init_elsewhere OPTIONS…: an instance whose directory is elsewhere; not started
init_elsewhere() {
	"$CK_SOURCE/contrib/create-users" > /dev/null
	mkdir -p "$K/soft-keys" "$S"
	cp "$CK_BUILD/tests/crosskeys-token-soft" "$K/"
	chown crosskeys-token "$K/soft-keys"
	chmod 700 "$K/soft-keys"
	echo '# nobody' > "$T/local-names"
	crosskeys init "$I" --suffix "$SUFFIX" --rp-id keys.example.org --portal-origin https://keys.example.org \
		--system core1 --authority northtown --admin ada --admin-name "Ada North" --admin-mail ada@northtown.example \
		--mail-domain northtown.example --token-helper "$K/crosskeys-token-soft" "$@" > "$T/init.out"
}
give() { # FILE AS: one of the files in providers, the replica's alone
	cp "$1" "$I/providers/$2"
	chown crosskeys-replica "$I/providers/$2"
	chmod 400 "$I/providers/$2"
}
enrol_ada() {
	new_key ada-key 1234
	only_key ada-key
	enrol ada "$(code_of ada "$T/init.out")" 1234 > "$T/enrol.out" 2>&1 || { cat "$T/enrol.out"; fail "ada could not enrol"; }
	pam_service demo
}
# follows NAME: the stream is in step with it
follows() { ck status 2> /dev/null | grep -q "^provider: $1 followed"; }
# As start_daemon; but that not all is well is no reason to give up.
start_degraded() {
	"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
	DAEMON=$!
	until_true 20 sh -c "\"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q '^replica: '" || { fail "the daemon did not come up"; tail -20 "$T/daemon.log"; }
}
