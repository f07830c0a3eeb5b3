# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# Lets kbuild's programs of a newer Debian run on this one: with that release's C library, by a wrapper
# around each. The host's compiler stays. Source after apt.sh.

foreign_libraries='libc6 libelf1t64 zlib1g libzstd1 libssl3t64'

foreign_wrap()
{
	local program=$1 depth=$2
	mv "$program" "$program.elf"
	# By its own place, so that the folder can be renamed.
	cat >"$program" <<EOF
#!/bin/sh
lib=\$(dirname "\$0")/${depth}foreign/usr/lib/x86_64-linux-gnu
exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib" "\$0.elf" "\$@"
EOF
	chmod +x "$program"
}

# The linker says which C library it lacks before it starts the program.
foreign_needed()
{
	[[ $("$1" --version </dev/null 2>&1) == *GLIBC_*'not found'* ]]
}

foreign_compiler_fixes()
{
	local headers=$1
	gcc -fmin-function-alignment=16 -E -x c /dev/null >/dev/null 2>&1 ||
		sed -i '/^CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=/d' "$headers/include/config/auto.conf"
}

# Call in the folder of the kernel, with the release that it was made for, e.g. trixie.
foreign_kbuild()
{
	local dir=$1 release=$2 headers=$3 program depth up
	foreign_compiler_fixes "$headers"
	while read -r program; do
		foreign_needed "$program" || continue
		if [[ ! -d $dir/foreign ]]; then
			mkdir -p "$dir/foreign"
			(cd "$dir/foreign" && foreign_fetch "$release")
		fi
		up=${program#"$dir"/}
		depth=$(tr -cd / <<<"$up" | sed 's|/|../|g')
		foreign_wrap "$program" "$depth"
	done < <(find "$dir"/root/usr/lib/linux-kbuild-* -type f -perm -100 -exec sh -c \
		'head -c 4 "$1" | grep -q ELF' - {} \; -print)
}

foreign_fetch()
{
	local deb
	apt_open "$1"
	apt_update
	# shellcheck disable=SC2086 # a list
	apt_download $foreign_libraries
	for deb in *.deb; do
		dpkg-deb -x "$deb" .
		rm "$deb"
	done
	rm -rf usr/share usr/sbin
}
