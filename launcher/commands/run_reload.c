// SPDX-License-Identifier: Apache-2.0
/*
 * The policy taken anew while a run goes on: the same file, and the same additions of the
 * command line. What the jail was made by cannot change any more: a policy that says something
 * else of it is refused as a whole, since half of it would be in force.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "policy/surroundings.h"
#include "run_preparation.h"

static bool same_names(const struct policy_names *a, const struct policy_names *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]))
			return false;
	return true;
}

static bool same_environment(const struct policy *a, const struct policy *b)
{
	const struct policy_environment *x = policy_environment(a), *y = policy_environment(b);

	if (!same_names(&x->pass, &y->pass) || !same_names(&x->unset, &y->unset) ||
	    x->n_set != y->n_set)
		return false;
	for (size_t i = 0; i < x->n_set; i++)
		if (strcmp(x->set[i].name, y->set[i].name) ||
		    strcmp(x->set[i].value, y->set[i].value))
			return false;
	return true;
}

static bool same_filesystem(const struct policy *a, const struct policy *b)
{
	const struct policy_filesystem *x = policy_filesystem(a), *y = policy_filesystem(b);

	return same_names(&x->read, &y->read) && same_names(&x->write, &y->write) &&
	       same_names(&x->hide, &y->hide);
}

static bool same_sockets(const struct policy *a, const struct policy *b)
{
	return same_names(policy_sockets(a), policy_sockets(b));
}

static bool same_jail(const struct policy *a, const struct policy *b)
{
	const struct policy_jail *x = policy_jail(a), *y = policy_jail(b);

	return x->nested_sandbox == y->nested_sandbox && x->ptrace == y->ptrace &&
	       x->processes == y->processes && x->memory == y->memory &&
	       x->open_files == y->open_files && x->cpu_milli == y->cpu_milli &&
	       x->run_time_ms == y->run_time_ms;
}

static int check_surroundings(const struct policy *was, const struct policy *is, struct error *err)
{
	static const struct {
		const char *key;
		bool (*same)(const struct policy *a, const struct policy *b);
	} keys[] = {{"environment", same_environment},
		    {"filesystem", same_filesystem},
		    {"sockets", same_sockets},
		    {"jail", same_jail}};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].same(was, is))
			continue;
		error_set(err, NULL, "start another run, or leave it as it was",
			  "`/%s` has changed, and the jail is made: the policy in force stays",
			  keys[i].key);
		return -EINVAL;
	}
	return 0;
}

int reread_policy(void *arg, char *ret_path, int *ret_fd, struct error *err)
{
	struct rereading *again = arg;
	struct preparation p = {.policy_fd = -1, .is_rereading = true};
	enum log_level level = log_get_level();
	int r;

	/* The terminal is the command's now: who asked is told, and nobody else. */
	log_set_level(LOG_ERROR);
	r = prepare_policy(again->options, &p, err);
	log_set_level(level);
	if (!r)
		r = check_surroundings(again->preparation->policy, p.policy, err);
	if (!r) {
		snprintf(ret_path, IPC_PATH_MAX, "%.*s", IPC_PATH_MAX - 1, p.policy_path);
		*ret_fd = fd_take(&p.policy_fd);
	} else if (!err->what[0]) {
		error_set(err, "policy", NULL, "%s", strerror(-r));
	}
	fd_close(&p.policy_fd);
	policy_free(p.policy);
	return r;
}
