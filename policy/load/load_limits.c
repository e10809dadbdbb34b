// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_limits.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/load/load_stateful.h"

#define RATE_COUNTER "rate_limit:"

#define LIMIT_EXAMPLE "{\"counter\":\"calls\",\"window\":\"minute\",\"max\":10,\"scope\":\"grant\"}"

#define WINDOW_LIFETIME INT_MAX

/* Values are seconds. */
static const struct load_word windows[] = {
	{"second", 1},
	{"minute", 60},
	{"hour", 3600},
	{"day", 86400},
	{"week", 7 * 86400},
	{"month", (int)(IPC_WINDOW_MONTH_MS / 1000)},
	{"lifetime", WINDOW_LIFETIME},
};

static const struct load_word scopes[] = {
	{"grant", SCOPE_GRANT},   {"session", SCOPE_SESSION}, {"run", SCOPE_RUN},
	{"server", SCOPE_SERVER}, {"global", SCOPE_GLOBAL},
};

static const struct load_word algorithms[] = {
	{"sliding", ALGORITHM_SLIDING},
	{"fixed", ALGORITHM_FIXED},
	{"bucket", ALGORITHM_BUCKET},
};

static void load_counter(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;
	const char *name;

	if (!load_string(l, value, &name))
		return;
	if (!name[0] || strlen(name) > POLICY_COUNTER_MAX) {
		load_error(l, NULL, "a counter's name has 1 to %d bytes", POLICY_COUNTER_MAX);
		return;
	}
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			load_error(l, NULL, "a control character in a counter's name");
			return;
		}
	}
	if (!strncmp(name, RATE_COUNTER, strlen(RATE_COUNTER))) {
		load_error(l, "choose another name",
			   "names that begin `" RATE_COUNTER "` belong to `rate_limit`");
		return;
	}
	limit->counter = load_keep(l, name);
}

static void limit_set_window(struct load *l, struct policy_limit *limit, uint64_t seconds)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu seconds", (unsigned long long)seconds);
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++)
		if (windows[i].value > 0 && (uint64_t)windows[i].value == seconds)
			snprintf(text, sizeof(text), "%s", windows[i].name);
	limit->window_ms = seconds * 1000;
	limit->window_text = load_keep(l, text);
}

void load_window(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;
	const char *word = json_string_value(value);
	bool is_digits = word && word[0] && strlen(word) < 10 && !word[strspn(word, "0123456789")];
	uint64_t seconds = 0;
	int named;

	if (is_digits) {
		seconds = strtoul(word, NULL, 10);
	} else if (word) {
		if (!load_word(l, value, LOAD_WORDS(windows), &named))
			return;
		if (named == WINDOW_LIFETIME) {
			limit->window_ms = IPC_WINDOW_LIFETIME;
			limit->window_text = load_keep(l, word);
			return;
		}
		seconds = (uint64_t)named;
	} else if (!json_is_integer(value)) {
		load_error(
			l,
			"second, minute, hour, day, week, month, lifetime or a number of seconds",
			"must be a word or a whole number of seconds");
		return;
	} else if (!load_count(l, value, 1, &seconds)) {
		return;
	}
	if (seconds < 1 || seconds > POLICY_WINDOW_SECONDS_MAX)
		load_error(l, NULL, "a window has 1 to %d seconds (366 days), or is `lifetime`",
			   POLICY_WINDOW_SECONDS_MAX);
	else
		limit_set_window(l, limit, seconds);
}

static void load_max(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;

	load_count(l, value, 0, &limit->max);
}

static void load_scope(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;
	int scope;

	if (load_word(l, value, LOAD_WORDS(scopes), &scope))
		limit->scope = (enum limit_scope)scope;
}

static void load_algorithm(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;
	int algorithm;

	if (load_word(l, value, LOAD_WORDS(algorithms), &algorithm))
		limit->algorithm = (enum limit_algorithm)algorithm;
}

static void load_increment(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;

	if (json_is_string(value))
		limit->increment = load_value_path(l, value);
	else
		load_count(l, value, 0, &limit->amount);
}

static void load_distinct(struct load *l, const json_t *value, void *into)
{
	struct policy_limit *limit = into;

	limit->distinct = load_value_path(l, value);
}

static const struct load_key limit_keys[] = {
	{"counter", load_counter, true},
	{"window", load_window, true},
	{"max", load_max, true},
	{"scope", load_scope, false},
	{"algorithm", load_algorithm, false},
	{"increment", load_increment, false},
	{"distinct", load_distinct, false},
};

static const struct load_keys limit_table = {
	.owner = "a limit",
	.write = LIMIT_EXAMPLE,
	.keys = limit_keys,
	.n = ARRAY_SIZE(limit_keys),
};

void load_limits(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[" LIMIT_EXAMPLE "]"))
		return;
	if (n > POLICY_LIMITS_MAX) {
		load_error(l, NULL, "%zu limits; a rule has at most %d", n, POLICY_LIMITS_MAX);
		return;
	}
	rule->limits = load_allocate(l, n, sizeof(*rule->limits));
	if (!rule->limits)
		return;
	for (size_t i = 0; i < n; i++) {
		struct policy_limit *limit = &rule->limits[i];
		size_t mark = load_enter_index(l, i);

		limit->amount = 1;
		limit->rule = load_keep(l, l->pointer);
		load_object(l, json_array_get(value, i), &limit_table, limit);
		load_check_limit(l, limit);
		load_leave(l, mark);
	}
	rule->n_limits = n;
}

/* --- rate_limit ------------------------------------------------------------- */

static const struct load_key rate_keys[] = {
	{"max", load_max, true},
	{"window", load_window, true},
};

static const struct load_keys rate_table = {
	.owner = "a rate_limit",
	.write = "{\"max\":10,\"window\":60} or \"10/minute\"",
	.keys = rate_keys,
	.n = ARRAY_SIZE(rate_keys),
};

/* "10/minute" */
static void load_rate_text(struct load *l, const char *text, struct policy_limit *limit)
{
	size_t digits = strspn(text, "0123456789");
	autojson json_t *window = NULL;

	if (!digits || digits > 15 || text[digits] != '/') {
		load_error(l, rate_table.write, "`%.60s` is no rate", text);
		return;
	}
	limit->max = strtoull(text, NULL, 10);
	window = json_string(text + digits + 1);
	if (window)
		load_window(l, window, limit);
	else
		l->is_out_of_memory = true;
}

void load_rate_limit(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	struct policy_limit *limit = &rule->rate_limit;
	char counter[sizeof(RATE_COUNTER) + POLICY_TOOL_MAX];

	snprintf(counter, sizeof(counter), RATE_COUNTER "%s", rule->name ? rule->name : "*");
	*limit = (struct policy_limit){
		.counter = load_keep(l, counter),
		.scope = SCOPE_SESSION,
		.amount = 1,
		.rule = load_keep(l, l->pointer),
	};
	rule->has_rate_limit = true;
	if (json_is_string(value))
		load_rate_text(l, json_string_value(value), limit);
	else if (json_is_object(value))
		load_object(l, value, &rate_table, limit);
	else
		load_error(l, rate_table.write, "must be an object or a string");
}
