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

static int configure_keeper(struct supervision *s, int proxy_end, int broker_end)
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
		.tier = (uint8_t)s->jail.tier,
		.log_level = (uint8_t)log_get_level(),
	};
	int fds[] = {p->run_fd, p->state_fd, p->policy_fd, proxy_end, broker_end};

	return channel_send_fds(&s->parts[PART_KEEPER].channel, MSG_KEEPER_CONFIG, &config, fds,
				ARRAY_SIZE(fds));
}

static int configure_dialer(struct supervision *s, int proxy_end)
{
	struct msg_dialer_config config = *s->plan->dialer;
	int fds[] = {s->plan->policy_fd, proxy_end};

	config.tier = (uint8_t)s->jail.tier;
	return channel_send_fds(&s->parts[PART_DIALER].channel, MSG_DIALER_CONFIG, &config, fds,
				ARRAY_SIZE(fds));
}

static int configure_proxy(struct supervision *s, int keeper_end, int dialer_end, int broker_end)
{
	const struct supervisor_plan *p = s->plan;
	struct msg_proxy_config config = {.tier = (uint8_t)s->jail.tier,
					  .log_level = (uint8_t)log_get_level()};
	int fds[4 + IPC_ROOTS_MAX] = {p->policy_fd, keeper_end, dialer_end, broker_end};
	size_t n = 4;

	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		if (p->root_fds[i] >= 0)
			fds[n++] = p->root_fds[i];
	return channel_send_fds(&s->parts[PART_PROXY].channel, MSG_PROXY_CONFIG, &config, fds, n);
}

static int configure_broker(struct supervision *s, int keeper_end, int proxy_end)
{
	const struct jail_spec *jail = &s->jail;
	struct msg_broker_config config = {
		.tier = (uint8_t)jail->tier,
		.home = span_of(jail->home),
		.cwd = span_of(jail->cwd),
		.log_level = (uint8_t)log_get_level(),
	};
	int fds[] = {s->plan->policy_fd, keeper_end, proxy_end};

	return channel_send_fds(&s->parts[PART_BROKER].channel, MSG_BROKER_CONFIG, &config, fds,
				ARRAY_SIZE(fds));
}

/* The channels between roles: who has which end. */
enum line { KEEPER_PROXY = 0, DIALER_PROXY, KEEPER_BROKER, PROXY_BROKER, LINES };

static int configure_roles(struct supervision *s)
{
	int lines[LINES][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	int r = 0;

	for (int i = 0; !r && i < LINES; i++)
		r = channel_pair(lines[i]);
	if (!r)
		r = configure_keeper(s, lines[KEEPER_PROXY][0], lines[KEEPER_BROKER][0]);
	if (!r)
		r = configure_dialer(s, lines[DIALER_PROXY][0]);
	if (!r)
		r = configure_proxy(s, lines[KEEPER_PROXY][1], lines[DIALER_PROXY][1],
				    lines[PROXY_BROKER][0]);
	if (!r && s->jail.tier == JAIL_TIER_B)
		r = configure_broker(s, lines[KEEPER_BROKER][1], lines[PROXY_BROKER][1]);
	if (!r && s->jail.tier == JAIL_TIER_A) {
		s->broker.keeper_end = fd_take(&lines[KEEPER_BROKER][1]);
		s->broker.proxy_end = fd_take(&lines[PROXY_BROKER][1]);
	}
	for (int i = 0; i < LINES; i++) {
		fd_close(&lines[i][0]);
		fd_close(&lines[i][1]);
	}
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

/* --- the broker of tier A -------------------------------------------------------- */

int supervision_send_jail(struct supervision *s, const int *fds, size_t n)
{
	const struct msg_broker_jail jail = {(uint32_t)s->parts[PART_INIT].pid, s->proxy_ports[0],
					     s->proxy_ports[1], s->wall_is_up};
	int all[CHANNEL_FDS_MAX];

	if (n == CHANNEL_FDS_MAX)
		return -E2BIG;
	memcpy(all, fds, n * sizeof(all[0]));
	if (s->wall_is_up)
		all[n++] = wall_owners_fd(s->wall);
	return channel_send_fds(&s->parts[PART_BROKER].channel, MSG_BROKER_JAIL, &jail, all, n);
}

void supervision_drop_calls(struct supervision *s)
{
	for (size_t i = 0; i < s->broker.n_jail; i++)
		fd_close(&s->broker.jail[i]);
	s->broker.n_jail = 0;
	s->broker.at_ms = 0;
}

void supervision_start_broker(struct supervision *s)
{
	struct part *broker = &s->parts[PART_BROKER];
	struct error err = {.where = ""};
	char line[ERROR_LINE_BYTES];
	int r = spawn_role(ROLE_BROKER, &broker->channel, &broker->pid, &err);

	if (!r) {
		supervision_protect(broker->pid);
		r = configure_broker(s, s->broker.keeper_end, s->broker.proxy_end);
	}
	if (!r)
		r = supervision_send_jail(s, s->broker.jail, s->broker.n_jail);
	supervision_drop_calls(s);
	fd_close(&s->broker.keeper_end);
	fd_close(&s->broker.proxy_end);
	if (!r)
		return;
	if (!err.what[0])
		error_set(&err, "broker", NULL, "cannot be configured: %s", strerror(-r));
	error_format(&err, line, sizeof(line));
	supervision_fail(s, "%s", line);
}

/* --- all of them ------------------------------------------------------------------- */

#define EARLY_PARTS PART_BROKER /* those before it */

int supervision_start_roles(struct supervision *s, struct error *err)
{
	struct channel channels[EARLY_PARTS];
	enum role roles[EARLY_PARTS];
	int r;

	for (int i = 0; i < EARLY_PARTS; i++) {
		channels[i] = (struct channel){.fd = -1};
		roles[i] = s->parts[i].role;
	}
	r = nursery_start(roles, EARLY_PARTS, channels, &s->nursery, err);
	for (int i = 0; !r && i < EARLY_PARTS; i++)
		s->parts[i].channel = channels[i];
	return r;
}

int supervision_await_roles(struct supervision *s)
{
	pid_t pids[EARLY_PARTS];
	int r = nursery_await(&s->nursery, pids, EARLY_PARTS);

	for (int i = 0; i < EARLY_PARTS; i++)
		s->parts[i].pid = pids[i];
	return r;
}

void supervision_start(struct supervision *s)
{
	struct error err = {.where = ""};
	char line[ERROR_LINE_BYTES];
	int r = tier_b_check_outer(&err);

	s->jail = s->plan->jail;
	bind_to_bounds(s);
	if (!r) {
		r = start_jail(s, &err);
		s->result->is_about_request = r && r != -EOPNOTSUPP;
	}
	if (r) {
		error_format(&err, line, sizeof(line));
		supervision_fail(s, "%s", line);
	}
	/* Who has not been started will not read it. */
	if (!r)
		r = configure_roles(s);
	if (r && s->stage != STAGE_ENDING)
		supervision_fail(s, "the roles could not be configured: %s", strerror(-r));
	if (supervision_await_roles(s))
		supervision_fail(s, "the roles could not be started");
	supervision_reap(s);
	if (s->stage != STAGE_ENDING)
		supervision_prepare_wall(s);
}
