// SPDX-License-Identifier: Apache-2.0
#include "roles/supervision.h"

#include <stdio.h>
#include <string.h>
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

static int configure_keeper(struct supervision *s, int proxy_end)
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
	int fds[] = {p->run_fd, p->state_fd, p->policy_fd, proxy_end};

	return channel_send_fds(&s->parts[PART_KEEPER].channel, MSG_KEEPER_CONFIG, &config, fds,
				ARRAY_SIZE(fds));
}

static int configure_dialer(struct supervision *s, int proxy_end)
{
	int fds[] = {s->plan->policy_fd, proxy_end};

	return channel_send_fds(&s->parts[PART_DIALER].channel, MSG_DIALER_CONFIG, s->plan->dialer,
				fds, ARRAY_SIZE(fds));
}

static int configure_proxy(struct supervision *s, int keeper_end, int dialer_end)
{
	const struct supervisor_plan *p = s->plan;
	struct msg_proxy_config config = {.log_level = (uint8_t)log_get_level()};
	int fds[3 + IPC_ROOTS_MAX] = {p->policy_fd, keeper_end, dialer_end};
	size_t n = 3;

	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		if (p->root_fds[i] >= 0)
			fds[n++] = p->root_fds[i];
	return channel_send_fds(&s->parts[PART_PROXY].channel, MSG_PROXY_CONFIG, &config, fds, n);
}

static int configure_roles(struct supervision *s)
{
	int keeper[2] = {-1, -1}, dialer[2] = {-1, -1};
	int r = channel_pair(keeper);

	if (!r)
		r = channel_pair(dialer);
	if (!r)
		r = configure_keeper(s, keeper[0]);
	if (!r)
		r = configure_dialer(s, dialer[0]);
	if (!r)
		r = configure_proxy(s, keeper[1], dialer[1]);
	for (int i = 0; i < 2; i++) {
		fd_close(&keeper[i]);
		fd_close(&dialer[i]);
	}
	return r;
}

static int start_jail(struct supervision *s, struct error *err)
{
	struct part *init = &s->parts[PART_INIT];
	int pair[2] = {-1, -1}, r = channel_pair(pair);

	if (!r)
		r = channel_open(&init->channel, pair[0], ROLE_SUPERVISOR, ROLE_INIT);
	if (r) {
		error_set(err, "channel", NULL, "cannot be made: %s", strerror(-r));
		return r;
	}
	r = jail_start(&s->plan->jail, pair[1], &init->pid, &s->init_pidfd, err);
	close(pair[1]);
	return r;
}

void supervision_start(struct supervision *s)
{
	struct error err = {.where = ""};
	char line[ERROR_LINE_BYTES];
	int r = 0;

	for (int i = 0; !r && i < PART_INIT; i++)
		r = spawn_role(s->parts[i].role, &s->parts[i].channel, &s->parts[i].pid, &err);
	if (!r)
		r = start_jail(s, &err);
	if (r) {
		error_format(&err, line, sizeof(line));
		supervision_fail(s, "%s", line);
		return;
	}
	r = configure_roles(s);
	if (r)
		supervision_fail(s, "the roles could not be configured: %s", strerror(-r));
}
