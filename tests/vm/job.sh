# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# What the runner tells the guest: settings for its init, and the command with its environment as a script.

quote()
{
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# Of the caller's environment, what a test may depend on.
job_environment()
{
	local name
	for name in TERM HOME LANG USER LOGNAME $(compgen -e | grep -E '^(NVT|CK)_|^LC_|^(A|L|T|UB)SAN_OPTIONS$'); do
		[[ ! -v $name ]] || echo "export $name=$(quote "${!name}")"
	done
	echo "export PATH=$(quote "$build_dir:$build_dir/tools:$PATH")"
	echo "export LD_LIBRARY_PATH=$(quote "$build_dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}")"
	echo 'export TMPDIR=/run/tmp'
}

job()
{
	local word
	job_environment
	((!interactive)) || stty size | sed 's/\(.*\) \(.*\)/stty rows \1 cols \2/'
	echo "cd $(quote "$PWD") || exit $status_vm"
	printf exec
	for word in "${command[@]}"; do
		printf ' %s' "$(quote "$word")"
	done
	echo
}

settings()
{
	echo "PROJECT=$(quote "$project_dir")"
	echo "NAMESPACES=$dut_namespaces"
	echo "INTERACTIVE=$interactive"
}

duts()
{
	printf '%s\n' "${dut_table[@]}"
}
