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

static int nvt_event_put(struct sk_buff *skb, const struct nvt_notice *notice, enum nvt_attr attr,
			 u32 value)
{
	return notice->attrs & BIT(attr) ? nla_put_u32(skb, attr, value) : 0;
}

static int nvt_event_fill(struct sk_buff *skb, struct nvt_dev *dev,
			  const struct nvt_notice *notice)
{
	if (nvt_event_put(skb, notice, NVT_ATTR_SQID, notice->sqid) ||
	    nvt_event_put(skb, notice, NVT_ATTR_CQID, notice->cqid) ||
	    nvt_event_put(skb, notice, NVT_ATTR_CID, notice->cid) ||
	    nvt_event_put(skb, notice, NVT_ATTR_VECTOR, notice->vector))
		return -EMSGSIZE;
	if (notice->attrs & BIT(NVT_ATTR_CQE) &&
	    nla_put(skb, NVT_ATTR_CQE, sizeof(notice->cqe), notice->cqe))
		return -EMSGSIZE;
	return nla_put_u32(skb, NVT_ATTR_MINOR, dev->minor) ||
	       nla_put_string(skb, NVT_ATTR_BDF, pci_name(dev->pdev)) ||
	       nla_put_u64_64bit(skb, NVT_ATTR_GENERATION,
				 READ_ONCE(dev->status->generation), NVT_ATTR_PAD) ||
	       nla_put_u64_64bit(skb, NVT_ATTR_TIME_NS, notice->ns, NVT_ATTR_PAD) ||
	       nla_put_u32(skb, NVT_ATTR_SEQ, atomic_inc_return(&nvt_event_seq));
}

/* May sleep. Nobody listening is no error, and a lost event shows in its successor's SEQ. */
static void nvt_event_send(struct nvt_dev *dev, const struct nvt_notice *notice)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!skb) {
		atomic_inc(&nvt_event_seq);
		return;
	}
	header = genlmsg_put(skb, 0, 0, &nvt_family, 0, notice->event);
	if (!header || nvt_event_fill(skb, dev, notice)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast(&nvt_family, skb, 0, 0, GFP_KERNEL);
}

void nvt_event(struct nvt_dev *dev, enum nvt_event event)
{
	struct nvt_notice notice = { .event = event, .ns = ktime_get_ns() };

	nvt_event_send(dev, &notice);
}

/* In any context. What does not fit is lost, which shows in SEQ. */
void nvt_notify(struct nvt_dev *dev, struct nvt_notice notice)
{
	if (kfifo_in_spinlocked(&dev->notices, &notice, 1, &dev->notice_lock))
		schedule_work(&dev->notice_work);
	else
		atomic_inc(&nvt_event_seq);
}

void nvt_notice_work(struct work_struct *work)
{
	struct nvt_dev *dev = container_of(work, struct nvt_dev, notice_work);
	struct nvt_notice notice;

	while (kfifo_get(&dev->notices, &notice))
		nvt_event_send(dev, &notice);
}

int nvt_event_init(void)
{
	return genl_register_family(&nvt_family);
}

void nvt_event_exit(void)
{
	genl_unregister_family(&nvt_family);
}
