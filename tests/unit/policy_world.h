/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as text: those that load, and those that are refused with a place and a mend. */
#ifndef MCPJAIL_TESTS_POLICY_WORLD_H
#define MCPJAIL_TESTS_POLICY_WORLD_H

#include "cmocka_all.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "policy/policy.h"

/* One that has to load. */
static inline struct policy *load_text(const char *text)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	struct policy *policy = NULL;
	char line[1300];

	if (!policy_parse(text, strlen(text), "p.json", &policy, &errors))
		return policy;
	error_format(policy_errors_at(&errors, 0), line, sizeof(line));
	fail_msg("%s\n  %s", text, line);
	return NULL;
}

/* One that has one mistake. */
struct wrong {
	const char *text, *where, *says;
};

static inline bool is_told(const struct wrong *w)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	int r = policy_parse(w->text, strlen(w->text), "p.json", &policy, &errors);
	size_t n = policy_errors_count(&errors);
	char line[1300] = "";

	if (n)
		error_format(policy_errors_at(&errors, 0), line, sizeof(line));
	if (r == -EINVAL && n == 1 && strstr(policy_errors_at(&errors, 0)->where, w->where) &&
	    strstr(line, w->says))
		return true;
	print_error("%s\n  expected once: %s: %s\n  got %d, %zu, first: %s\n", w->text, w->where,
		    w->says, r, n, line);
	return false;
}

static inline void assert_all_told(const struct wrong *wrongs, size_t n)
{
	size_t told = 0;

	for (size_t i = 0; i < n; i++)
		told += is_told(&wrongs[i]);
	assert_int_equal(told, n);
}

#endif
