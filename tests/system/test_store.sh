#!/usr/bin/env bash
# The copy is deleted, cut and damaged, while the daemon runs and while it does not: nobody is let in who should not be, nothing crashes for
# ever, and the copy is rebuilt from the directory by itself. CK_SEED: the same bytes again.
. "$CK_SOURCE/tests/system/fault_lib.sh"
SEED=${CK_SEED:-$RANDOM}
ROUNDS=${CK_ROUNDS:-10}
echo "seed $SEED"
new_instance
new_people
soon account bob
never account eve

store_file() { readlink -f "$I/store/current.mdb"; }
deaths() { grep -cE '(gate|replica|ledger).* (died|ended with code)' "$T/daemon.log" || true; }
# after each thing that was done to the store: never a wrong grant, right again soon, and not by dying for ever
recovers() { # WHAT
	local what=$1 before
	before=$(deaths)
	if account eve || account nobody-there; then fail "$what: somebody without a role was let in"; fi
	checks=$((checks + 1))
	until_true 20 account bob && pass || { fail "$what: bob does not get in again"; tail -5 "$T/daemon.log" | sed 's/^/    /'; }
	account eve && fail "$what: eve was let in" || pass
	[ $(($(deaths) - before)) -lt 20 ] && pass || fail "$what: $(($(deaths) - before)) processes died"
}
# the copy is whole: what it lists is what the directory holds
is_whole() {
	[ "$(ck staff list --json | grep -c '"kind": "staff"')" = 3 ] && [ "$(ck rule list --json | grep -c '"kind": "rule"')" = 2 ] &&
		[ "$(csn_of bob)" = "$(in_directory "(ckKeyHash=$key)" entryCSN)" ]
}
key=$(ck key list bob --json | sed -n 's/.*"id": "\([0-9a-f]*\)".*/\1/p')
flips=0
flip() { # SEED COUNT: turns bits of so many bytes of the file in place; it may just be on its way out, rebuilt from the last time
	for _ in $(seq 50); do
		if perl -e 'use strict; my ($file, $seed, $count) = @ARGV; srand($seed); open(my $f, "+<", $file) or exit 3; my $size = -s $f;
			for (1 .. $count) { my $at = int(rand($size)); my $byte; seek($f, $at, 0); read($f, $byte, 1);
				seek($f, $at, 0); print $f chr(ord($byte) ^ (1 << int(rand(8)))); }' "$(store_file || true)" "$1" "$2"; then
			flips=$((flips + 1))
			return 0
		fi
		sleep 0.1
	done
}

# deleted
rm -f "$I"/store/*
recovers "deleted while running"
stop_daemon
rm -f "$I"/store/*
start_daemon
recovers "deleted while stopped"

# cut to a half
stop_daemon
truncate -s $(($(stat -c %s "$(store_file)") / 2)) "$(store_file)"
start_daemon
recovers "cut while stopped"
truncate -s $(($(stat -c %s "$(store_file)") / 2)) "$(store_file)"
recovers "cut while running"
truncate -s 0 "$(store_file)"
recovers "emptied while running"

# not a store at all
stop_daemon
head -c 65536 /dev/urandom > "$(store_file)"
start_daemon
recovers "garbage"

# bits turned
for round in $(seq "$ROUNDS"); do
	stop_daemon
	flip $((SEED + round)) $((1 << (round % 11)))
	start_daemon
	recovers "$((1 << (round % 11))) bytes while stopped, seed $((SEED + round))"
done
for round in $(seq "$ROUNDS"); do
	flip $((SEED + 1000 + round)) $((1 << (round % 11)))
	"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask eve open 50 5 | grep -q granted && fail "eve was let in, seed $((SEED + 1000 + round))"
	recovers "$((1 << (round % 11))) bytes while running, seed $((SEED + 1000 + round))"
	[ $((round % 4)) != 0 ] || { stop_daemon; start_daemon; }
done

# the writer crashes over it: the next one looks at all of it first
flip $((SEED + 2000)) 2048
replica=$(pids_of replica)
kill -SEGV "$replica"
soon is_replaced replica "$replica"
recovers "damaged, and the writer crashed"
[ ! -e "$I/store/suspect" ] && [ ! -e "$I/store/damaged" ] && pass || fail "the marks are left: $(ls "$I/store")"

only_key ada-key
changed() { as ada 1234 role add "after-$RANDOM"; }
LIMIT=20 soon changed
LIMIT=20 soon is_whole
grep -a ' login-granted \| account-granted ' "$I"/audit/audit-*.log | grep -q 'user=eve' && fail "eve is in the log" || pass
[ "$flips" -gt "$ROUNDS" ] && pass || fail "only $flips times there was something to damage"
expect 0 verify_log
finish
