// SPDX-License-Identifier: GPL-2.0-only
/* Events: generic netlink family "nvt", multicast group "events". */
#include <linux/ktime.h>
#include <net/genetlink.h>

#include "nvt_kmod.h"

static atomic_t nvt_event_seq;

static const struct genl_multicast_group nvt_groups[] = {
	{ .name = NVT_GENL_MCGRP },
};

static struct genl_family nvt_family = {
	.name		= NVT_GENL_NAME,
	.version	= NVT_GENL_VERSION,
	.maxattr	= NVT_ATTR_MAX,
	.module		= THIS_MODULE,
	.mcgrps		= nvt_groups,
	.n_mcgrps	= ARRAY_SIZE(nvt_groups),
};

static int nvt_event_fill(struct sk_buff *skb, struct nvt_dev *dev)
{
	return nla_put_u32(skb, NVT_ATTR_MINOR, dev->minor) ||
	       nla_put_string(skb, NVT_ATTR_BDF, pci_name(dev->pdev)) ||
	       nla_put_u64_64bit(skb, NVT_ATTR_GENERATION,
				 READ_ONCE(dev->status->generation), NVT_ATTR_PAD) ||
	       nla_put_u64_64bit(skb, NVT_ATTR_TIME_NS, ktime_get_ns(), NVT_ATTR_PAD) ||
	       nla_put_u32(skb, NVT_ATTR_SEQ, atomic_inc_return(&nvt_event_seq));
}

/* May sleep. Nobody listening is no error, and a lost event shows in its successor's SEQ. */
void nvt_event(struct nvt_dev *dev, enum nvt_event event)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!skb) {
		atomic_inc(&nvt_event_seq);
		return;
	}
	header = genlmsg_put(skb, 0, 0, &nvt_family, 0, event);
	if (!header || nvt_event_fill(skb, dev)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast(&nvt_family, skb, 0, 0, GFP_KERNEL);
}

int nvt_event_init(void)
{
	return genl_register_family(&nvt_family);
}

void nvt_event_exit(void)
{
	genl_unregister_family(&nvt_family);
}
