// SPDX-License-Identifier: GPL-2.0-only
/*
 * An inode for each device, on a file system that nobody mounts: its mappings
 * are those of all openers, whatever node they came by, so that one zap reaches
 * all of them and no file system of a node is held.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "nvt_kmod.h"

#define NVT_FS_MAGIC	0x6e767466	/* "nvtf" */

static struct vfsmount *nvt_mount;
static int nvt_mount_count;

static int nvt_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, NVT_FS_MAGIC) ? 0 : -ENOMEM;
}

/* Without an owner: a bound device is not to hold the module, and no mount outlives its device. */
static struct file_system_type nvt_fs_type = {
	.name			= "nvt",
	.init_fs_context	= nvt_init_fs_context,
	.kill_sb		= kill_anon_super,
};

struct inode *nvt_inode_new(void)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&nvt_fs_type, &nvt_mount, &nvt_mount_count);
	if (ret)
		return ERR_PTR(ret);
	inode = alloc_anon_inode(nvt_mount->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&nvt_mount, &nvt_mount_count);
	return inode;
}

void nvt_inode_free(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&nvt_mount, &nvt_mount_count);
}
