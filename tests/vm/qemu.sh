# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# The virtual machine as QEMU options: appends to the array qemu_args. Source after lib.sh.

qemu_binary=qemu-system-x86_64
declare -a qemu_args

# The IOMMU is "none", or its caching mode, "on" or "off".
qemu_machine()
{
	local accel=$1 smp=$2 mem=$3 iommu=$4 board=q35,kernel-irqchip=split
	# Memory that another process can map.
	if [[ ${5-} == shared ]]; then
		qemu_args+=(-object "memory-backend-memfd,id=ram,size=$mem,share=on")
		board+=,memory-backend=ram
	fi
	# shellcheck disable=SC2054 # the commas are QEMU's
	qemu_args+=(-name nvt-vm -nodefaults -no-user-config -display none -no-reboot
		-machine "$board" -cpu max -smp "$smp" -m "$mem"
		# Without this a root port does not own its slot and a bus reset fails with EIO.
		-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)
	case $accel in
	kvm) qemu_args+=(-accel kvm) ;;
	icount) qemu_args+=(-accel tcg,thread=single -icount shift=0,sleep=off) ;;
	*) qemu_args+=(-accel "tcg,thread=multi") ;;
	esac
	# Before all other devices, or they would not be behind it. Caching mode is only for devices whose
	# DMA mappings live outside QEMU; it would cost an exit at each map.
	[[ $iommu == none ]] || qemu_args+=(-device "intel-iommu,intremap=on,caching-mode=$iommu")
}

qemu_kernel()
{
	local image=$1 initramfs=$2 iommu=$3 append
	append='console=ttyS0 quiet panic=-1 oops=panic tsc=reliable no_timer_check nokaslr mitigations=off'
	append+=' cryptomgr.notests audit=0 lsm=lockdown init_on_alloc=0 printk.devkmsg=on'
	# Equal addresses in each process: TCG keeps a translated libc for all of them, an exec costs a third.
	append+=' norandmaps'
	append+=' i8042.noaux i8042.nokbd i8042.nopnp random.trust_cpu=on'
	[[ $iommu == none ]] || append+=' intel_iommu=on iommu.strict=1'
	qemu_args+=(-kernel "$image" -initrd "$initramfs" -append "$append")
}

# QEMU's option syntax ends a value at a comma unless it is doubled.
qemu_path()
{
	echo "${1//,/,,}"
}

qemu_share()
{
	local tag=$1 path mode=$3
	path=$(qemu_path "$2")
	qemu_args+=(-virtfs "local,path=$path,mount_tag=$tag,security_model=none,multidevs=remap$mode")
}

# QEMU's own monitor (QMP) and others' sockets as ports in the guest, for tests/vm/ctl there. QEMU is the
# client of its own socket, so nothing has to run in between.
qemu_monitor()
{
	local socket=$1
	qemu_args+=(-qmp "unix:$(qemu_path "$socket"),server=on,wait=off")
	qemu_port nvt.monitor "$socket"
}

qemu_port()
{
	local name=$1 socket=$2
	qemu_args+=(-chardev "socket,id=$name,path=$(qemu_path "$socket")" -device "virtserialport,chardev=$name,name=$name")
}

qemu_console()
{
	local log=$1 interactive=$2
	qemu_args+=(-serial "file:$(qemu_path "$log")" -device virtio-serial-pci)
	if ((interactive)); then
		# shellcheck disable=SC2054
		qemu_args+=(-chardev stdio,id=tty,mux=on,signal=off -mon tty -device virtconsole,chardev=tty)
	fi
}
