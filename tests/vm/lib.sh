# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# What the scripts of this folder share: where things are, and how to say that something is wrong.

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
project_dir=$(cd "$vm_dir/../.." && pwd -P)
build_dir=$project_dir/build
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/libnvt
default_series=6.12

say()
{
	echo "vm: $*" >&2
}

die()
{
	local status=$1
	shift
	echo "${0##*/}: $*" >&2
	exit "$status"
}

# The log of a step that failed, short enough to be read on a terminal.
die_with_log()
{
	local log=$1
	shift
	tail -n 40 "$log" >&2
	die 1 "$* (the whole log: $log)"
}

on_debian()
{
	[[ -r /etc/debian_version ]] && command -v apt-get dpkg-query >/dev/null
}
