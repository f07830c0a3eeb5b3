# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# What the guest's kernel log says about the kernel's health.

klog_report='BUG: |WARNING: |Oops: |Kernel panic|general protection fault|KASAN: |KCSAN: |UBSAN: |DMA-API: '
klog_report+='|INFO: task .* blocked for more than|INFO: (trying to register|possible|suspicious)|suspicious RCU'
klog_report+='|rcu: INFO: |detected (expedited )?stalls?|self-detected stall|soft lockup|hard LOCKUP|nobody cared'
klog_report+='|refcount_t: |list_(add|del) corruption|bad: scheduling|kmemleak: [0-9]+ new|unable to handle '
klog_report+='|DMAR: \[|DMAR: .*[Ff]ault|cannot create duplicate|kobject.*tried to init|workqueue: .* hogged CPU'

# Not reports: the line after the first says it all, the others tell of load.
klog_noise='DMAR: DRHD: handling fault status|DMA-API: dma_debug_entry pool grown|workqueue: .* hogged CPU'

klog_died()
{
	grep -aEq 'Kernel panic|Oops: |BUG: unable to handle|general protection fault' "$1"
}

# The reports since the guest was up which no earlier line "nvt-test: expect REGEX" announced.
klog_unexpected()
{
	local line up='' regex expected=()
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		*'nvt-vm: started'*) up=1 ;;
		*'nvt-test: expect '*) expected+=("${line#*nvt-test: expect }") ;;
		*'nvt-test: '*) ;;
		*)
			[[ $up && $line =~ $klog_report && ! $line =~ $klog_noise ]] || continue
			for regex in "${expected[@]}"; do
				[[ ! $line =~ $regex ]] || continue 2
			done
			echo "$line"
			;;
		esac
	done < <(tr -d '\000' <"$1")
}
