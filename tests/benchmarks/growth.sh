#!/usr/bin/env bash
# What grows how, from what full.sh printed at each size: FOLDER/growth.SIZE. usage: growth.sh FOLDER SIZE…
set -eu
folder=$1
shift
sizes=()
for size in "$@"; do [ ! -s "$folder/growth.$size" ] || sizes+=("$size"); done
# value SIZE PATTERN: the number after the pattern (an extended regular expression)
value() { sed -nE "s/^$2 *([0-9.]+).*/\1/p" "$folder/growth.$1" | head -1; }
# table NAME PATTERN: "SIZE VALUE" a line, where there is one
table() {
	local size found
	for size in "${sizes[@]}"; do
		found=$(value "$size" "$1")
		[ -z "$found" ] || echo "$size $found"
	done
}
shown() { awk '{ printf "%s%s at %s", (NR > 1 ? ", " : ""), $2, $1 }'; }

lookup=$(table '# lookup, 1 client: gate, uid *p50')
if [ "$(wc -l <<< "$lookup")" -gt 1 ]; then
	echo "# growth: exact look-up by uid, 1 client, p50 in us: $(shown <<< "$lookup")"
	awk '{ if (!low || $2 < low) low = $2; if ($2 > high) high = $2 }
		END { printf "bench growth-lookup %.2f us %.2f %.2f <=1.2 %s\n", high, low, high / low, high / low <= 1.2 ? "ok" : "short" }' <<< "$lookup"
fi
for kind in exact prefix two-words misspelt accent-free; do
	search=$(table "# search $kind: ours *p50")
	[ "$(wc -l <<< "$search")" -gt 1 ] || continue
	echo "# growth: search, $kind, p50 in us: $(shown <<< "$search")"
	# no more than the logarithm of the number of staff
	awk 'NR == 1 { n = $1; t = $2 } END { aim = log($1) / log(n)
		printf "bench growth-search-'"$kind"' %.2f us %.2f %.2f <=%.2f %s\n", $2, t, $2 / t, aim, $2 / t <= aim ? "ok" : "short" }' <<< "$search"
done
# linear ROW WHAT TABLE: milliseconds for a thousand staff, a fifth more at most than at the smallest size
linear() {
	[ "$(wc -l <<< "$3")" -gt 1 ] || return 0
	echo "# growth: $2, ms for a thousand staff: $(awk '{ printf "%s %.1f\n", $1, $2 / $1 * 1000 }' <<< "$3" | shown)"
	awk -v row="$1" 'NR == 1 { n = $1; t = $2 } END { a = $2 / $1 * 1000; b = t / n * 1000
		printf "bench %s %.2f ms/1000 %.2f %.2f <=1.2 %s\n", row, a, b, a / b, a / b <= 1.2 ? "ok" : "short" }' <<< "$3"
}
linear growth-load "first load from CSV" "$(table 'bench first-load' | awk '{ print $1, $2 * 1000 }')"
linear growth-follow "first follow" "$(table 'bench follow')"
