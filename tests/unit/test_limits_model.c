// SPDX-License-Identifier: Apache-2.0
/*
 * Random traces of calls, refunds, approvals, clock steps and boots, against a model that
 * keeps a list of all that happened and adds it up anew for every question.
 *
 * Three kinds of traces: in one boot, under a wall clock that is set at random; over several
 * boots, under one that is right: in both the answers are the model's to the digit. And over
 * boots under one that is right when a boot begins and set at random afterwards: there nothing
 * passes that the model would not let through.
 *
 * MCPJAIL_TRACES: how many; 100000 without it.
 */
#include "limits_world.h"

#include <stdio.h>
#include <time.h>

#define TRACES     100000
#define STEPS      10
#define GROUP      40 /* traces in one log */
#define CALL_MAX   4
#define VALUES     5
#define RECEIPTS   3
#define EVENTS_MAX (2 * STEPS * CALL_MAX)
#define RIGHT_WALL INT64_C(1763900000000)
#define TOKEN_TTL  5000
#define DAY        INT64_C(86400000)

enum group_kind { GROUP_STEPS = 0, GROUP_BOOTS, GROUP_BOTH, GROUP_KINDS };
enum key_kind { KEY_SUM = 0, KEY_VALUES, KEY_BUCKET, KEY_TOKEN };

/* One thing that happened. */
struct event {
	uint8_t key; /* of the trace: kind, number */
	uint8_t value;
	bool is_refund; /* of a bucket; else it is taken out of the list's sums */
	int64_t at_ms, charged_at_ms;
	uint64_t amount;
};

struct kept_receipt {
	struct limits_receipt receipt;
	size_t first, n; /* its events */
	int64_t token_until;
};

struct trace {
	enum group_kind kind;
	unsigned seed, number;
	struct limits *runs[2];
	struct test_clock *clock;
	int64_t now_ms;      /* the one true time */
	int64_t boot_at_ms;  /* when this boot began */
	int64_t calendar_ms; /* what the calendar is ahead of the true time */
	uint64_t boot;
	struct event events[EVENTS_MAX];
	size_t n_events;
	int64_t token_until[2]; /* 0: none */
	struct kept_receipt receipts[RECEIPTS];
	size_t n_receipts;
};

/* A charge and the model's view of it. */
struct wish {
	enum key_kind kind;
	uint8_t key, value;
	struct limits_charge charge;
};

/* --- the model ------------------------------------------------------------------------- */

static int64_t calendar_start(int64_t wall_ms, uint64_t window_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (window_ms != LIMITS_WEEK_MS && window_ms != LIMITS_MONTH_MS)
		return wall_ms - wall_ms % (int64_t)window_ms;
	gmtime_r(&s, &tm);
	tm.tm_sec = tm.tm_min = tm.tm_hour = 0;
	if (window_ms == LIMITS_WEEK_MS)
		tm.tm_mday -= (tm.tm_wday + 6) % 7;
	else
		tm.tm_mday = 1;
	return (int64_t)timegm(&tm) * 1000;
}

static int64_t window_start(const struct trace *t, const struct limits_charge *c, int64_t at_ms)
{
	if (c->window_ms == LIMITS_LIFETIME_MS)
		return INT64_MIN;
	if (c->algorithm == LIMITS_FIXED)
		return calendar_start(at_ms + t->calendar_ms, c->window_ms) - t->calendar_ms;
	return at_ms - (int64_t)c->window_ms;
}

static uint64_t model_sum(const struct trace *t, uint8_t key, int64_t from_ms)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n_events; i++)
		if (t->events[i].key == key && t->events[i].at_ms >= from_ms)
			sum += t->events[i].amount;
	return sum;
}

static bool model_has_value(const struct trace *t, uint8_t key, uint8_t value, int64_t from_ms)
{
	for (size_t i = 0; i < t->n_events; i++) {
		const struct event *e = &t->events[i];

		if (e->key == key && e->value == value && e->amount && e->at_ms >= from_ms)
			return true;
	}
	return false;
}

/* What a bucket lacks, in parts of 1/window; its level is told from all that ever happened. */
static uint64_t model_missing(const struct trace *t, const struct wish *w, int64_t at_ms)
{
	uint64_t window = w->charge.window_ms, max = w->charge.max, missing = 0;
	int64_t last = 0;

	for (size_t i = 0; i <= t->n_events; i++) {
		const struct event *e = i < t->n_events ? &t->events[i] : NULL;
		int64_t then = e ? e->at_ms : at_ms;
		uint64_t refill, back;

		if (e && e->key != w->key)
			continue;
		refill = (uint64_t)(then - last) * max;
		missing = missing > refill ? missing - refill : 0;
		last = then;
		if (!e)
			break;
		if (!e->is_refund) {
			missing += e->amount * window;
			continue;
		}
		refill = (uint64_t)(then - e->charged_at_ms) * max;
		back = e->amount * window > refill ? e->amount * window - refill : 0;
		missing = missing > back ? missing - back : 0;
	}
	return missing;
}

static bool is_repeated(const struct wish *wishes, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (wishes[j].key == wishes[i].key && wishes[j].value == wishes[i].value)
			return true;
	return false;
}

static uint64_t amount_of(const struct wish *wishes, size_t n, size_t i)
{
	uint64_t amount = 0;

	for (size_t j = 0; j < n; j++)
		if (wishes[j].key == wishes[i].key && wishes[j].charge.amount > amount)
			amount = wishes[j].charge.amount;
	return amount;
}

static bool model_values_fit(const struct trace *t, const struct wish *wishes, size_t n, size_t i,
			     int64_t from_ms, uint64_t *ret_used)
{
	uint64_t used = 0, new = 0;

	for (unsigned value = 1; value <= VALUES; value++)
		used += model_has_value(t, wishes[i].key, (uint8_t)value, from_ms);
	for (size_t j = 0; j < n; j++)
		new += wishes[j].key == wishes[i].key && !is_repeated(wishes, j) &&
		       !model_has_value(t, wishes[j].key, wishes[j].value, from_ms);
	*ret_used = used;
	return !new || used + new <= wishes[i].charge.max;
}

static bool model_fits(const struct trace *t, const struct wish *wishes, size_t n, size_t i,
		       int64_t at_ms, uint64_t *ret_used)
{
	const struct wish *w = &wishes[i];
	uint64_t amount = amount_of(wishes, n, i), missing;

	switch (w->kind) {
	case KEY_SUM:
		*ret_used = model_sum(t, w->key, window_start(t, &w->charge, at_ms));
		return *ret_used + amount <= w->charge.max;
	case KEY_VALUES:
		return model_values_fit(t, wishes, n, i, window_start(t, &w->charge, at_ms),
					ret_used);
	case KEY_BUCKET:
		missing = model_missing(t, w, at_ms);
		*ret_used = (missing + w->charge.window_ms - 1) / w->charge.window_ms;
		return missing + amount * w->charge.window_ms <=
		       w->charge.max * w->charge.window_ms;
	case KEY_TOKEN:
		*ret_used = t->token_until[w->key & 1] > at_ms;
		return *ret_used;
	}
	return false;
}

static void model_charge(struct trace *t, const struct wish *wishes, size_t n,
			 struct kept_receipt *ret)
{
	ret->first = t->n_events;
	ret->token_until = 0;
	for (size_t i = 0; i < n; i++) {
		const struct wish *w = &wishes[i];
		uint64_t amount = w->kind == KEY_VALUES ? 1 : amount_of(wishes, n, i);

		if (is_repeated(wishes, i))
			continue;
		if (w->kind == KEY_TOKEN) {
			ret->token_until = t->token_until[w->key & 1];
			t->token_until[w->key & 1] = 0;
		}
		t->events[t->n_events++] = (struct event){
			.key = w->key, .value = w->value, .at_ms = t->now_ms, .amount = amount};
	}
	ret->n = t->n_events - ret->first;
}

static enum key_kind kind_of(uint8_t key)
{
	return (enum key_kind)(key >> 4);
}

static void model_refund(struct trace *t, const struct kept_receipt *r)
{
	for (size_t i = r->first; i < r->first + r->n; i++) {
		struct event *e = &t->events[i];

		if (kind_of(e->key) == KEY_BUCKET)
			t->events[t->n_events++] = (struct event){.key = e->key,
								  .is_refund = true,
								  .at_ms = t->now_ms,
								  .charged_at_ms = e->at_ms,
								  .amount = e->amount};
		else if (kind_of(e->key) != KEY_TOKEN)
			e->amount = 0;
		else if (r->token_until > t->now_ms)
			t->token_until[e->key & 1] = r->token_until;
	}
}

/* --- what happens ------------------------------------------------------------------------ */

static void key_bytes(const struct trace *t, uint8_t key, uint8_t value,
		      uint8_t ret[LIMITS_KEY_BYTES])
{
	memset(ret, 0, LIMITS_KEY_BYTES);
	memcpy(ret, &t->number, sizeof(t->number));
	ret[8] = key;
	ret[9] = value;
}

static struct wish random_wish(struct trace *t)
{
	static const uint64_t windows[] = {1,
					   7,
					   100,
					   1000,
					   60000,
					   DAY,
					   DAY,
					   LIMITS_WEEK_MS,
					   LIMITS_MONTH_MS,
					   LIMITS_LIFETIME_MS};
	static const uint64_t periods[] = {10, 70, 1000, 60000};
	static const enum key_kind kinds[] = {KEY_SUM,    KEY_SUM,    KEY_SUM,    KEY_VALUES,
					      KEY_VALUES, KEY_BUCKET, KEY_BUCKET, KEY_TOKEN};
	struct wish w = {.kind = kinds[roll(&t->seed, ARRAY_SIZE(kinds))]};
	struct limits_charge *c = &w.charge;

	w.key = (uint8_t)((unsigned)w.kind << 4 | roll(&t->seed, 2));
	c->window_ms = windows[roll(&t->seed, ARRAY_SIZE(windows))];
	c->max = roll(&t->seed, 8);
	c->amount = roll(&t->seed, 4);
	c->keep_ms = LIMITS_MONTH_MS;
	c->is_for_ever = true;
	if (w.kind == KEY_VALUES) {
		w.value = (uint8_t)(1 + roll(&t->seed, VALUES));
		c->counts_values = true;
		c->max = roll(&t->seed, 4);
		/* A value that looks younger than it is passes: only among equals is that no more.
		 */
		if (t->kind == GROUP_BOTH) {
			c->window_ms = windows[(t->number + w.key) % ARRAY_SIZE(windows)];
			c->max = (t->number + w.key) % 4;
		}
	} else if (w.kind == KEY_BUCKET) {
		/* Of one size, whoever asks. */
		c->algorithm = LIMITS_BUCKET;
		c->window_ms = periods[(t->number * 2 + w.key) % ARRAY_SIZE(periods)];
		c->max = 1 + (t->number + w.key) % 7;
	} else if (w.kind == KEY_TOKEN) {
		c->algorithm = LIMITS_TOKEN;
		c->amount = 1;
	}
	if (w.kind <= KEY_VALUES && t->kind != GROUP_BOTH && roll(&t->seed, 2))
		c->algorithm = LIMITS_FIXED;
	key_bytes(t, w.key, 0, c->key);
	key_bytes(t, w.key, w.value, c->value);
	return w;
}

static void check_retry(const struct trace *t, const struct wish *wishes, size_t n,
			const struct limits_answer *answer)
{
	size_t i = (size_t)answer->over;
	int64_t then = t->now_ms + (int64_t)answer->retry_after_ms;
	uint64_t used;

	if (answer->retry_after_ms == UINT64_MAX) {
		assert_false(model_fits(t, wishes, n, i, t->now_ms + 400 * DAY, &used));
		return;
	}
	if (!model_fits(t, wishes, n, i, then, &used) ||
	    model_fits(t, wishes, n, i, then - 1, &used))
		fail_msg("trace %u: a charge of kind %d, window %llu, algorithm %d, cannot be "
			 "retried in %llu ms, "
			 "or before",
			 t->number, (int)wishes[i].kind,
			 (unsigned long long)wishes[i].charge.window_ms,
			 (int)wishes[i].charge.algorithm,
			 (unsigned long long)answer->retry_after_ms);
}

static void check_answer(const struct trace *t, const struct wish *wishes, size_t n,
			 const struct limits_answer *answer)
{
	int over = -1;
	uint64_t used;

	for (size_t i = 0; i < n; i++) {
		bool does_fit = model_fits(t, wishes, n, i, t->now_ms, &used);

		if (t->kind != GROUP_BOTH && answer->used[i] != used)
			fail_msg("trace %u: charge %zu of kind %d: used %d, the model says %d",
				 t->number, i, (int)wishes[i].kind, (int)answer->used[i],
				 (int)used);
		if (over < 0 && !does_fit)
			over = (int)i;
	}
	if (t->kind == GROUP_BOTH ? answer->over < 0 && over >= 0 : answer->over != over)
		fail_msg("trace %u: over %d, the model says %d, of kind %d", t->number,
			 answer->over, over, over < 0 ? -1 : (int)wishes[over].kind);
	if (t->kind != GROUP_BOTH && over >= 0)
		check_retry(t, wishes, n, answer);
}

static void do_call(struct trace *t)
{
	struct wish wishes[CALL_MAX];
	struct limits_charge charges[CALL_MAX];
	size_t n = 1 + roll(&t->seed, CALL_MAX);
	struct limits_answer answer;
	struct kept_receipt *r;

	for (size_t i = 0; i < n; i++) {
		wishes[i] = random_wish(t);
		charges[i] = wishes[i].charge;
	}
	assert_int_equal(limits_charge(t->runs[roll(&t->seed, 2)], charges, n, &answer), 0);
	check_answer(t, wishes, n, &answer);
	if (answer.over >= 0)
		return;
	r = &t->receipts[t->n_receipts < RECEIPTS ? t->n_receipts++ : roll(&t->seed, RECEIPTS)];
	r->receipt = answer.receipt;
	model_charge(t, wishes, n, r);
}

static void do_refund(struct trace *t)
{
	size_t i = t->n_receipts ? roll(&t->seed, (unsigned)t->n_receipts) : 0;

	if (!t->n_receipts || t->n_events + CALL_MAX > EVENTS_MAX)
		return;
	assert_int_equal(limits_refund(t->runs[roll(&t->seed, 2)], &t->receipts[i].receipt), 0);
	model_refund(t, &t->receipts[i]);
	t->receipts[i] = t->receipts[--t->n_receipts];
}

static void do_put(struct trace *t)
{
	uint8_t key = (uint8_t)(KEY_TOKEN << 4 | roll(&t->seed, 2)), bytes[LIMITS_KEY_BYTES];

	key_bytes(t, key, 0, bytes);
	assert_int_equal(limits_put_token(t->runs[roll(&t->seed, 2)], bytes, TOKEN_TTL, "approval"),
			 0);
	t->token_until[key & 1] = t->now_ms + TOKEN_TTL;
}

static void set_clock(struct trace *t, bool is_right)
{
	t->clock->boot_ms = t->now_ms - t->boot_at_ms;
	t->clock->wall_ms = RIGHT_WALL + t->now_ms;
	if (!is_right)
		t->clock->wall_ms += ((int64_t)roll(&t->seed, 201) - 100) * DAY;
}

static void open_runs(struct trace *t)
{
	for (size_t i = 0; i < 2; i++) {
		limits_free(t->runs[i]);
		t->runs[i] = open_with(t->clock, t->boot);
	}
	limits_warm(t->runs[0]);
}

static void do_boot(struct trace *t)
{
	t->boot++;
	t->boot_at_ms = t->now_ms;
	t->n_receipts = 0;
	memset(t->token_until, 0, sizeof(t->token_until));
	set_clock(t, true);
	open_runs(t);
}

static void pass_time(struct trace *t)
{
	static const unsigned spans[] = {1, 12, 12, 2000, 60000, 90000000, 900000000};

	t->now_ms += roll(&t->seed, spans[roll(&t->seed, ARRAY_SIZE(spans))]);
	set_clock(t, t->kind == GROUP_BOOTS);
}

static void run_trace(struct trace *t)
{
	t->n_events = t->n_receipts = 0;
	memset(t->token_until, 0, sizeof(t->token_until));
	for (int step = 0; step < STEPS; step++) {
		unsigned what = roll(&t->seed, 16);

		if (what < 11)
			do_call(t);
		else if (what < 13)
			do_refund(t);
		else if (what < 15)
			do_put(t);
		else if (t->kind != GROUP_STEPS)
			do_boot(t);
		pass_time(t);
	}
}

/* A new log, and new runs on it. */
static void begin_group(struct trace *t)
{
	empty_log();
	t->kind = (enum group_kind)(t->number / GROUP % GROUP_KINDS);
	t->now_ms = 1000;
	t->boot_at_ms = 0;
	set_clock(t, t->kind != GROUP_STEPS);
	open_runs(t);
	t->calendar_ms = t->clock->wall_ms - t->now_ms;
}

static void test_answers_are_those_of_a_model(void **state)
{
	const char *wanted = getenv("MCPJAIL_TRACES");
	unsigned traces = wanted ? (unsigned)strtoul(wanted, NULL, 10) : TRACES;
	struct test_clock clock = {0, 0};
	struct trace t = {.clock = &clock, .boot = 1};

	(void)state;
	for (t.number = 0; t.number < traces; t.number++) {
		if (t.number % GROUP == 0)
			begin_group(&t);
		t.seed = t.number * 2654435761u + 1;
		run_trace(&t);
	}
	limits_free(t.runs[0]);
	limits_free(t.runs[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_those_of_a_model),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
