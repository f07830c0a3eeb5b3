# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# A private apt under the cache folder: it can fetch packages of any Debian suite from the host's own
# mirrors without touching the host's package lists. Source after lib.sh; call apt_open first.

apt_dir=

# The mirror that the host uses for the archive (main or security), e.g. of "Debian-Security".
apt_mirror()
{
	local want=$1
	# shellcheck disable=SC2016 # apt's variables, not the shell's
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(LABEL)' 'Created-By: Packages' |
		awk -v want="$want" '$3 == want { print $1; exit }'
}

apt_archive()
{
	case $1 in
	*-security) echo Debian-Security ;;
	*) echo Debian ;;
	esac
}

apt_source()
{
	local suite=$1 archive mirror
	archive=$(apt_archive "$suite")
	mirror=$(apt_mirror "$archive")
	if [[ ! $mirror ]]; then
		# Before its first update apt does not know which archive a mirror holds.
		apt-get update >&2
		mirror=$(apt_mirror "$archive")
	fi
	[[ $mirror ]] || die 1 "apt knows no mirror of the archive $archive; add one to the host's apt sources"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
}

# Makes the private apt that knows these suites of Debian and believes that nothing is installed.
apt_open()
{
	local suite name
	name=$*
	apt_dir=$cache_dir/apt/${name// /+}
	mkdir -p "$apt_dir"/{state/lists/partial,cache/archives/partial}
	: >"$apt_dir/state/status"
	for suite in "$@"; do
		apt_source "$suite" || return
	done >"$apt_dir/sources.list"
}

# Options beat the host's configuration files, which apt reads after a file named by APT_CONFIG.
apt_private()
{
	local tool=$1
	shift
	"$tool" -o Dir::State="$apt_dir/state" -o Dir::State::status="$apt_dir/state/status" \
		-o Dir::Cache="$apt_dir/cache" -o Dir::Etc::sourcelist="$apt_dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o APT::Sandbox::User=root \
		-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Architecture=amd64 "$@"
}

apt_update()
{
	apt_private apt-get update -o APT::Update::Error-Mode=any
}

# The packages of the given names and what they need that matches REGEX, one a line.
apt_closure()
{
	local regex=$1
	shift
	apt_private apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
		--no-breaks --no-replaces --no-enhances "$@" | grep -Ex "$regex" | sort -u
}

# What apt would install for PACKAGE with the SUITE preferred: all that it needs, as name=version, one a line.
apt_installation()
{
	local suite=$1 package=$2
	apt_private apt-get -s --no-install-recommends -t "$suite" install "$package" |
		sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p'
}

# Fetches into the current folder.
apt_download()
{
	apt_private apt-get download "$@"
}
