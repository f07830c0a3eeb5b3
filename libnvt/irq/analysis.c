// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What interrupts and completions say of each other; see analysis.h.
 *
 * An interrupt tells of all completions of its vector that may be visible, and
 * accounts for the oldest that none has accounted for yet: a device that sends
 * a message for each completion is right, also if the host takes the second
 * message after it has seen both. What an interrupt told of in passing can
 * account for another one only as long as its own may be on the way.
 *
 * An interrupt that finds nothing to account for is in excess, a completion
 * that none tells of is untold. Of both together there was an early interrupt,
 * or one on a wrong vector; else one is spurious, the other one's is lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "irq/analysis.h"

#define STORM_GAP_NS	10000000ULL
#define NEVER		UINT64_MAX

static void *list_add(struct nvt_irq_analysis *a, struct nvt_irq_list *list, size_t size)
{
	size_t room = list->room ? 2 * list->room : 64;
	void *data;

	if (list->head > list->room / 2) {
		memmove(list->data, list->data + list->head * size, (list->end - list->head) * size);
		list->end -= list->head;
		list->head = 0;
	}
	if (list->end == list->room) {
		data = realloc(list->data, room * size);
		if (!data) {
			a->no_memory = true;
			return NULL;
		}
		list->data = data;
		list->room = room;
	}
	return list->data + list->end++ * size;
}

static struct nvt_irq_completion *completion_at(const struct nvt_irq_track *track, size_t i)
{
	return (struct nvt_irq_completion *)track->completions.data + i;
}

static uint64_t *time_at(const struct nvt_irq_list *list, size_t i)
{
	return (uint64_t *)list->data + i;
}

static struct nvt_irq_masked *masked_at(const struct nvt_irq_track *track, size_t i)
{
	return (struct nvt_irq_masked *)track->masked.data + i;
}

static uint64_t later(uint64_t ns, uint64_t by)
{
	return ns > NEVER - by ? NEVER : ns + by;
}

static struct nvt_irq_finding *find(struct nvt_irq_analysis *a, int kind,
				    struct nvt_irq_track *track, uint64_t ns)
{
	struct nvt_irq_report *report = &a->report;
	struct nvt_irq_finding *finding = &a->more;

	track->report.faults[kind]++;
	report->faults[kind]++;
	report->total++;
	if (report->nr_findings < NVT_IRQ_FINDINGS)
		finding = &report->finding[report->nr_findings++];
	*finding = (struct nvt_irq_finding){
		.kind = kind, .vector = track->report.vector, .ns = ns,
	};
	return finding;
}

int nvt_irq_analysis_init(struct nvt_irq_analysis *a, unsigned int nr_vectors,
			  const struct nvt_irq_rules *rules)
{
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->rules = *rules;
	a->track = calloc(nr_vectors, sizeof(*a->track));
	a->vectors = calloc(nr_vectors, sizeof(*a->vectors));
	if (!a->track || !a->vectors) {
		nvt_irq_analysis_free(a);
		return -ENOMEM;
	}
	a->nr_vectors = nr_vectors;
	nvt_histogram_init(&a->resolution);
	for (i = 0; i < nr_vectors; i++) {
		a->track[i].report.vector = i;
		nvt_histogram_init(&a->track[i].delay);
	}
	return 0;
}

void nvt_irq_analysis_free(struct nvt_irq_analysis *a)
{
	struct nvt_irq_track *track;

	for (track = a->track; track && track < a->track + a->nr_vectors; track++) {
		free(track->completions.data);
		free(track->interrupts.data);
		free(track->excess.data);
		free(track->masked.data);
	}
	free(a->track);
	free(a->vectors);
}

void nvt_irq_analysis_coalescing(struct nvt_irq_analysis *a, unsigned int vector,
				 uint32_t threshold, uint64_t time_ns)
{
	struct nvt_irq_vector_report *report = &a->track[vector].report;

	report->coalesced = true;
	report->threshold = threshold;
	report->time_ns = time_ns;
}

static bool is_masked(const struct nvt_irq_track *track)
{
	const struct nvt_irq_list *list = &track->masked;

	return list->end > list->head && masked_at(track, list->end - 1)->to_ns == NEVER;
}

void nvt_irq_analysis_completion(struct nvt_irq_analysis *a, unsigned int vector, uint16_t cqid,
				 uint64_t lo_ns, uint64_t hi_ns)
{
	struct nvt_irq_track *track = &a->track[vector];
	size_t head = track->completions.head;
	struct nvt_irq_completion *c = list_add(a, &track->completions, sizeof(*c));

	track->first_unused -= head - track->completions.head;
	if (!c)
		return;
	*c = (struct nvt_irq_completion){
		.lo_ns = lo_ns, .hi_ns = hi_ns, .cqid = cqid,
		.due_ns = is_masked(track) ? NEVER : hi_ns,
	};
	track->report.completions++;
	nvt_histogram_record(&a->resolution, hi_ns - lo_ns, 1);
}

void nvt_irq_analysis_interrupt(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns,
				bool explained)
{
	struct nvt_irq_track *track;
	uint64_t *at;

	if (vector >= a->nr_vectors)
		return;
	track = &a->track[vector];
	track->report.interrupts++;
	if (explained)
		return;
	at = list_add(a, &track->interrupts, sizeof(*at));
	if (at)
		*at = ns;
}

void nvt_irq_analysis_mask(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns)
{
	struct nvt_irq_track *track = &a->track[vector];
	struct nvt_irq_masked *masked = list_add(a, &track->masked, sizeof(*masked));
	size_t i;

	if (masked)
		*masked = (struct nvt_irq_masked){ .from_ns = ns, .to_ns = NEVER };
	for (i = track->completions.head; i < track->completions.end; i++)
		if (!completion_at(track, i)->told_ns)
			completion_at(track, i)->due_ns = NEVER;
}

void nvt_irq_analysis_unmask(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns)
{
	struct nvt_irq_track *track = &a->track[vector];
	size_t i;

	if (is_masked(track))
		masked_at(track, track->masked.end - 1)->to_ns = ns;
	for (i = track->completions.head; i < track->completions.end; i++)
		if (completion_at(track, i)->due_ns == NEVER)
			completion_at(track, i)->due_ns = ns;
}

static bool came_masked(const struct nvt_irq_track *track, uint64_t ns)
{
	size_t i;

	for (i = track->masked.head; i < track->masked.end; i++)
		if (masked_at(track, i)->from_ns < ns && ns < masked_at(track, i)->to_ns)
			return true;
	return false;
}

static unsigned int bucket_of(uint64_t completions)
{
	unsigned int bucket = completions ? 1 : 0;

	while (completions > 1 && bucket < NVT_IRQ_PER_INTERRUPT - 1) {
		completions = (completions + 1) / 2;
		bucket++;
	}
	return bucket;
}

static uint64_t lost_at(const struct nvt_irq_analysis *a, const struct nvt_irq_track *track,
			const struct nvt_irq_completion *c)
{
	return later(c->due_ns, a->rules.lost_ns + track->report.time_ns);
}

/*
 * All that may be visible and are not lost yet. Returns how many it is the
 * first to tell of; *first is the oldest.
 */
static uint64_t tell(struct nvt_irq_analysis *a, struct nvt_irq_track *track, uint64_t ns,
		     struct nvt_irq_completion **first, uint64_t *certain)
{
	uint64_t told = 0;
	size_t i;

	for (i = track->first_unused; i < track->completions.end; i++) {
		struct nvt_irq_completion *c = completion_at(track, i);

		if (c->told_ns || c->lo_ns > ns || ns > lost_at(a, track, c))
			continue;
		c->told_ns = ns;
		*certain += c->hi_ns <= ns;
		if (!told++)
			*first = c;
	}
	return told;
}

static void measure(struct nvt_irq_analysis *a, struct nvt_irq_track *track, uint64_t ns,
		    const struct nvt_irq_completion *first, uint64_t certain)
{
	struct nvt_irq_vector_report *report = &track->report;
	uint64_t may = later(a->rules.late_ns, report->time_ns);
	struct nvt_irq_finding *finding;

	/* Of what a mask held back the time says nothing. */
	if (first->due_ns == first->hi_ns) {
		nvt_histogram_record(&track->delay, ns > first->hi_ns ? ns - first->hi_ns : 0,
				     1);
		if (report->coalesced && certain > report->threshold)
			report->over_threshold++;
		if (report->coalesced && ns > later(first->hi_ns, report->time_ns))
			report->over_time++;
	}
	if (ns <= later(first->due_ns, may))
		return;
	finding = find(a, NVT_IRQ_LATE, track, ns);
	finding->cqid = first->cqid;
	finding->value = ns - first->due_ns;
}

/* What was told in passing and is past its own interrupt's time accounts for nothing any more. */
static bool account(struct nvt_irq_analysis *a, struct nvt_irq_track *track, uint64_t ns)
{
	uint64_t grace = later(a->rules.late_ns, track->report.time_ns);
	size_t i;

	for (i = track->first_unused; i < track->completions.end; i++) {
		struct nvt_irq_completion *c = completion_at(track, i);

		if (c->used || !c->told_ns || c->lo_ns > ns)
			continue;
		c->used = true;
		if (ns <= later(c->told_ns, grace))
			return true;
	}
	return false;
}

static void skip_used(struct nvt_irq_track *track)
{
	while (track->first_unused < track->completions.end &&
	       completion_at(track, track->first_unused)->used)
		track->first_unused++;
}

static void take_interrupt(struct nvt_irq_analysis *a, struct nvt_irq_track *track, uint64_t ns)
{
	bool masked = came_masked(track, ns);
	struct nvt_irq_completion *first = NULL;
	uint64_t told, certain = 0, *excess;

	if (masked)
		find(a, NVT_IRQ_MASKED, track, ns);
	told = tell(a, track, ns, &first, &certain);
	track->report.per_interrupt[bucket_of(told)]++;
	if (told > track->report.max_per_interrupt)
		track->report.max_per_interrupt = told;
	if (told) {
		measure(a, track, ns, first, certain);
		account(a, track, ns);
	} else if (account(a, track, ns)) {
		track->report.repeated++;
	} else if (!masked) {
		excess = list_add(a, &track->excess, sizeof(*excess));
		if (excess)
			*excess = ns;
	}
	skip_used(track);
}

static void take_interrupts(struct nvt_irq_analysis *a, struct nvt_irq_track *track,
			    uint64_t horizon)
{
	struct nvt_irq_list *list = &track->interrupts;

	for (; list->head < list->end && *time_at(list, list->head) <= horizon; list->head++)
		take_interrupt(a, track, *time_at(list, list->head));
}

/* The excess in [from, to] that is nearest to its beginning; it is taken out. */
static bool take_excess(struct nvt_irq_track *track, uint64_t from, uint64_t to, uint64_t *ns)
{
	struct nvt_irq_list *list = &track->excess;
	size_t i;

	for (i = list->head; i < list->end; i++) {
		*ns = *time_at(list, i);
		if (*ns < from || *ns > to)
			continue;
		memmove(time_at(list, list->head + 1), time_at(list, list->head),
			(i - list->head) * sizeof(uint64_t));
		list->head++;
		return true;
	}
	return false;
}

static void judge_untold(struct nvt_irq_analysis *a, struct nvt_irq_track *track,
			 const struct nvt_irq_completion *c)
{
	uint64_t lost = a->rules.lost_ns, ns;
	uint64_t from = c->lo_ns > a->rules.late_ns ? c->lo_ns - a->rules.late_ns : 0;
	struct nvt_irq_finding *finding;
	unsigned int i;

	if (take_excess(track, from, c->lo_ns, &ns)) {
		finding = find(a, NVT_IRQ_EARLY, track, ns);
		finding->cqid = c->cqid;
		finding->value = c->lo_ns - ns;
		return;
	}
	for (i = 0; i < a->nr_vectors; i++) {
		if (&a->track[i] == track ||
		    !take_excess(&a->track[i], c->lo_ns, later(c->due_ns, lost), &ns))
			continue;
		finding = find(a, NVT_IRQ_WRONG_VECTOR, &a->track[i], ns);
		finding->cqid = c->cqid;
		finding->other = track->report.vector;
		return;
	}
	finding = find(a, NVT_IRQ_LOST, track, c->hi_ns);
	finding->cqid = c->cqid;
}

/* In their order, as far as nothing can come for them any more. */
static void judge_completions(struct nvt_irq_analysis *a, struct nvt_irq_track *track,
			      uint64_t horizon)
{
	struct nvt_irq_list *list = &track->completions;
	uint64_t grace = a->rules.late_ns + track->report.time_ns;

	for (; list->head < list->end; list->head++) {
		const struct nvt_irq_completion *c = completion_at(track, list->head);

		if (horizon != NEVER && !c->used &&
		    horizon <= (c->told_ns ? later(c->told_ns, grace) : lost_at(a, track, c)))
			break;
		/* If it is masked to the end, none was to come. */
		if (!c->told_ns && c->due_ns != NEVER)
			judge_untold(a, track, c);
	}
	if (track->first_unused < list->head)
		track->first_unused = list->head;
}

static void end_run(struct nvt_irq_analysis *a, struct nvt_irq_track *track)
{
	if (track->run >= a->rules.storm) {
		find(a, NVT_IRQ_STORM, track, track->run_start_ns)->value = track->run;
		track->report.storm_interrupts += track->run;
	} else {
		while (track->run--)
			find(a, NVT_IRQ_SPURIOUS, track, track->run_start_ns);
	}
	track->run = 0;
}

static void judge_excess(struct nvt_irq_analysis *a, struct nvt_irq_track *track, uint64_t horizon)
{
	uint64_t wait = 3 * (a->rules.lost_ns + track->report.time_ns);
	struct nvt_irq_list *list = &track->excess;

	for (; list->head < list->end; list->head++) {
		uint64_t ns = *time_at(list, list->head);

		if (horizon != NEVER && horizon <= later(ns, wait))
			break;
		if (track->run && ns > track->run_last_ns + STORM_GAP_NS)
			end_run(a, track);
		if (!track->run++)
			track->run_start_ns = ns;
		track->run_last_ns = ns;
	}
	if (track->run && (horizon == NEVER || horizon > later(track->run_last_ns, wait + STORM_GAP_NS)))
		end_run(a, track);
}

static void drop_masked(struct nvt_irq_track *track, uint64_t horizon)
{
	struct nvt_irq_list *list = &track->masked;

	if (track->interrupts.head < track->interrupts.end)
		return;
	while (list->head < list->end && masked_at(track, list->head)->to_ns < horizon)
		list->head++;
}

void nvt_irq_analysis_settle(struct nvt_irq_analysis *a, uint64_t horizon_ns)
{
	uint64_t lost = a->rules.lost_ns;
	unsigned int i;

	for (i = 0; i < a->nr_vectors; i++)
		take_interrupts(a, &a->track[i], horizon_ns);
	for (i = 0; i < a->nr_vectors; i++)
		judge_completions(a, &a->track[i], horizon_ns);
	for (i = 0; i < a->nr_vectors; i++) {
		judge_excess(a, &a->track[i], horizon_ns);
		drop_masked(&a->track[i], horizon_ns > lost ? horizon_ns - lost : 0);
	}
}

void nvt_irq_analysis_storm(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns,
			    uint64_t interrupts)
{
	struct nvt_irq_track *track = &a->track[vector];

	find(a, NVT_IRQ_STORM, track, ns)->value = interrupts;
	track->report.storm_interrupts += interrupts;
	/* Its interrupts are this one finding; its completions wait for an unmask. */
	nvt_irq_analysis_mask(a, vector, NEVER);
	track->interrupts.head = track->interrupts.end;
	track->excess.head = track->excess.end;
	track->run = 0;
}

int nvt_irq_analysis_finish(struct nvt_irq_analysis *a, uint64_t horizon_ns,
			    struct nvt_irq_report *report)
{
	struct nvt_irq_track *track;
	unsigned int n = 0;

	nvt_irq_analysis_settle(a, horizon_ns);
	for (track = a->track; track < a->track + a->nr_vectors; track++) {
		if (!track->report.completions && !track->report.interrupts)
			continue;
		nvt_histogram_fill(&track->delay, &track->report.delay);
		a->report.completions += track->report.completions;
		a->report.interrupts += track->report.interrupts;
		a->vectors[n++] = track->report;
	}
	nvt_histogram_fill(&a->resolution, &a->report.resolution);
	a->report.vector = a->vectors;
	a->report.nr_vectors = n;
	*report = a->report;
	return a->no_memory ? -ENOMEM : 0;
}
