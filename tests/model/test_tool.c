// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nvt on a vfio-user socket, with its address as an operand and as --dev. */
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "suites.h"

static struct model model;
static char said[16384];	/* the latest command, on both streams */

static void begin(void)
{
	model_start(&model, "size=64M");
}

static void finish(void)
{
	model_stop(&model);
}

/* nvt is $NVT, else it is beside the folder of this program. */
static const char *tool(void)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (getenv("NVT"))
		return getenv("NVT");
	n = readlink("/proc/self/exe", path, PATH_MAX - 8);
	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	dirname(dirname(path));
	return strcat(path, "/nvt");
}

/* Runs a command of the shell, $nvt being the tool, $dev the address, in the model's folder. */
static int run(const char *command)
{
	FILE *pipe;
	size_t n;
	int status;

	setenv("nvt", tool(), 1);
	setenv("dut", model_program(), 1);
	setenv("dev", model.address[0], 1);
	setenv("dir", model.dir, 1);
	setenv("command", command, 1);
	pipe = popen("exec 2>&1; cd $dir && eval \"$command\"", "r");
	ck_assert_ptr_nonnull(pipe);
	n = fread(said, 1, sizeof(said) - 1, pipe);
	said[n] = '\0';
	status = pclose(pipe);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_run(const char *command, int code, const char *words)
{
	int got = run(command);

	ck_assert_msg(got == code, "'%s' ended with %d: %s", command, got, said);
	ck_assert_msg(strstr(said, words) != NULL, "'%s' says: %s", command, said);
}

START_TEST(each_command_takes_the_socket)
{
	assert_run("$nvt id-ctrl $dev", 0, "mdts");
	assert_run("$nvt id-ns $dev", 0, "nsze");
	assert_run("$nvt reg $dev", 0, "CAP");
	assert_run("$nvt reg $dev VS", 0, "Version");
	assert_run("$nvt cfg $dev", 0, "00:");
	assert_run("$nvt irq $dev", 0, "no vectors are allocated");
	assert_run("$nvt perf $dev --io-count 100", 0, "raw");
}
END_TEST

START_TEST(dev_stands_for_the_first_operand)
{
	assert_run("$nvt --dev $dev id-ctrl --json", 0, "\"mdts\"");
	assert_run("$nvt --dev=$dev reg VS", 0, "Version");
	assert_run("$nvt --dev $dev reg --width 4 -- 0x8", 0, "0x0008");
	assert_run("$nvt --dev $dev perf --io-count 100 --json", 0, "\"backend\": \"raw\"");
}
END_TEST

START_TEST(data_written_are_read)
{
	assert_run("head -c 65536 /dev/urandom >in && "
		   "$nvt --dev $dev write --data in --block-count 127 --start-block 5", 0, "wrote");
	assert_run("$nvt --dev $dev read --data out --block-count 127 --start-block 5 && "
		   "cmp in out", 0, "read 128 blocks");
	assert_run("$nvt --dev $dev perf --read-percent 50 --destroy-data --verify --seed 1 "
		   "--io-count 20000", 0, ", 0 wrong");
}
END_TEST

START_TEST(what_needs_a_driver_is_refused)
{
	assert_run("$nvt bind $dev", 1, "a socket has no driver");
	assert_run("$nvt --dev $dev unbind", 1, "a socket has no driver");
	assert_run("$nvt --dev $dev list", 2, "takes no device");
	assert_run("$nvt --dev $dev perf --backend managed --io-count 1", 1,
		   "use the raw back end");
}
END_TEST

START_TEST(wrong_use_of_dev_is_named)
{
	assert_run("$nvt --dev", 2, "--dev wants a value");
	assert_run("$nvt --dev= reg", 2, "--dev wants a value");
	assert_run("$nvt --dev $dev", 2, "what command?");
	assert_run("$nvt --dev $dev --dev $dev reg", 2, "twice");
	assert_run("$nvt --dev $dev id-ctrl $dev", 2, "too many");
	assert_run("$nvt --dev vfio-user:$dir/other id-ctrl --json", 1, "\"error\"");
}
END_TEST

/* A disk of 4 MiB, in a namespace of mounts of its own; a shell's text runs where it is "store". */
static void assert_on_small_disk(const char *script, int code, const char *words)
{
	char command[2048];

	snprintf(command, sizeof(command),
		 "unshare -rm sh -ec 'mkdir -p store && mount -t tmpfs -o size=4m none store\n%s'", script);
	assert_run(command, code, words);
}

START_TEST(full_disk_is_named)
{
	assert_on_small_disk("exec $dut -o size=64M,store=store s -- $nvt --dev vfio-user:s perf "
			     "--read-percent 0 --destroy-data --sequential --io-count 8192",
			     74, "nvt-dut: store store: no space left on device");
}
END_TEST

START_TEST(store_of_a_full_disk_goes_on_where_there_is_room)
{
	assert_on_small_disk("head -c 65536 /dev/urandom >in\n"
			     "$dut -o size=64M,store=store s -- $nvt --dev vfio-user:s write "
			     "--data in --block-count 127\n"
			     "$dut -o size=64M,store=store s -- $nvt --dev vfio-user:s perf "
			     "--read-percent 0 --destroy-data --region-start 1024 --io-count 8192 || "
			     "test $? = 74\n"
			     "mount -o remount,size=128m store\n"
			     "$dut -o size=64M,store=store s -- $nvt --dev vfio-user:s read "
			     "--data out --block-count 127\n"
			     "cmp in out", 0, "read 128 blocks");
}
END_TEST

START_TEST(check_of_interrupts_is_judged_by_its_exit_status)
{
	model_do(&model, "fault opcode=read nth=1100 do irq-lost");
	assert_run("$nvt irq check $dev --io-count 1000 --mask 20 --late 1 --lost 3", 0,
		   "nothing found");
	assert_run("$nvt --dev $dev irq check --io-count 1000 --late 1 --lost 3", 1,
		   "lost: a completion of CQ");
	assert_run("$nvt irq check $dev --io-count 100 --late 1 --lost 3 --type msi --json", 0,
		   "\"found\": 0");
	assert_run("$nvt irq check $dev --time 0", 2, "has no end");
	assert_run("$nvt irq watch $dev --count 2 --interval 0.01", 0, "no vectors are allocated");
	assert_run("$nvt irq watch $dev --count 2 --interval 0.01 --json", 0, "\"vectors\":[]");
	assert_run("$nvt help irq check", 0, "--io-count");
}
END_TEST

Suite *tool_suite(void)
{
	Suite *suite = suite_create("tool");
	TCase *tc = device_case(suite, "tool", begin, finish);

	tcase_add_test(tc, each_command_takes_the_socket);
	tcase_add_test(tc, dev_stands_for_the_first_operand);
	tcase_add_test(tc, data_written_are_read);
	tcase_add_test(tc, what_needs_a_driver_is_refused);
	tcase_add_test(tc, wrong_use_of_dev_is_named);
	tcase_add_test(tc, full_disk_is_named);
	tcase_add_test(tc, store_of_a_full_disk_goes_on_where_there_is_room);
	tcase_add_test(tc, check_of_interrupts_is_judged_by_its_exit_status);
	return suite;
}
