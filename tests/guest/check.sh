# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# What the scripts that run in a guest check, and how they count it. Source it.

passed=0
failed=0
scratch=$(mktemp -d)

check()
{
	local what=$1
	shift
	if "$@" >"$scratch/said" 2>&1; then
		echo "ok      $what"
		passed=$((passed + 1))
	else
		echo "FAILED  $what"
		failed=$((failed + 1))
		tail -n 12 "$scratch/said" | sed 's/^/        /'
	fi
}

equals()
{
	[[ $1 == "$2" ]] || { echo "is '$1', not '$2'" && false; }
}

# Whether a command's output, whatever its status, has a line like this.
says()
{
	local regex=$1 text
	shift
	text=$("$@" 2>&1 </dev/null)
	grep -qiE "$regex" <<<"$text" || { echo "$text" && false; }
}

# Waits until a command's output matches; the device's own work takes its time.
wait_for()
{
	local regex=$1 tries
	shift
	for ((tries = 0; tries < 200; tries++)); do
		says "$regex" "$@" >/dev/null && return
		sleep 0.05
	done
	echo "never: $regex; at last:"
	says "$regex" "$@"
}

summary()
{
	rm -rf "$scratch"
	echo "$passed passed, $failed failed"
	((failed == 0))
}
