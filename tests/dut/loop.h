/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The event loop: files that become ready, timers, and work that is polled. One thread. */
#ifndef DUT_LOOP_H
#define DUT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_US	1000ULL
#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL

/* What a timer or a poller is embedded in. */
#define container_of(member_address, type, member) \
	((type *)((char *)(member_address) - offsetof(type, member)))

struct loop;

/* Embedded where it belongs; zeroed before its first use. */
struct timer {
	uint64_t deadline_ns;
	size_t place;			/* in the heap, 1-based; 0: not armed */
	uint64_t sequence;		/* of two with one deadline the one armed first fires first */
	void (*fire)(struct timer *timer);
};

/*
 * Work that nobody announces (doorbells in memory). Asked in each round; while
 * one of them has just found something the loop does not sleep, later it does
 * for a while that grows to a millisecond.
 */
struct poller {
	bool (*poll)(struct poller *poller);	/* true: there was something */
	struct poller *next;
};

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* CLOCK_MONOTONIC, read anew. */
uint64_t loop_now(const struct loop *loop);

/* In place of an earlier deadline of it. A deadline in the past fires in this round. */
void timer_arm(struct loop *loop, struct timer *timer, uint64_t deadline_ns);
void timer_cancel(struct loop *loop, struct timer *timer);

static inline bool timer_armed(const struct timer *timer)
{
	return timer->place;
}

/* @ready may unwatch any file, its own too. 0 or a negative errno. */
int loop_watch(struct loop *loop, int fd, void (*ready)(void *arg), void *arg);
void loop_unwatch(struct loop *loop, int fd);

void loop_poll_add(struct loop *loop, struct poller *poller);
void loop_poll_remove(struct loop *loop, struct poller *poller);

/* One round, sleeping at most @timeout_ms (-1: without limit). */
void loop_round(struct loop *loop, int timeout_ms);

/* Rounds until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif /* DUT_LOOP_H */
