// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a device is stopped and handed on. Whatever state it is in, this ends
 * in bounded time with a device that does not write to memory; only then is
 * memory freed.
 */
#include <linux/delay.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"

#define NVT_STOP_TIMEOUT_MS	10000U

void nvt_set_state(struct nvt_dev *dev, enum nvt_state state)
{
	lockdep_assert_held(&dev->lock);
	down_write(&dev->mem_lock);
	dev->state = state;
	WRITE_ONCE(dev->status->state, state);
	if (state != NVT_STATE_LIVE)
		WRITE_ONCE(dev->status->generation, dev->status->generation + 1);
	up_write(&dev->mem_lock);
	wake_up_all(&dev->state_wait);
}

/* Under mem_lock too, since faults ask who owns the device. */
static void nvt_set_owner(struct nvt_dev *dev, struct nvt_file *file)
{
	down_write(&dev->mem_lock);
	WRITE_ONCE(dev->owner, file);
	up_write(&dev->mem_lock);
}

/* Neither enabled nor on its way there: no queue exists. All-ones is not stopped. */
static bool nvt_ctrl_stopped(struct nvt_dev *dev)
{
	if (!dev->is_nvme)
		return false;
	return !(readl(dev->regs + NVME_REG_CC) & NVME_CC_ENABLE) &&
	       !(readl(dev->regs + NVME_REG_CSTS) & NVME_CSTS_RDY);
}

/* NVMe Base 2.1, 3.1.4.5: CC.EN to 0, CSTS.RDY follows within CAP.TO. */
static bool nvt_ctrl_disable(struct nvt_dev *dev)
{
	unsigned long deadline;
	u32 cc;

	if (!dev->is_nvme)
		return false;
	cc = readl(dev->regs + NVME_REG_CC);
	if (cc == U32_MAX)
		return false;
	if (cc & NVME_CC_ENABLE)
		writel(cc & ~NVME_CC_ENABLE, dev->regs + NVME_REG_CC);
	deadline = jiffies + msecs_to_jiffies(clamp(NVME_CAP_TIMEOUT(readq(dev->regs)) * 500U,
						    1000U, NVT_STOP_TIMEOUT_MS));
	while (!nvt_ctrl_stopped(dev)) {
		if (time_after(jiffies, deadline) || readl(dev->regs + NVME_REG_CSTS) == U32_MAX)
			return false;
		usleep_range(500, 1000);
	}
	return true;
}

static bool nvt_function_level_reset(struct nvt_dev *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	pci_save_state(pdev);
	ret = pcie_reset_flr(pdev, PCI_RESET_DO_RESET);
	pci_restore_state(pdev);
	if (ret)
		return false;
	dev_warn(&dev->dev, "did not disable; stopped by a function-level reset\n");
	return !dev->is_nvme || nvt_ctrl_stopped(dev);
}

static void nvt_cut_off(struct nvt_dev *dev)
{
	u16 command;

	pci_clear_master(dev->pdev);
	/* The read pushes writes that are under way ahead of its completion. */
	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	msleep(20);
	dev->unstopped = true;
	dev_warn(&dev->dev, "did not stop; bus mastering is off\n");
}

/* What was kept because the device might write to it can go. */
static void nvt_forget(struct nvt_dev *dev)
{
	dev->exposed = false;
	nvt_buffers_free_retired(dev);
}

/* From a device that is not there, nothing comes. */
static void nvt_stop(struct nvt_dev *dev)
{
	if (pci_device_is_present(dev->pdev)) {
		if (nvt_ctrl_disable(dev) || nvt_function_level_reset(dev))
			dev->unstopped = false;
		else
			nvt_cut_off(dev);
	}
	nvt_forget(dev);
}

/* Memory that was given up before this time is not the device's any more. */
u64 nvt_settled_ns(struct nvt_dev *dev)
{
	u64 oldest = dev->exposed ? 0 : nvt_queues_oldest(dev);

	lockdep_assert_held(&dev->lock);
	if (oldest == U64_MAX || dev->state != NVT_STATE_LIVE || !nvt_ctrl_stopped(dev))
		return oldest;
	dev->exposed = false;
	return U64_MAX;
}

void nvt_acquire(struct nvt_dev *dev, struct nvt_file *file)
{
	lockdep_assert_held(&dev->lock);
	dev->dma_given = false;
	nvt_set_owner(dev, file);
	if (dev->unstopped && dev->state == NVT_STATE_LIVE)
		nvt_stop(dev);
	if (!dev->unstopped && dev->state == NVT_STATE_LIVE)
		pci_set_master(dev->pdev);
}

/* In a state other than live the device was stopped on the way there. */
static void nvt_abort(struct nvt_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	nvt_queues_kill(dev);
	if (dev->dma_given && dev->state == NVT_STATE_LIVE)
		nvt_stop(dev);
	nvt_queues_end_commands(dev);
}

static void nvt_set_user(struct nvt_file *file, bool user)
{
	down_write(&file->dev->mem_lock);
	WRITE_ONCE(file->user, user);
	up_write(&file->dev->mem_lock);
}

/* A user beside the owner, who let it in. */
void nvt_join(struct nvt_dev *dev, struct nvt_file *file)
{
	lockdep_assert_held(&dev->lock);
	list_add_tail(&file->node, &dev->users);
	nvt_set_user(file, true);
}

/* What a user made ends, and the others go on: what the device may still write to is kept. */
void nvt_leave(struct nvt_dev *dev, struct nvt_file *file)
{
	lockdep_assert_held(&dev->lock);
	nvt_set_user(file, false);
	list_del(&file->node);
	nvt_zap_bars(dev);
	nvt_queues_end(file);
	nvt_buffers_end(file);
}

static void nvt_dismiss_users(struct nvt_dev *dev)
{
	struct nvt_file *file, *next;

	list_for_each_entry_safe(file, next, &dev->users, node) {
		nvt_set_user(file, false);
		list_del(&file->node);
	}
	dev->shared = false;
}

/* All that the owner and the users made ends, in the order that safety asks for. */
void nvt_give_up(struct nvt_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	nvt_set_owner(dev, NULL);
	nvt_dismiss_users(dev);
	nvt_zap_bars(dev);
	nvt_abort(dev);
	nvt_queues_free(dev);
	cancel_delayed_work_sync(&dev->watch);
	dev->exposed = false;
	nvt_vectors_free(dev);
	nvt_irq_log_end(dev);
	nvt_buffers_free(dev);
	if (dev->state == NVT_STATE_LIVE)
		pci_clear_master(dev->pdev);
}

/* Before a reset, sleep or removal: registers are revoked, queues end, buffers stay. */
void nvt_freeze(struct nvt_dev *dev, enum nvt_state state)
{
	enum nvt_state before;

	mutex_lock(&dev->lock);
	nvt_queues_kill(dev);
	before = dev->state;
	nvt_set_state(dev, before == NVT_STATE_GONE ? before : state);
	nvt_zap_bars(dev);
	if (dev->dma_given && before == NVT_STATE_LIVE)
		nvt_stop(dev);
	nvt_queues_end_commands(dev);
	mutex_unlock(&dev->lock);
}

void nvt_thaw(struct nvt_dev *dev)
{
	mutex_lock(&dev->lock);
	if (dev->state != NVT_STATE_GONE) {
		nvt_set_state(dev, NVT_STATE_LIVE);
		/* Stopping on the way here may have cut it off. */
		if (dev->owner && !dev->unstopped)
			pci_set_master(dev->pdev);
		/* A fault may have given up waiting. */
		nvt_zap_bars(dev);
	}
	mutex_unlock(&dev->lock);
}
