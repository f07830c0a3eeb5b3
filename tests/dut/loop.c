// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The event loop: a heap of timers, files by ppoll(), pollers that decide how long to sleep. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "loop.h"

/* After a poller's last find: no sleep at all, then sleeps of a quarter of the idle time. */
#define SPIN_NS		(50 * NS_PER_US)
#define SLEEP_MIN_NS	(20 * NS_PER_US)
#define SLEEP_MAX_NS	(1 * NS_PER_MS)
/* A look at the files costs a system call; while the loop spins it is made this often. */
#define LOOK_NS		(20 * NS_PER_US)
#define FOREVER		UINT64_MAX

struct watch {
	void (*ready)(void *arg);
	void *arg;
};

struct loop {
	struct timer **heap;		/* [0] is the next to fire */
	size_t nr_timers, timer_room;
	uint64_t sequence;
	struct pollfd *files;		/* fd -1: unwatched while they were dispatched */
	struct watch *watches;
	size_t nr_files, file_room;
	struct poller *pollers;
	struct poller *next_poller;	/* of the round under way */
	uint64_t found_ns;		/* a poller's last find */
	uint64_t looked_ns;		/* the last look at the files */
	bool dispatching, stopped;
};

struct loop *loop_new(void)
{
	/* The kernel's default rounds a sleep of 20 us up to 70. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	return calloc(1, sizeof(struct loop));
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	free(loop->heap);
	free(loop->files);
	free(loop->watches);
	free(loop);
}

uint64_t loop_now(const struct loop *loop)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Room for one more; without memory a model of a device cannot go on. */
static void *array_grow(void *array, size_t used, size_t *room, size_t size)
{
	if (used < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	array = reallocarray(array, *room, size);
	if (!array)
		abort();
	return array;
}

static bool timer_before(const struct timer *a, const struct timer *b)
{
	if (a->deadline_ns != b->deadline_ns)
		return a->deadline_ns < b->deadline_ns;
	return a->sequence < b->sequence;
}

static void heap_put(struct loop *loop, size_t index, struct timer *timer)
{
	loop->heap[index] = timer;
	timer->place = index + 1;
}

static void heap_up(struct loop *loop, size_t index, struct timer *timer)
{
	while (index) {
		size_t parent = (index - 1) / 2;

		if (!timer_before(timer, loop->heap[parent]))
			break;
		heap_put(loop, index, loop->heap[parent]);
		index = parent;
	}
	heap_put(loop, index, timer);
}

static void heap_down(struct loop *loop, size_t index, struct timer *timer)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= loop->nr_timers)
			break;
		if (child + 1 < loop->nr_timers &&
		    timer_before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!timer_before(loop->heap[child], timer))
			break;
		heap_put(loop, index, loop->heap[child]);
		index = child;
	}
	heap_put(loop, index, timer);
}

void timer_cancel(struct loop *loop, struct timer *timer)
{
	size_t index = timer->place - 1;
	struct timer *last;

	if (!timer->place)
		return;
	timer->place = 0;
	last = loop->heap[--loop->nr_timers];
	if (last == timer)
		return;
	if (index && timer_before(last, loop->heap[(index - 1) / 2]))
		heap_up(loop, index, last);
	else
		heap_down(loop, index, last);
}

void timer_arm(struct loop *loop, struct timer *timer, uint64_t deadline_ns)
{
	timer_cancel(loop, timer);
	loop->heap = array_grow(loop->heap, loop->nr_timers, &loop->timer_room,
				sizeof(*loop->heap));
	timer->deadline_ns = deadline_ns;
	timer->sequence = loop->sequence++;
	heap_up(loop, loop->nr_timers++, timer);
}

/* At most as many as there were, so that one that arms itself anew does not hold up the round. */
static void timers_fire(struct loop *loop, uint64_t now_ns)
{
	size_t most = loop->nr_timers;

	while (most-- && loop->nr_timers && loop->heap[0]->deadline_ns <= now_ns) {
		struct timer *timer = loop->heap[0];

		timer_cancel(loop, timer);
		timer->fire(timer);
	}
}

int loop_watch(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	size_t room = loop->file_room;

	if (fd < 0)
		return -EBADF;
	loop->files = array_grow(loop->files, loop->nr_files, &room, sizeof(*loop->files));
	loop->watches = array_grow(loop->watches, loop->nr_files, &loop->file_room,
				   sizeof(*loop->watches));
	loop->files[loop->nr_files] = (struct pollfd){ .fd = fd, .events = POLLIN };
	loop->watches[loop->nr_files] = (struct watch){ .ready = ready, .arg = arg };
	loop->nr_files++;
	return 0;
}

static void files_compact(struct loop *loop)
{
	size_t kept = 0;

	for (size_t i = 0; i < loop->nr_files; i++) {
		if (loop->files[i].fd < 0)
			continue;
		loop->files[kept] = loop->files[i];
		loop->watches[kept++] = loop->watches[i];
	}
	loop->nr_files = kept;
}

void loop_unwatch(struct loop *loop, int fd)
{
	for (size_t i = 0; i < loop->nr_files; i++)
		if (loop->files[i].fd == fd)
			loop->files[i].fd = -1;
	if (!loop->dispatching)
		files_compact(loop);
}

/* Waits up to @sleep_ns (FOREVER: without limit) for a file, and serves those that are ready. */
static void files_serve(struct loop *loop, uint64_t sleep_ns)
{
	struct timespec sleep = { sleep_ns / NS_PER_S, sleep_ns % NS_PER_S };
	size_t nr = loop->nr_files;

	if (ppoll(loop->files, nr, sleep_ns == FOREVER ? NULL : &sleep, NULL) <= 0)
		return;
	loop->dispatching = true;
	for (size_t i = 0; i < nr; i++)
		if (loop->files[i].fd >= 0 && loop->files[i].revents)
			loop->watches[i].ready(loop->watches[i].arg);
	loop->dispatching = false;
	files_compact(loop);
}

void loop_poll_add(struct loop *loop, struct poller *poller)
{
	loop_poll_remove(loop, poller);
	poller->next = loop->pollers;
	loop->pollers = poller;
	loop->found_ns = loop_now(loop);
}

void loop_poll_remove(struct loop *loop, struct poller *poller)
{
	struct poller **link = &loop->pollers;

	if (loop->next_poller == poller)
		loop->next_poller = poller->next;
	for (; *link; link = &(*link)->next) {
		if (*link == poller) {
			*link = poller->next;
			return;
		}
	}
}

static bool pollers_ask(struct loop *loop)
{
	bool found = false;

	for (struct poller *poller = loop->pollers; poller; poller = loop->next_poller) {
		loop->next_poller = poller->next;
		found |= poller->poll(poller);
	}
	return found;
}

/* How long the pollers let the loop sleep. */
static uint64_t pollers_patience(const struct loop *loop, uint64_t now_ns)
{
	uint64_t idle_ns = now_ns - loop->found_ns;

	if (!loop->pollers)
		return FOREVER;
	if (idle_ns < SPIN_NS)
		return 0;
	if (idle_ns / 4 < SLEEP_MIN_NS)
		return SLEEP_MIN_NS;
	return idle_ns / 4 < SLEEP_MAX_NS ? idle_ns / 4 : SLEEP_MAX_NS;
}

void loop_round(struct loop *loop, int timeout_ms)
{
	uint64_t sleep_ns = timeout_ms < 0 ? FOREVER : timeout_ms * NS_PER_MS;
	bool found = pollers_ask(loop);
	uint64_t now_ns = loop_now(loop);
	uint64_t patience_ns;

	if (found)
		loop->found_ns = now_ns;
	if (loop->nr_timers && loop->heap[0]->deadline_ns <= now_ns) {
		timers_fire(loop, now_ns);
		now_ns = loop_now(loop);
		/* It may be what the caller waits for. */
		sleep_ns = 0;
	}
	patience_ns = pollers_patience(loop, now_ns);
	if (!patience_ns && now_ns - loop->looked_ns < LOOK_NS)
		return;
	loop->looked_ns = now_ns;
	if (patience_ns < sleep_ns)
		sleep_ns = patience_ns;
	if (loop->stopped)
		sleep_ns = 0;
	if (loop->nr_timers && loop->heap[0]->deadline_ns <= now_ns)
		sleep_ns = 0;
	else if (loop->nr_timers && loop->heap[0]->deadline_ns - now_ns < sleep_ns)
		sleep_ns = loop->heap[0]->deadline_ns - now_ns;
	files_serve(loop, sleep_ns);
}

void loop_run(struct loop *loop)
{
	while (!loop->stopped)
		loop_round(loop, -1);
	loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
