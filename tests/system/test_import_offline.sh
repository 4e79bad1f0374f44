#!/usr/bin/env bash
# The first load: root, without the daemon, into a directory in which nobody has a key. Everything of it is followed; a second load adds nothing; one
# that is broken off is undone; it is refused while the daemon runs, once somebody has a key, and to everybody but root.
. "$CK_SOURCE/tests/system/import_lib.sh"
"$CK_SOURCE/contrib/create-users" > /dev/null
mkdir -p "$K/soft-keys" "$S"
cp "$CK_BUILD/tests/crosskeys-token-soft" "$K/"
chown crosskeys-token "$K/soft-keys"
chmod 700 "$K/soft-keys"
echo '# nobody' > "$T/local-names"
crosskeys init "$I" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org --system core1 \
	--authority northtown --admin ada --admin-name "Ada North" --admin-mail ada@northtown.example --mail-domain northtown.example \
	--uid-range 200000-209999 --token-helper "$K/crosskeys-token-soft" > "$T/init.out"
load() { crosskeys import --offline "$I" "$@" --map "$T/map"; }
{
	people 1000 3999
	person 1001
	echo '5000;Bad;Mail;nobody;;Clerk;Active;'
	echo '5001;Zoë;Ŵyn;s5001@northtown.example;;Clerk;Active;31/12/2030'
	echo '5002;Gone;Away;s5002@northtown.example;;Clerk;Left;'
} > "$T/hr.csv"

expect 8 load "$T/hr.csv" --dry-run
said "Tried: 3002 added, 1 were there already, 2 rejected"
expect 1 setpriv --reuid=nobody --clear-groups "$CK_BUILD/crosskeys" import --offline "$I" "$T/hr.csv"
expect 8 load "$T/hr.csv" --reject "$T/bad"
said "Loaded: 3002 added, 1 were there already, 2 rejected"
grep -q '^3003,the staff number stands on an earlier line' "$T/bad" && grep -q '^3004,"*mail' "$T/bad" && pass || { fail "not rejected as it should be"; cat "$T/bad"; }
expect 8 load "$T/hr.csv"
said "Loaded: 0 added, 3004 were there already, 1 rejected"

# one that is broken off is undone before anything else, and the daemon does not start on half of it
mkfifo "$T/slow.csv"
load "$T/slow.csv" > "$T/slow.log" 2>&1 &
LOAD=$!
exec 7> "$T/slow.csv"
{ echo "$header"; for i in $(seq 6000 6500); do person "$i"; done; } >&7
loading() { [ -e "$I/loading" ]; }
LIMIT=20 soon loading
kill -9 "$(pgrep -P "$LOAD" -x crosskeys || echo "$LOAD")" 2> /dev/null || true
exec 7>&-
wait "$LOAD" 2> /dev/null || true
not_loading() { ! pgrep -f "slapadd -F $I/" > /dev/null; }
LIMIT=20 soon not_loading
expect 1 "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf"
said "a load of the directory was interrupted"
expect 8 load "$T/hr.csv"
said "the directory is put back as it was before it"
said "Loaded: 0 added, 3004 were there already"
[ ! -e "$I/loading" ] && pass || fail "the mark is still there"

# followed whole, nothing quarantined; recorded
start_daemon
all() { [ "$(staff_count)" = 3003 ]; }
LIMIT=30 soon all
expect 0 ck status
said "quarantined: 0"
is "folded" "$(entry 5001 uid)" zwyn
is "who left" "$(entry 5002 ckStatus)" suspended
is "an end" "$(entry 5001 ckValidUntil)" 20301231000000Z
expect 0 crosskeys audit show --event offline-load "$I/audit"
said "stage=intent"
said "stage=loaded"
said "count=3002"
expect 0 verify_log
expect 3 load "$T/hr.csv"
said "the daemon runs"

# who was loaded can be given a key, and what is imported later goes by a touch
new_key ada-key 1234
only_key ada-key
expect 0 enrol ada "$(code_of ada "$T/init.out")" 1234
expect 8 import "$T/hr.csv"
said "0 to add, 1 to change"
{ cat "$T/hr.csv"; person 7000 New Person; } > "$T/more.csv"
expect 8 import "$T/more.csv"
said "Done: 1 written"
stop_daemon
expect 1 load "$T/hr.csv"
said "somebody has a key in this directory"

# a restart follows on from there
start_daemon
more() { [ "$(staff_count)" = 3004 ]; }
LIMIT=30 soon more
finish
