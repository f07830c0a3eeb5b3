# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# The model DUT: nvt-dut processes beside QEMU, each with one or more controllers. Source after dut.sh.

model_program=${NVT_DUT:-$build_dir/nvt-dut}
model_faults=
model_log=
# One element for each process: its options, its sockets (space-separated), its process id.
model_options=()
model_sockets=()
model_pids=()

model_help()
{
	cat <<EOF
DUT SPEC: model,KEY[=VALUE],... The DUT is build/nvt-dut (or NVT_DUT=PATH), which can do more and misbehave on
demand. The keys are those of "nvt-dut -o help" (size=, namespaces=, store=, msix=0, ...), and:

  controllers=1      of one subsystem, as so many DUTs that follow each other
EOF
}

model_wanted()
{
	local spec
	for spec in "${duts[@]}"; do
		[[ ${spec%%,*} != model ]] || return 0
	done
	return 1
}

# The words that the runner must know of; all but "controllers" are also nvt-dut's.
model_parse()
{
	local words word
	IFS=, read -ra words <<<"$1"
	for word in "${words[@]}"; do
		case $word in
		'') continue ;;
		controllers=*) controllers=${word#*=} && continue ;;
		namespaces=*) namespaces=${word#*=} ;;
		msix=*) msix=${word#*=} ;;
		doorbells=trapped) continue ;;
		doorbells=*) dut_bad "model: $word: in a guest they are always trapped" ;;
		esac
		options+=,$word
	done
	[[ $controllers =~ ^[1-9][0-9]?$ ]] || dut_bad "model: controllers=$controllers: a number from 1 to 14 is wanted"
	# Of a value that is wrong nvt-dut says why.
	[[ $namespaces =~ ^[0-9]{1,4}$ ]] || namespaces=0
}

model_json()
{
	local text=${1//\\/\\\\}
	echo "\"${text//\"/\\\"}\""
}

# The address of a UNIX socket has room for 107 bytes.
model_check_path()
{
	((${#1} <= 107)) || die "$status_vm" "$1 is too long for a socket; set TMPDIR to a shorter path"
}

model_controller()
{
	local model=$1 number=$2 socket=$3 index=$dut_count pluggable=pluggable device
	[[ $msix == 0 ]] || pluggable=msix
	device="{\"driver\":\"vfio-user-pci\",\"id\":\"dut$index\",\"bus\":\"port$index\""
	device+=",\"socket\":{\"type\":\"unix\",\"path\":$(model_json "$socket")}}"
	dut_port "$index"
	qemu_args+=(-device "$device")
	dut_table+=("dut $index model $pluggable $model $number"
		"plug $index {\"execute\":\"device_add\",\"arguments\":$device}")
	dut_count=$((dut_count + 1))
}

model_add()
{
	local dir=$1 spec=$2 model=${#model_sockets[@]} controllers=1 namespaces=1 msix='' number socket sockets=''
	local options="doorbells=trapped,serial=NVT$dut_count"
	model_parse "$spec"
	for ((number = 1; number <= controllers; number++)); do
		socket=$dir/model$model.$number
		model_controller "$model" "$number" "$socket"
		sockets+=" $socket"
	done
	model_check_path "$dir/model$model.ctl"
	model_options+=("$options")
	model_sockets+=("$sockets")
	dut_namespaces=$((dut_namespaces + namespaces * controllers))
	qemu_port "nvt.model$model" "$dir/model$model.ctl"
}

# Each process has a log of its own: FILE, FILE.1, FILE.2, ...
model_command()
{
	local model=$1 dir=$2 log=$model_log
	((model == 0)) || log+=.$model
	words=("$model_program" -o "${model_options[model]}" --control "$dir/model$model.ctl")
	[[ ! $model_faults ]] || words+=(--faults "$model_faults")
	[[ ! $model_log ]] || words+=(--log "$log")
	# shellcheck disable=SC2206 # the runner's own names, without spaces
	words+=(${model_sockets[model]})
}

# They end with this process, and not by the terminal's Ctrl-C, which the guest is to see first.
models_start()
{
	local dir=$1 model words
	model_pids=()
	for model in "${!model_sockets[@]}"; do
		rm -f "$dir/model$model".*
		model_command "$model" "$dir"
		touch "$dir/model$model.out"
		setpriv --pdeathsig KILL setsid "${words[@]}" </dev/null >"$dir/model$model.out" 2>"$dir/model$model.err" &
		model_pids+=($!)
	done
	for model in "${!model_sockets[@]}"; do
		model_wait "$model" "$dir"
	done
}

# It says a line for each socket when it listens on all.
model_wait()
{
	local model=$1 dir=$2 pid=${model_pids[$1]} tries=500 wanted status
	wanted=$(wc -w <<<"${model_sockets[model]}")
	while [[ $(wc -l <"$dir/model$model.out") -lt $wanted ]]; do
		if ! kill -0 "$pid" 2>/dev/null; then
			wait "$pid" && status=0 || status=$?
			# Wrong usage is its first line; the rest is about its own command line.
			((status != 2)) || { head -n 1 "$dir/model$model.err" >&2 && exit 2; }
			cat "$dir/model$model.err" >&2
			die "$status_vm" "nvt-dut ended at once (exit status $status)"
		fi
		((--tries)) || die "$status_vm" "nvt-dut does not serve its sockets after 10 s"
		sleep 0.02
	done
}

# So that they can put their store in order; one that does not end in time is killed. False if one ended badly.
models_stop()
{
	local pid status tries=250 result=0
	((${#model_pids[@]})) || return 0
	kill -TERM "${model_pids[@]}" 2>/dev/null || true
	while kill -0 "${model_pids[@]}" 2>/dev/null && ((tries--)); do
		sleep 0.02
	done
	kill -KILL "${model_pids[@]}" 2>/dev/null || true
	for pid in "${model_pids[@]}"; do
		wait "$pid" 2>/dev/null && status=0 || status=$?
		if ((status != 0 && status != 128 + 15)); then
			say "nvt-dut ended with status $status"
			result=1
		fi
	done
	model_pids=()
	return $result
}

models_show()
{
	local dir=$1 model
	for model in "${!model_sockets[@]}"; do
		[[ -s $dir/model$model.err ]] || continue
		say "nvt-dut (model $model) said:"
		tail -n 40 "$dir/model$model.err" >&2
	done
}
