// SPDX-License-Identifier: Apache-2.0
#include "roles/supervision.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "roles/spawn.h"

static struct span command_as_json(char *const *argv, struct buf *b)
{
	int r = buf_puts(b, "[");

	for (size_t i = 0; !r && argv[i]; i++) {
		r = i ? buf_puts(b, ",") : 0;
		if (!r)
			r = text_append_json_string(b, argv[i], strlen(argv[i]));
	}
	/* A command line too long to keep is kept as its first words. */
	if (r) {
		buf_clear(b);
		buf_puts(b, "[");
		text_append_json_string(b, argv[0], strnlen(argv[0], 4096));
		buf_puts(b, ",\"…\"");
	}
	buf_puts(b, "]");
	return span_bytes(b->data, b->len);
}

static int configure_keeper(struct supervision *s, struct error *err)
{
	const struct supervisor_plan *p = s->plan;
	autobuf struct buf json = BUF_INIT(30000);
	struct msg_keeper_config config = {
		.run_id = span_of(p->jail.run_id),
		.grant = span_of(p->grant),
		.command = command_as_json(p->jail.argv, &json),
		.cwd = span_of(p->jail.cwd),
		.policy_path = span_of(p->policy_path),
		.version = span_of(MCPJAIL_VERSION),
		.log_level = (uint8_t)log_get_level(),
	};
	autoclose int proxy_end = -1, broker_end = -1;
	int r = supervision_open_lines(s, &proxy_end, &broker_end);
	int fds[] = {p->run_fd, p->state_fd, p->policy_fd, proxy_end, broker_end};

	if (!r)
		r = channel_send_fds(&s->parts[PART_KEEPER].channel, MSG_KEEPER_CONFIG, &config,
				     fds, ARRAY_SIZE(fds));
	if (r)
		error_set(err, "keeper", NULL, "cannot be configured: %s", strerror(-r));
	return r;
}

/* --- the jail ------------------------------------------------------------------ */

static int open_init_channel(struct supervision *s, int *ret_init_end, struct error *err)
{
	struct part *init = &s->parts[PART_INIT];
	int pair[2] = {-1, -1}, r = channel_pair(pair);

	channel_close(&init->channel);
	if (!r)
		r = channel_open(&init->channel, pair[0], ROLE_SUPERVISOR, ROLE_INIT);
	if (r)
		error_set(err, "channel", NULL, "cannot be made: %s", strerror(-r));
	*ret_init_end = pair[1];
	return r;
}

static int start_tier_a(struct supervision *s, struct error *err)
{
	struct part *init = &s->parts[PART_INIT];
	autoclose int init_end = -1;
	int r = open_init_channel(s, &init_end, err);

	return r ? r : jail_start(&s->jail, init_end, &init->pid, &s->init_pidfd, err);
}

struct entry {
	const struct supervision *s;
	int init_end;
};

static int enter_tier_b(void *arg)
{
	const struct entry *entry = arg;

	return tier_b_enter(entry->s->tier_b, &entry->s->jail, entry->init_end);
}

static int start_tier_b(struct supervision *s, struct error *err)
{
	struct part *broker = &s->parts[PART_BROKER];
	struct entry entry = {.s = s, .init_end = -1};
	int r = open_init_channel(s, &entry.init_end, err);

	/* Should the broker end before what it is the parent of, that is for us to end. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (!r)
		r = tier_b_prepare(&s->jail, &s->tier_b, err);
	if (!r)
		r = spawn_role_after(ROLE_BROKER, enter_tier_b, &entry, &broker->channel,
				     &broker->pid, err);
	tier_b_close(s->tier_b);
	fd_close(&entry.init_end);
	return r;
}

static void bind_to_bounds(struct supervision *s)
{
	supervision_make_bounds(s);
	s->jail.bounds = s->has_bounds ? &s->bounds : NULL;
	s->jail.placeholders = &s->placeholders;
}

static void leave_tier_a(struct supervision *s)
{
	placeholders_remove(&s->placeholders);
	s->placeholders = PLACEHOLDERS_NONE;
	supervision_end_bounds(s);
}

/* Tier A by trying; where there are no namespaces, and nobody has asked for it, tier B. */
static int start_jail(struct supervision *s, struct error *err)
{
	int r = s->jail.tier == JAIL_TIER_A ? start_tier_a(s, err) : start_tier_b(s, err);

	if (r != -EOPNOTSUPP || s->plan->tier_is_forced || s->jail.tier == JAIL_TIER_B)
		return r;
	s->why_b = *err;
	leave_tier_a(s);
	s->jail.tier = JAIL_TIER_B;
	bind_to_bounds(s);
	return start_tier_b(s, err);
}

/* --- all of them ------------------------------------------------------------------- */

int supervision_start_keeper(struct supervision *s, struct error *err)
{
	const enum role role = ROLE_KEEPER;

	return nursery_start(&role, 1, &s->parts[PART_KEEPER].channel, &s->nursery, err);
}

int supervision_await_keeper(struct supervision *s)
{
	return nursery_await(&s->nursery, &s->parts[PART_KEEPER].pid, 1);
}

static int begin_keeper(struct supervision *s, struct error *err)
{
	const struct msg_keeper_begin begin = {(uint8_t)s->jail.tier};
	int r = channel_send(&s->parts[PART_KEEPER].channel, MSG_KEEPER_BEGIN, &begin);

	if (r)
		error_set(err, "keeper", NULL, "cannot be told to begin: %s", strerror(-r));
	return r;
}

void supervision_start(struct supervision *s)
{
	struct error err = {.where = ""};
	char line[ERROR_LINE_BYTES];
	int r = tier_b_check_outer(&err);

	s->jail = s->plan->jail;
	bounds_raise_files(&s->jail.files);
	/* It prepares itself while the jail is made. */
	if (!r)
		r = configure_keeper(s, &err);
	bind_to_bounds(s);
	if (!r) {
		r = start_jail(s, &err);
		s->result->is_about_request = r && r != -EOPNOTSUPP;
	}
	if (!r)
		r = begin_keeper(s, &err);
	if (r) {
		error_format(&err, line, sizeof(line));
		supervision_fail(s, "%s", line);
	}
	if (supervision_await_keeper(s))
		supervision_fail(s, "the keeper could not be started");
	/* What its broker says of connections, before they are made, is for the proxy. */
	if (s->stage != STAGE_ENDING && s->jail.tier == JAIL_TIER_B)
		supervision_start_service(s);
	supervision_reap(s);
	if (s->stage != STAGE_ENDING)
		supervision_prepare_wall(s);
}
