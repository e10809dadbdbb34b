// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold within a limit and between limits. A counter is one thing: several limits may
 * look at it through windows of their own, but they agree on what is counted, and each charge is
 * kept for the longest of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_limits.h"

/* --- one limit ---------------------------------------------------------------- */

void load_check_limit(struct load *l, const struct policy_limit *limit)
{
	bool is_bucket = limit->algorithm == ALGORITHM_BUCKET;
	const struct {
		bool is_wrong;
		const char *key, *what, *mend;
	} rows[] = {
		{is_bucket && limit->window_ms == IPC_WINDOW_LIFETIME, "window",
		 "a bucket is refilled within its window", "give it a window that ends"},
		{is_bucket && limit->distinct, "distinct", "a bucket holds no different values",
		 "leave out `algorithm`, or `distinct`"},
		{limit->distinct && (limit->increment || limit->amount != 1), "increment",
		 "each different value counts one", "leave out `increment`, or `distinct`"},
		{limit->distinct && limit->max > POLICY_VALUES_MAX, "max",
		 "a limit tells at most 10000 different values apart", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t mark;

		if (!rows[i].is_wrong)
			continue;
		mark = load_enter(l, rows[i].key);
		load_error(l, rows[i].mend, "%s", rows[i].what);
		load_leave(l, mark);
	}
}

/* --- the limits of one call ----------------------------------------------------- */

static bool increments_differ(const struct policy_limit *a, const struct policy_limit *b)
{
	if (a->increment && b->increment)
		return strcmp(a->increment->names, b->increment->names);
	return a->increment || b->increment || a->amount != b->amount;
}

/* A limit that failed to load has been reported; it is left out here. */
static void check_amounts(struct load *l, const struct policy_limit *limit,
			  const struct policy_limit *others, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct policy_limit *other = &others[i];

		if (!limit->counter || !other->counter || limit->scope != other->scope ||
		    strcmp(limit->counter, other->counter) || !increments_differ(limit, other))
			continue;
		load_enter(l, "increment");
		if (limit->increment || other->increment)
			load_error(l, "give both the same increment, or another counter to one",
				   "a call would charge `%s` otherwise than by %s", limit->counter,
				   other->rule);
		else
			load_error(l, "give both the same increment, or another counter to one",
				   "a call would charge `%s` both %llu and, by %s, %llu",
				   limit->counter, (unsigned long long)limit->amount, other->rule,
				   (unsigned long long)other->amount);
		return;
	}
}

static void check_rule(struct load *l, const struct rule *rule, const struct rule *all_tools)
{
	size_t own = rule->n_limits + rule->has_rate_limit;
	size_t all = all_tools ? all_tools->n_limits + all_tools->has_rate_limit : 0;

	if (own + all > POLICY_LIMITS_MAX) {
		load_error(l, NULL, "%zu limits apply to one call, all_tools' included; at most %d",
			   own + all, POLICY_LIMITS_MAX);
		return;
	}
	load_enter(l, "limits");
	for (size_t i = 0; i < rule->n_limits; i++) {
		size_t mark = load_enter_index(l, i);

		check_amounts(l, &rule->limits[i], rule->limits, i);
		if (all_tools)
			check_amounts(l, &rule->limits[i], all_tools->limits, all_tools->n_limits);
		load_leave(l, mark);
	}
}

static void check_server(struct load *l, const struct governed *governed)
{
	size_t mark = load_enter(l, "all_tools");

	check_rule(l, &governed->all_tools, NULL);
	load_leave(l, mark);
	for (size_t i = 0; i < governed->n_tools; i++) {
		load_enter(l, "tools");
		load_enter(l, governed->tools[i].name);
		check_rule(l, &governed->tools[i], &governed->all_tools);
		load_leave(l, mark);
	}
}

/* --- the limits of one counter --------------------------------------------------- */

struct listed_limit {
	struct policy_limit *limit;
	size_t server; /* 0 for global ones, which servers share */
};

/* All of them, those of one counter beside each other. */
struct limit_list {
	struct listed_limit *items;
	size_t n;
};

static int compare_counters(const void *a, const void *b)
{
	const struct listed_limit *x = a, *y = b;
	int order = strcmp(x->limit->counter, y->limit->counter);

	if (!order)
		order = (x->limit->scope > y->limit->scope) - (x->limit->scope < y->limit->scope);
	if (!order)
		order = (x->server > y->server) - (x->server < y->server);
	return order;
}

/* Always in one order, so that the complaint is about the same one. */
static int compare_listed(const void *a, const void *b)
{
	const struct listed_limit *x = a, *y = b;
	int order = compare_counters(a, b);

	return order ? order : strcmp(x->limit->rule, y->limit->rule);
}

static void list_limit(struct limit_list *list, struct policy_limit *limit, size_t server)
{
	/* One that failed to load has been reported. */
	if (limit->counter && limit->window_ms)
		list->items[list->n++] =
			(struct listed_limit){limit, limit->scope == SCOPE_GLOBAL ? 0 : server};
}

static void list_rule(struct limit_list *list, struct rule *rule, size_t server)
{
	for (size_t i = 0; i < rule->n_limits; i++)
		list_limit(list, &rule->limits[i], server);
	if (rule->has_rate_limit)
		list_limit(list, &rule->rate_limit, server);
}

static struct limit_list list_all(struct load *l)
{
	struct policy *policy = l->policy;
	struct limit_list list = {0};
	size_t n = 0;

	for (size_t s = 0; s < policy->n_servers; s++) {
		n += policy->servers[s].all_tools.n_limits + 1;
		for (size_t i = 0; i < policy->servers[s].n_tools; i++)
			n += policy->servers[s].tools[i].n_limits + 1;
	}
	list.items = load_allocate(l, n, sizeof(*list.items));
	for (size_t s = 0; list.items && s < policy->n_servers; s++) {
		list_rule(&list, &policy->servers[s].all_tools, s);
		for (size_t i = 0; i < policy->servers[s].n_tools; i++)
			list_rule(&list, &policy->servers[s].tools[i], s);
	}
	if (list.items)
		qsort(list.items, list.n, sizeof(*list.items), compare_listed);
	return list;
}

static void complain(struct load *l, const struct policy_limit *limit,
		     const struct policy_limit *other, const char *what)
{
	size_t n = strlen(limit->rule), mark = l->pointer_len;

	if (n >= sizeof(l->pointer))
		return;
	memcpy(l->pointer, limit->rule, n + 1);
	l->pointer_len = n;
	load_error(l, "give one of them another counter", "`%s` is %s by %s", limit->counter, what,
		   other->rule);
	load_leave(l, mark);
}

static void check_pair(struct load *l, const struct policy_limit *limit,
		       const struct policy_limit *other)
{
	bool is_bucket = limit->algorithm == ALGORITHM_BUCKET;

	if (is_bucket != (other->algorithm == ALGORITHM_BUCKET))
		complain(l, limit, other, is_bucket ? "no bucket" : "a bucket");
	else if (!limit->distinct != !other->distinct)
		complain(l, limit, other,
			 limit->distinct ? "a count of calls" : "a count of different values");
	else if (is_bucket && (limit->window_ms != other->window_ms || limit->max != other->max))
		complain(l, limit, other, "a bucket of another size");
}

static void check_counter(struct load *l, const struct listed_limit *limits, size_t n)
{
	uint64_t keep_ms = 0;
	bool for_ever = false;

	for (size_t i = 0; i < n; i++) {
		if (i)
			check_pair(l, limits[i].limit, limits[0].limit);
		if (limits[i].limit->window_ms == IPC_WINDOW_LIFETIME)
			for_ever = true;
		else if (limits[i].limit->window_ms > keep_ms)
			keep_ms = limits[i].limit->window_ms;
	}
	for (size_t i = 0; i < n; i++) {
		limits[i].limit->keep_ms = keep_ms;
		limits[i].limit->keep_for_ever = for_ever;
	}
}

static void check_counters(struct load *l)
{
	const struct limit_list list = list_all(l);
	autofree struct listed_limit *items = list.items;

	for (size_t first = 0, end; first < list.n; first = end) {
		end = first + 1;
		while (end < list.n && !compare_counters(&items[first], &items[end]))
			end++;
		check_counter(l, &items[first], end - first);
	}
}

void load_check_limits(struct load *l)
{
	const struct policy *policy = l->policy;

	for (size_t i = 0; i < policy->n_servers; i++) {
		size_t mark = l->pointer_len;

		if (policy->servers[i].server.name) {
			load_enter(l, "servers");
			load_enter(l, policy->servers[i].server.name);
		}
		check_server(l, &policy->servers[i]);
		load_leave(l, mark);
	}
	check_counters(l);
}
