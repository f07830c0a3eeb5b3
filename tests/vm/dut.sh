# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# The device under test: from the tool's words ([KIND,]KEY[=VALUE],...) to QEMU's. Source after qemu.sh; the
# kind "model" is in model.sh.

dut_help()
{
	cat <<'EOF'
DUT SPEC: [qemu,]KEY[=VALUE],... or model,... The first DUT is 0000:01:00.0, the second 0000:02:00.0, and so on.

  size=1G            of each namespace (sparse, gone after the run)
  namespaces=1       how many; 0 with subsystem= to have only another controller's
  lba=512            bytes of a logical block: 512 or 4096
  metadata=0         bytes of metadata of a block: 0, 8, 16 or 64
  pi=0               protection information type 0 to 3 (needs metadata)
  extended           metadata at the end of the block instead of in a buffer of its own
  zns                zoned namespaces; zone=16M, capacity=16M, open=8, active=8 are their limits
  cmb=SIZE           controller memory buffer, in MiB: 1M, 2M, 4M, ...
  pmr=SIZE           persistent memory region, a power of two
  queues=8           I/O queue pairs
  vectors=9          MSI-X vectors (default: one more than the queues)
  entries=2048       of a queue at most (CAP.MQES + 1); QEMU 10 or later
  mdts=7             maximum transfer: 2 to this power pages
  aerl=3             limit of outstanding asynchronous event requests, 0's based
  subsystem=NAME     controllers that name the same one share their namespaces
  vfs=N              SR-IOV virtual functions
  fdp                flexible data placement; QEMU 9 or later
  latency=TIME       of each command (us, ms or s); such a namespace keeps no data
  iops=N             limit of I/O commands a second; data is kept
  errors=LIST        media errors of the first namespace, as read@LBA|write@LBA|...
  serial=NAME        serial number (default: the subsystem's name, else NVT0 for the first DUT, NVT1 ...)
  file=PATH          image of the first namespace, kept; made if it is not there
EOF
}

dut_count=0
dut_namespaces=0
# What tests/vm/ctl in the guest must know: "dut NUMBER KIND ...", "plug NUMBER QMP-REQUEST", one a line.
dut_table=()
declare -A dut_subsystems

dut_bad()
{
	die 2 "--dut: $*"
}

# Words into the associative array that the caller has declared as "dut".
dut_parse()
{
	local spec=$1 word key words
	IFS=, read -ra words <<<"$spec"
	for word in "${words[@]}"; do
		key=${word%%=*}
		case $key in
		extended | zns | fdp) [[ $word == "$key" ]] || dut_bad "$key takes no value" ;;
		size | namespaces | lba | metadata | pi | zone | capacity | open | active | cmb | pmr | queues | vectors | \
			entries | mdts | aerl | subsystem | vfs | latency | iops | errors | serial | file)
			[[ $word == *=?* ]] || dut_bad "$key wants a value"
			;;
		*) dut_bad "unknown key '$key'; tests/vm/run --help lists them" ;;
		esac
		dut[$key]=${word#*=}
	done
}

dut_check_number()
{
	local key=$1 low=$2 high=$3 value=${dut[$1]-}
	[[ -z $value ]] && return
	if ! [[ $value =~ ^[0-9]{1,9}$ ]] || ((10#$value < low || 10#$value > high)); then
		dut_bad "$key=$value: a number from $low to $high is wanted"
	fi
}

dut_check_size()
{
	local key value
	for key in "$@"; do
		value=${dut[$key]-1M}
		[[ $value =~ ^[1-9][0-9]{0,8}[KMGT]$ ]] || dut_bad "$key=$value: a size like 64M or 1G is wanted"
	done
}

dut_check_word()
{
	local key=$1 regex=$2 what=$3 value=${dut[$1]-}
	[[ -z $value || $value =~ ^($regex)$ ]] || dut_bad "$key=$value: $what is wanted"
}

dut_check()
{
	dut_check_size size zone capacity cmb pmr
	dut_check_number namespaces 0 256
	dut_check_number pi 0 3
	dut_check_number open 0 100000
	dut_check_number active 0 100000
	dut_check_number queues 1 2047
	dut_check_number vectors 1 2048
	dut_check_number entries 2 65536
	dut_check_number mdts 0 20
	dut_check_number aerl 0 255
	dut_check_number vfs 1 127
	dut_check_number iops 1 1000000
	dut_check_word lba '512|4096' '512 or 4096'
	dut_check_word metadata '0|8|16|64' '0, 8, 16 or 64'
	dut_check_word latency '[0-9]{1,6}(us|ms|s)' 'a time like 10ms'
	dut_check_word errors '(read|write)@[0-9]{1,12}(\|(read|write)@[0-9]{1,12})*' 'a list like read@64|write@128'
	dut_check_word serial '[A-Za-z0-9_.-]{1,20}' 'at most 20 letters and digits'
	dut_check_word subsystem '[A-Za-z0-9_.-]{1,32}' 'a word of letters and digits'
	dut_check_together
}

dut_check_together()
{
	[[ ${dut[pi]-0} == 0 || ${dut[metadata]-0} != 0 ]] || dut_bad "pi=${dut[pi]} needs metadata=8 or more"
	[[ ! -v dut[cmb] || ${dut[cmb]} == *[MG] ]] || dut_bad "cmb=${dut[cmb]}: whole MiB are wanted"
	[[ ! -v dut[latency] || ! (-v dut[errors] || -v dut[file] || -v dut[iops]) ]] ||
		dut_bad "latency= has no storage behind it, so no file=, errors= or iops="
	[[ ! -v dut[file] || -f ${dut[file]} || -d $(dirname "${dut[file]}") ]] ||
		dut_bad "file=${dut[file]}: no such folder"
	[[ ! -v dut[entries] ]] || dut_need nvme mqes entries
	[[ ! -v dut[fdp] ]] || dut_need nvme-subsys fdp fdp
}

# Asked only where versions differ: it costs a start of QEMU.
dut_need()
{
	local device=$1 property=$2 key=$3
	"$qemu_binary" -device "$device,help" | grep "^  $property=" >/dev/null ||
		dut_bad "$key: this QEMU ($("$qemu_binary" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')) cannot do it"
}

dut_mib()
{
	case $1 in
	*G) echo $((${1%G} * 1024)) ;;
	*) echo "${1%M}" ;;
	esac
}

dut_bytes()
{
	local number=${1%[KMGT]}
	case $1 in
	*K) echo $((number << 10)) ;;
	*M) echo $((number << 20)) ;;
	*G) echo $((number << 30)) ;;
	*T) echo $((number << 40)) ;;
	esac
}

dut_latency_ns()
{
	case $1 in
	*us) echo "${1%us}000" ;;
	*ms) echo "${1%ms}000000" ;;
	*) echo "${1%s}000000000" ;;
	esac
}

dut_error_options()
{
	local prefix=$1 error number=0 event errno errors
	IFS='|' read -ra errors <<<"${dut[errors]}"
	for error in "${errors[@]}"; do
		event=${error%@*} errno=5
		# QEMU's model says Capacity Exceeded or Write Fault by this number.
		[[ $event == read ]] || errno=28
		printf '%s' ",${prefix}inject-error.$number.event=${event}_aio,${prefix}inject-error.$number.errno=$errno" \
			",${prefix}inject-error.$number.once=off" \
			",${prefix}inject-error.$number.sector=$((${error#*@} * (${dut[lba]-512} / 512)))"
		number=$((number + 1))
	done
}

# The back end of a namespace is a chain of drivers, each one's options prefixed with the way to it.
# (-blockdev and not -drive, which goes with the first device that is unplugged.)
dut_drive()
{
	local id=$1 nsid=$2 image=$3 options prefix=''
	options="node-name=$id"
	if [[ -v dut[latency] ]]; then
		options+=",driver=null-co,read-zeroes=on,size=$(dut_bytes "${dut[size]-1G}")"
		qemu_args+=(-blockdev "$options,latency-ns=$(dut_latency_ns "${dut[latency]}")")
		return
	fi
	if [[ -v dut[iops] ]]; then
		qemu_args+=(-object "throttle-group,id=throttle-$id,x-iops-total=${dut[iops]}")
		options+=",driver=throttle,throttle-group=throttle-$id"
		prefix=file.
	fi
	options+=",cache.direct=off,cache.no-flush=on,discard=unmap,${prefix}driver=raw"
	prefix+=file.
	if [[ -v dut[errors] && $nsid == 1 ]]; then
		options+=",${prefix}driver=blkdebug$(dut_error_options "$prefix")"
		prefix+=image.
	fi
	qemu_args+=(-blockdev "$options,${prefix}driver=file,${prefix}filename=$(qemu_path "$image")")
}

dut_storage()
{
	local index=$1 dir=$2 nsid id image
	for ((nsid = 1; nsid <= ${dut[namespaces]-1}; nsid++)); do
		id=dut${index}n$nsid
		image=$dir/$id.img
		[[ ! -v dut[file] || $nsid != 1 ]] || image=$(realpath "${dut[file]}")
		[[ -v dut[latency] || -s $image ]] || truncate -s "${dut[size]-1G}" "$image"
		dut_drive "$id" "$nsid" "$image"
		dut_namespaces=$((dut_namespaces + 1))
	done
}

# QEMU 11.1 never lets go of the namespace of a controller that was unplugged, hence share-rw.
dut_block_options()
{
	echo "drive=$1,share-rw=on,logical_block_size=${dut[lba]-512},physical_block_size=${dut[lba]-512}"
}

# One namespace that a controller can have as a part of itself (then without the Copy command).
dut_plain()
{
	[[ ${dut[namespaces]-1} == 1 && ${dut[metadata]-0} == 0 ]] &&
		[[ ! -v dut[subsystem] && ! -v dut[vfs] && ! -v dut[fdp] && ! -v dut[zns] ]]
}

dut_namespace()
{
	local index=$1 nsid=$2 options
	options="nvme-ns,bus=dut$index,$(dut_block_options "dut${index}n$nsid")"
	# In a subsystem numbers are taken in the order of the devices.
	[[ -v dut[subsystem] ]] || options+=",nsid=$nsid"
	[[ ${dut[metadata]-0} == 0 ]] || options+=",ms=${dut[metadata]},pi=${dut[pi]-0}"
	[[ ! -v dut[extended] ]] || options+=",mset=1"
	[[ ! -v dut[fdp] ]] || options+=",fdp.ruhs=0;1;2"
	[[ ! -v dut[zns] ]] || options+=$(dut_zns)
	qemu_args+=(-device "$options")
}

dut_zns()
{
	local zone=${dut[zone]-16M}
	echo ",zoned=on,zoned.zone_size=$zone,zoned.zone_capacity=${dut[capacity]-$zone},zoned.max_open=${dut[open]-8},zoned.max_active=${dut[active]-8}"
}

# A subsystem is named by the user, or is the DUT's own where a feature lives in one.
dut_subsystem()
{
	local index=$1 name=${dut[subsystem]-}
	[[ $name || -v dut[vfs] || -v dut[fdp] ]] || return 0
	name=${name:-own$index}
	if [[ ! -v dut_subsystems[$name] ]]; then
		dut_subsystems[$name]=1
		qemu_args+=(-device "nvme-subsys,id=subsystem-$name,nqn=nqn.2020-01.org.example:$name${dut[fdp]+,fdp=on,fdp.runs=16M,fdp.nrg=1,fdp.nruh=4}")
	fi
	dut_subsystem_option=",subsys=subsystem-$name"
}

dut_controller()
{
	local index=$1 dir=$2 vfs=${dut[vfs]-0} queues=${dut[queues]-8} dut_subsystem_option='' serial options
	# Of all controllers of a subsystem it is one.
	serial=${dut[subsystem]-NVT$index}
	options="nvme,id=dut$index,bus=port$index,serial=${dut[serial]-${serial:0:20}}"
	options+=",max_ioqpairs=$((queues + 2 * vfs)),msix_qsize=$((${dut[vectors]-$((queues + 1))} + vfs))"
	dut_subsystem "$index"
	options+=$dut_subsystem_option
	((vfs == 0)) || options+=",sriov_max_vfs=$vfs,sriov_vq_flexible=$((2 * vfs)),sriov_vi_flexible=$vfs"
	[[ ! -v dut[mdts] ]] || options+=",mdts=${dut[mdts]}"
	[[ ! -v dut[aerl] ]] || options+=",aerl=${dut[aerl]}"
	[[ ! -v dut[entries] ]] || options+=",mqes=$((dut[entries] - 1))"
	[[ ! -v dut[cmb] ]] || options+=",cmb_size_mb=$(dut_mib "${dut[cmb]}")"
	if [[ -v dut[pmr] ]]; then
		qemu_args+=(-object "memory-backend-file,id=pmr$index,share=on,mem-path=$dir/pmr$index.img,size=${dut[pmr]}")
		options+=",pmrdev=pmr$index"
	fi
	qemu_args+=(-device "$options")
	# A namespace that is a part of the controller, since QEMU adds none of its own later.
	! dut_plain || options+=,$(dut_block_options "dut${index}n1")
	dut_table+=("dut $index qemu $(dut_pluggable)"
		"plug $index {\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"device_add $options\"}}")
}

# The namespaces of a subsystem outlive their controller.
dut_pluggable()
{
	if dut_plain || [[ -v dut[subsystem] ]]; then
		echo pluggable
	else
		echo fixed
	fi
}

# Each DUT has a root port of its own, the ports in the order of bus numbers.
dut_port()
{
	local index=$1
	((index < 14)) || dut_bad "14 devices at most"
	qemu_args+=(-device "pcie-root-port,id=port$index,bus=pcie.0,addr=$(printf 0x%x $((16 + index))),chassis=$((index + 1)),slot=$((index + 1))")
}

dut_qemu_add()
{
	local index=$dut_count dir=$1 spec=$2 nsid
	declare -A dut=()
	dut_parse "$spec"
	dut_check
	dut_port "$index"
	dut_storage "$index" "$dir"
	dut_controller "$index" "$dir"
	for ((nsid = 1; nsid <= ${dut[namespaces]-1}; nsid++)); do
		dut_namespace "$index" "$nsid"
	done
	dut_count=$((dut_count + 1))
}

dut_add()
{
	local dir=$1 spec=$2
	case ${spec%%,*} in
	model) model_add "$dir" "${spec#model}" ;;
	qemu) spec=${spec#qemu} && dut_qemu_add "$dir" "${spec#,}" ;;
	*) dut_qemu_add "$dir" "$spec" ;;
	esac
}
