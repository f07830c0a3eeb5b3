// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "identify.h"
#include "io.h"
#include "output.h"

struct io {
	struct cmd *cmd;
	const struct io_args *args;
	bool write;
	const char *op;
	int fd;			/* of --data, or a standard stream */
	uint32_t nlb;
	size_t length;
	struct nvt_ctrl *ctrl;
	struct nvt_ns *ns;
	struct nvt_qpair *qp;
	struct nvt_buffer *buf;
	uint64_t latency_ns;
};

static const char *addr_of(const struct io *io)
{
	return nvt_pcie_addr(nvt_ctrl_pcie(io->ctrl));
}

static const char *data_name(const struct io *io)
{
	if (io->args->data)
		return io->args->data;
	return io->write ? "standard input" : "standard output";
}

static int fail_data(const struct io *io)
{
	return cmd_fail(io->cmd, EXIT_FAILED, errno, "%s: %s: %s", io->op, data_name(io),
			strerror(errno));
}

static int open_data(struct io *io)
{
	io->fd = io->write ? STDIN_FILENO : STDOUT_FILENO;
	if (!io->args->data)
		return EXIT_OK;
	io->fd = io->write ? open(io->args->data, O_RDONLY | O_CLOEXEC) :
			     open(io->args->data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return io->fd < 0 ? fail_data(io) : EXIT_OK;
}

static int load_data(struct io *io)
{
	char *data = nvt_buffer_data(io->buf);
	size_t have = 0;
	ssize_t n;

	while (have < io->length) {
		n = read(io->fd, data + have, io->length - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_data(io);
		if (!n)
			return cmd_fail(io->cmd, EXIT_FAILED, ENODATA, "write: %s: ends after %zu "
					"of %zu bytes; nothing was written", data_name(io), have,
					io->length);
		have += n;
	}
	return EXIT_OK;
}

static int save_data(struct io *io)
{
	const char *data = nvt_buffer_data(io->buf);
	size_t done = 0;
	ssize_t n;
	int code;

	code = open_data(io);
	if (code)
		return code;
	while (done < io->length) {
		n = write(io->fd, data + done, io->length - done);
		if (n < 0 && errno != EINTR)
			return fail_data(io);
		done += n > 0 ? n : 0;
	}
	if (io->args->data) {
		n = close(io->fd);
		io->fd = -1;
		if (n)
			return fail_data(io);
	}
	return EXIT_OK;
}

/* The command is sent as it is asked for, so what it cannot carry is refused here. */
static int check_size(struct io *io)
{
	const struct nvme_id_ns *id = nvt_ns_identify(io->ns);
	uint32_t block = nvt_ns_block_size(io->ns), mdts = nvt_ctrl_mdts(io->ctrl);
	unsigned long long size = io->args->data_size;

	io->nlb = io->args->block_count + 1;
	io->length = (size_t)io->nlb * block;
	if (size && size != io->length && size % block == 0)
		return cmd_fail_usage(io->cmd, "--data-size %llu: %u blocks of %u bytes are %zu; "
				      "--block-count is 0's based, here it would be %llu", size,
				      io->nlb, block, io->length, size / block - 1);
	if (size && size != io->length)
		return cmd_fail_usage(io->cmd, "--data-size %llu: %u blocks of %u bytes are %zu",
				      size, io->nlb, block, io->length);
	if (io->length > mdts)
		return cmd_fail(io->cmd, EXIT_FAILED, EMSGSIZE, "%s: %s: %zu bytes; one command "
				"transfers %u at most, lower --block-count to %u", addr_of(io),
				io->op, io->length, mdts, mdts / block - 1);
	if (block == nvt_ns_lba_size(io->ns) && id->lbaf[identify_format_in_use(id)].ms)
		return cmd_fail(io->cmd, EXIT_FAILED, EOPNOTSUPP, "%s: %s: namespace %u has "
				"metadata in a buffer of its own, which nvt does not transfer; "
				"format it without", addr_of(io), io->op, nvt_ns_id(io->ns));
	return EXIT_OK;
}

static int open_device(struct io *io)
{
	struct nvt_qpair_opts opts = { .backend = (int)io->args->backend };
	int code;

	code = cmd_open_ctrl(io->cmd, NULL, &io->ctrl);
	if (code)
		return code;
	io->ns = nvt_ns_open(io->ctrl, io->args->nsid);
	if (!io->ns)
		return cmd_fail_lib(io->cmd, errno);
	code = check_size(io);
	if (code)
		return code;
	io->qp = nvt_qpair_create(io->ctrl, &opts);
	if (io->qp)
		io->buf = nvt_buffer_create(nvt_ctrl_pcie(io->ctrl), io->length,
					    NVT_BUFFER_CONTIGUOUS);
	return io->buf ? EXIT_OK : cmd_fail_lib(io->cmd, errno);
}

static void close_all(struct io *io)
{
	nvt_qpair_delete(io->qp);
	nvt_buffer_free(io->buf);
	nvt_ns_close(io->ns);
	nvt_ctrl_close(io->ctrl);
	if (io->fd > STDERR_FILENO)
		close(io->fd);
}

static int transfer(struct io *io)
{
	const struct io_args *args = io->args;
	uint32_t flags = (args->force_unit_access ? NVT_IO_FUA : 0) |
			 (args->limited_retry ? NVT_IO_LR : 0);
	struct nvt_sqe sqe = io->write ?
		nvt_sqe_write(args->nsid, args->start_block, io->nlb, flags) :
		nvt_sqe_read(args->nsid, args->start_block, io->nlb, flags);
	struct nvt_cpl cpl;
	int status;

	status = nvt_qpair_exec(io->qp, &sqe, io->buf, 0, io->length, &cpl);
	if (status < 0)
		return cmd_fail_lib(io->cmd, status);
	if (status)
		return cmd_fail_status(io->cmd, addr_of(io), io->op, status);
	io->latency_ns = cpl.complete_ns - cpl.submit_ns;
	return EXIT_OK;
}

static void report(const struct io *io)
{
	const struct io_args *args = io->args;
	struct json_object *json = io->cmd->json;

	if (json) {
		json_add_string(json, "address", addr_of(io));
		json_add_number(json, "namespace_id", args->nsid);
		json_add_number(json, "start_block", args->start_block);
		json_add_number(json, "blocks", io->nlb);
		json_add_number(json, "bytes", io->length);
		json_add_number(json, "latency_ns", io->latency_ns);
		return;
	}
	/* Without --data, standard output has the data. */
	if (io->write || args->data)
		printf("%s: %s %u block%s at %llu, %zu bytes, %s %s\n", addr_of(io),
		       io->write ? "wrote" : "read", io->nlb, io->nlb == 1 ? "" : "s",
		       (unsigned long long)args->start_block, io->length,
		       io->write ? "from" : "to", data_name(io));
	if (args->latency)
		fprintf(stderr, "latency: %s: %.3f us\n", io->op, (double)io->latency_ns / 1000);
}

int io_run(struct cmd *cmd, bool write)
{
	struct io io = { .cmd = cmd, .args = cmd->args, .write = write, .fd = -1 };
	int code = EXIT_OK;

	io.op = cmd->command->name;
	if (!write && cmd->json && !io.args->data)
		return cmd_fail_usage(cmd, "--json needs --data FILE: both would go to standard "
				      "output");
	if (write)
		code = open_data(&io);
	if (!code)
		code = open_device(&io);
	if (!code && write)
		code = load_data(&io);
	if (!code)
		code = transfer(&io);
	if (!code && !write)
		code = save_data(&io);
	if (!code)
		report(&io);
	close_all(&io);
	return code;
}

const struct option_def io_options[] = {
	OPT_NSID(struct io_args),
	OPT_NUMBER(struct io_args, start_block, "start-block", 's', "LBA", 0, 0,
		   "first block (default 0)"),
	OPT_NUMBER(struct io_args, block_count, "block-count", 'c', "N", 0, 65535,
		   "blocks less one: 0's based as in nvme-cli (default 0)"),
	OPT_SIZE(struct io_args, data_size, "data-size", 'z', "BYTES", 1, 0,
		 "size of the data; must be that of the blocks"),
	OPT_STRING(struct io_args, data, "data", 'd', "FILE",
		   "the data (default: standard input or output)"),
	OPT_FLAG(struct io_args, force_unit_access, "force-unit-access", 'f',
		 "past the device's volatile cache"),
	OPT_FLAG(struct io_args, limited_retry, "limited-retry", 'l',
		 "the device limits its retries"),
	OPT_FLAG(struct io_args, latency, "latency", 't',
		 "print the time that the command took"),
	OPT_BACKEND(struct io_args),
	{ NULL },
};

const struct io_args io_defaults = { .nsid = 1 };
