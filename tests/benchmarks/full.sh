#!/usr/bin/env bash
# The directory at full size: called by tests/bench --staff N WORD…, which has built everything. One instance with an embedded directory: 64 people who
# log in (bench_data) beside N generated ones. Rows as those of tests/bench.
set -eu
staff=$1
shift
here=$CK_SOURCE/tests/benchmarks
seed=1
rounds=3
[ "$staff" -le 200000 ] || rounds=1 # each takes minutes
rounds=${CK_BENCH_ROUNDS:-$rounds}
suffix=dc=example,dc=org
# shellcheck source=tests/system/lib.sh
. "$CK_SOURCE/tests/system/lib.sh"

median() { sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
row() { # NAME OURS UNIT REFERENCE AIM: at most AIM times the reference; REFERENCE 0: ours itself
	awk -v n="$1" -v o="$2" -v u="$3" -v r="$4" -v a="$5" 'BEGIN {
		held = r > 0 ? o / r : o
		if (r > 0) printf "bench %s %.2f %s %.2f %.2f <=%g %s\n", n, o, u, r, held, a, held <= a ? "ok" : "short"
		else printf "bench %s %.2f %s - - <=%g %s\n", n, o, u, a, held <= a ? "ok" : "short" }' | tee -a "$T/all"
}
note() { echo "# $*" | tee -a "$T/all"; }
measure() { "$@" | tee -a "$T/all"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
run_as() { # USER WORDS…
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
}
generate() { "$CK_BUILD/tests/crosskeys-data" --staff "$staff" --seed "$seed" "$@"; }

make_instance() { # FOLDER
	crosskeys init "$1" --suffix $suffix --rp-id keys.example.org --portal-origin https://keys.example.org --system core1 --authority northtown \
		--admin ada --admin-mail ada@northtown.example --uid-range 200000-299999 --token-helper "$K/crosskeys-token-soft" > "$T/init.out"
}
add_offline() { # FOLDER LDIF: how many milliseconds slapadd -q took
	local begin
	begin=$(now_ms)
	run_as crosskeys-directory /usr/sbin/slapadd -q -w -S 1 -F "$1/directory/slapd.d" -b $suffix -l "$2" > "$T/slapadd.log" 2>&1 ||
		{ tail -5 "$T/slapadd.log" >&2; return 1; }
	echo $(($(now_ms) - begin))
}
used_mib() { du -sk "$@" | awk '{ s += $1 } END { print s / 1024 }'; }

note "$staff staff, seed $seed; $(date -u +%F); load at the beginning: $(cut -d' ' -f1-3 /proc/loadavg)"
mkdir -p "$K/soft-keys"
cp "$CK_BUILD/tests/crosskeys-token-soft" "$K/"
generate --below ldif > "$T/data.ldif"
note "generated: $(grep -c '^dn: ' "$T/data.ldif") entries, $(($(stat -c %s "$T/data.ldif") / 1048576)) MiB of LDIF"
make_instance "$I"
authority=$(sed -n 's/^founding_authority *= *//p' "$I/crosskeys.conf")
# the largest authorities of the generated ones, as many as a role can name: their staff may enter, and so have accounts (bench_lookup.c knows which)
entrants=$(awk '/^objectClass: ckAuthority$/ { a = 1 } /^$/ { a = 0 } a && /^ckId: / { print $2; if (++n == 64) exit }' "$T/data.ldif")
# shellcheck disable=SC2086 # words
"$CK_BUILD/tests/bench_data" $suffix "$authority" keys.example.org 64 $entrants > "$T/bench.ldif"
add_offline "$I" "$T/bench.ldif" > /dev/null
loaded_ms=$(add_offline "$I" "$T/data.ldif")
note "slapadd -q: $loaded_ms ms"
socket=$I/run/gate.sock
uri=ldapi://$(sed 's|/|%2F|g' <<< "$I/run-directory/ldapi")
# the directory stays up on its own, so that only our own start is measured; every word finds it warm
sed 's/^slapd *=.*/slapd =/' "$I/crosskeys.conf" > "$I/alone.conf"
install -d -o crosskeys-directory -g crosskeys-replica -m 750 "$I/run-directory"
/usr/sbin/slapd -d 0 -u crosskeys-directory -g crosskeys-directory -F "$I/directory/slapd.d" -h "$uri" > "$T/slapd.log" 2>&1 &
slapd_pid=$!
stop_all() {
	stop_daemon || true
	kill "$slapd_pid" 2> /dev/null || true
	wait "$slapd_pid" 2> /dev/null || true
	rm -rf "$T"
}
trap stop_all EXIT
trap 'exit 1' INT TERM
search() { run_as crosskeys-replica ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$uri" "$@"; }
until_true 60 search -s base -b $suffix dn || { echo "slapd did not come up"; tail -3 "$T/slapd.log"; exit 1; }

start_alone() {
	"$CK_BUILD/crosskeysd" --config "$I/alone.conf" >> "$T/daemon.log" 2>&1 &
	DAEMON=$!
	until_true 1800 "$CK_BUILD/crosskeys" explain bench0 core1 bench --dir "$I" --proved none ||
		{ echo "the copy was not filled"; tail -5 "$T/daemon.log"; return 1; }
}
store_files() { find "$I" -name 'store-*.mdb'; }
forget_copy() { # the copy only
	local folder
	folder=$(dirname "$(find "$I" -name 'current.mdb' | head -1)")
	[ "$folder" = . ] || rm -f "$folder"/*.mdb "$folder"/*.mdb-lock
}
# first_follow: "READY-MS REPLICA-PEAK-KIB GATE-KIB" into $T/ready
first_follow() {
	stop_daemon
	forget_copy
	"$CK_BUILD/tests/bench_ready" "$CK_BUILD/crosskeysd" "$I/alone.conf" "$socket" 3600 | tee -a "$T/ready"
}
read_all_ms() {
	local begin
	begin=$(now_ms)
	search -b $suffix '*' '+' > /dev/null
	echo $(($(now_ms) - begin))
}

do_follow() {
	local i ours peer
	: > "$T/follow"
	: > "$T/read"
	for _ in $(seq "$rounds"); do
		read_all_ms >> "$T/read"
		first_follow | cut -d' ' -f1 >> "$T/follow"
	done
	ours=$(median < "$T/follow")
	peer=$(median < "$T/read")
	note "follow, $rounds round(s): ours $(tr '\n' ' ' < "$T/follow")ms, ldapsearch $(tr '\n' ' ' < "$T/read")ms"
	row follow "$ours" ms "$peer" 1.5
	# shellcheck disable=SC2046 # one or two files
	row follow-store-size "$(used_mib $(store_files))" MiB "$(used_mib "$I/directory/data/data.mdb")" 0.333
}
do_lookup() {
	[ -n "$DAEMON" ] || start_alone
	measure "$CK_BUILD/tests/bench_lookup" "$socket" "$uri" $suffix crosskeys-replica "$T" "$seed" "$staff"
}
do_restart() {
	[ -n "$DAEMON" ] || start_alone # the copy is to be there
	stop_daemon
	measure "$CK_BUILD/tests/bench_restart" "$CK_BUILD/crosskeysd" "$I/alone.conf" "$socket"
}
do_memory() {
	local gate pid kib
	[ -s "$T/ready" ] || first_follow > /dev/null
	[ -n "$DAEMON" ] || start_alone
	"$CK_BUILD/tests/bench_names" "$socket" 64 > /dev/null # some use
	gate=0
	for pid in $(cat "/proc/$DAEMON/task/$DAEMON/children"); do
		tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q gate || continue
		kib=$(awk '/^Private_Dirty/ { print $2 }' "/proc/$pid/smaps_rollup")
		[ "$kib" -le "$gate" ] || gate=$kib
	done
	row memory-gate "$(awk -v k="$gate" 'BEGIN { print k / 1024 }')" MiB 0 8
	row memory-replica-first-follow "$(awk '{ if ($2 > m) m = $2 } END { print m / 1024 }' "$T/ready")" MiB 0 256
	"$CK_BUILD/tests/bench_size" "$(dirname "$(store_files | head -1)")" > "$T/size"
	row memory-store-a-person "$(cut -d' ' -f1 "$T/size")" bytes 0 1000
	row memory-people-a-person "$(cut -d' ' -f2 "$T/size")" bytes 0 600
	# shellcheck disable=SC2046 # one or two files
	note "memory: the store's file is $(stat -c %s $(store_files) | awk -v n="$staff" '{ s += $1 } END { printf "%d", s / n }') bytes a person, with pages that are free"
}
do_change() {
	local dn
	[ -n "$DAEMON" ] || start_alone
	dn=$(search -b $suffix '(&(objectClass=ckRule)(ckName=bench-account))' dn | sed -n 's/^dn: //p')
	measure "$CK_BUILD/tests/bench_churn" "$socket" "$uri" "$dn" crosskeys-replica "$seed" "$staff" "${CK_BENCH_PAIRS:-30}"
}
# The staff lists of all authorities, as CSV, into a directory that has the authorities only; and the entries that come of it, as LDIF.
make_empty() { # FOLDER
	make_instance "$1"
	add_offline "$1" "$T/authorities.ldif" > /dev/null
}
do_load() {
	local begin
	awk 'BEGIN { RS = ""; ORS = "\n\n" } /objectClass: (ckAuthority|organizationalUnit)/' "$T/data.ldif" > "$T/authorities.ldif"
	generate csv > "$T/staff.csv"
	for _ in $(seq "$rounds"); do
		rm -rf "$T/again" "$T/other"
		make_empty "$T/again"
		sync # neither pays for what the other left to be written
		begin=$(now_ms)
		crosskeys import --offline "$T/again" "$T/staff.csv" --map "$CK_SOURCE/contrib/import/staff-list.conf" > "$T/import.log" 2>&1 ||
			{ tail -5 "$T/import.log"; head -3 "$T/staff.csv.rejected"; return 1; }
		echo $(($(now_ms) - begin)) >> "$T/imported"
		run_as crosskeys-directory /usr/sbin/slapcat -F "$T/again/directory/slapd.d" -b $suffix -a '(&(objectClass=ckStaff)(!(uid=ada)))' -o ldif-wrap=no 2> /dev/null |
			grep -vE '^(structuralObjectClass|entryUUID|creatorsName|createTimestamp|entryCSN|modifiersName|modifyTimestamp):' > "$T/staff.ldif"
		make_empty "$T/other"
		sync
		add_offline "$T/other" "$T/staff.ldif" >> "$T/same"
	done
	note "load: $(grep -c '^dn: ' "$T/staff.ldif") staff; import --offline: $(tr '\n' ' ' < "$T/imported")ms, slapadd -q: $(tr '\n' ' ' < "$T/same")ms; $(tail -1 "$T/import.log")"
	row first-load "$(median < "$T/imported" | awk '{ print $1 / 1000 }')" s "$(median < "$T/same" | awk '{ print $1 / 1000 }')" 1.3
	rm -rf "$T/again" "$T/other"
	echo "$loaded_ms" > "$T/load"
	for _ in $(seq 2 "$rounds"); do
		make_instance "$T/again"
		add_offline "$T/again" "$T/data.ldif" >> "$T/load"
		rm -rf "$T/again"
	done
	note "load: slapadd -q of all entries, keys and grants too, $rounds round(s): $(tr '\n' ' ' < "$T/load")ms"
}
do_search() {
	[ -n "$(store_files)" ] || start_alone
	measure bash "$here/search.sh" "$staff" "$seed" "$(dirname "$(store_files | head -1)")" "$T"
	measure "$CK_BUILD/tests/bench_common" "$(dirname "$(store_files | head -1)")"
}
# The same at smaller sizes, by runs of their own, and at this one.
do_growth() {
	local size
	for size in 10000 100000; do
		[ "$size" -lt "$staff" ] || continue
		bash "$here/full.sh" "$size" load follow lookup search > "$T/growth.$size" || { tail -5 "$T/growth.$size"; return 1; }
	done
	grep -q '^# load: slapadd' "$T/all" || do_load
	grep -q '^bench follow ' "$T/all" || do_follow
	grep -q '^bench lookup' "$T/all" || do_lookup
	grep -q '^# search' "$T/all" || do_search
	cp "$T/all" "$T/growth.$staff"
	measure bash "$here/growth.sh" "$T" 10000 100000 "$staff"
}
for word in "$@"; do "do_$word"; done
note "load at the end: $(cut -d' ' -f1-3 /proc/loadavg)"
echo
grep '^bench ' "$T/all"
