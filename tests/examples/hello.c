// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Identify an NVMe drive, write its first block and read it back. Destroys that block. */
#include <stdio.h>
#include <string.h>

#include <nvt/nvt.h>

static const char text[] = "written by hello";

static int write_and_read(struct nvt_ns *ns, struct nvt_qpair *qp, struct nvt_buffer *buf)
{
	char *data = nvt_buffer_data(buf);
	int status;

	strcpy(data, text);
	status = nvt_ns_write(ns, qp, buf, 0, 0, 1, 0);
	if (status)
		return status;
	memset(data, 0, nvt_buffer_length(buf));
	return nvt_ns_read(ns, qp, buf, 0, 0, 1, 0);
}

static int compare(const char *data)
{
	int differs = strcmp(data, text);

	printf("LBA 0 reads '%s': %s\n", data, differs ? "WRONG" : "as written");
	return differs != 0;
}

static void print_interrupts(struct nvt_pcie *pcie)
{
	struct nvt_vector_counter counter;
	unsigned int i;

	for (i = 0; !nvt_pcie_vector(pcie, i, &counter); i++)
		printf("vector %u: %llu interrupts\n", i, (unsigned long long)counter.interrupts);
}

int main(int argc, char **argv)
{
	struct nvt_ctrl *ctrl = nvt_ctrl_open(argc > 1 ? argv[1] : NULL, NULL);
	struct nvt_ns *ns = ctrl ? nvt_ns_open(ctrl, 1) : NULL;
	struct nvt_qpair *qp = ns ? nvt_qpair_create(ctrl, NULL) : NULL;
	struct nvt_buffer *buf = qp ? nvt_buffer_create(nvt_ctrl_pcie(ctrl), 65536, 0) : NULL;
	int status = -1, wrong = 1;

	if (buf) {
		printf("%.40s %.20s\n", nvt_ctrl_id(ctrl)->mn, nvt_ctrl_id(ctrl)->sn);
		status = write_and_read(ns, qp, buf);
		if (!status)
			wrong = compare(nvt_buffer_data(buf));
		print_interrupts(nvt_ctrl_pcie(ctrl));
	}
	if (status < 0)
		fprintf(stderr, "%s\n", nvt_error());
	else if (status)
		fprintf(stderr, "status %#x: %s\n", status, nvt_status_string(status));
	if (qp) {
		nvt_qpair_delete(qp);
		nvt_buffer_free(buf);
		nvt_ns_close(ns);
	}
	nvt_ctrl_close(ctrl);
	return wrong;
}
