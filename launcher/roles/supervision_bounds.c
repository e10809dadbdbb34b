// SPDX-License-Identifier: Apache-2.0
#include "roles/supervision.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

void supervision_make_bounds(struct supervision *s)
{
	bounds_prepare(&s->jail, &s->bounds);
	s->has_bounds = true;
}

void supervision_protect(pid_t pid)
{
	if (!geteuid())
		bounds_protect(pid);
}

/* Of the roles' own only now: the jail's init would have inherited it. */
static void protect_roles(const struct supervision *s)
{
	for (int i = 0; i < PART_INIT; i++)
		if (s->parts[i].pid > 0)
			supervision_protect(s->parts[i].pid);
	supervision_protect(getpid());
}

void supervision_drop_wall(struct supervision *s)
{
	wall_free(s->wall);
	s->wall = NULL;
	s->wall_is_up = false;
}

void supervision_prepare_wall(struct supervision *s)
{
	protect_roles(s);
	if (s->bounds.cgroup.fd < 0)
		error_set(&s->wall_error, "eBPF",
			  geteuid() ? "run mcpjail as root" : "mount cgroup2 on /sys/fs/cgroup",
			  "no control group of version 2 can be made below the caller's own");
	else
		wall_load(&s->wall, &s->wall_error);
}

static int raise_wall(struct supervision *s, int jail_socket)
{
	struct wall_rules rules = {.allows_own_networks = s->plan->jail.allows_nested_sandbox,
				   .refuses_unix = true};
	int r = wall_netns_cookie(s->parts[PART_KEEPER].channel.fd, &rules.host_netns);

	if (!r && s->jail.tier == JAIL_TIER_A)
		r = wall_netns_cookie(jail_socket, &rules.jail_netns);
	if (r) {
		error_set(&s->wall_error, "eBPF", NULL,
			  "the kernel does not tell networks apart: %s", strerror(-r));
		return r;
	}
	return wall_attach(s->wall, s->bounds.cgroup.fd, &rules, &s->wall_error);
}

void supervision_raise_wall(struct supervision *s, int jail_socket)
{
	if (s->wall)
		s->wall_is_up = raise_wall(s, jail_socket) == 0;
}

void supervision_tell_bounds(struct supervision *s)
{
	char line[ERROR_LINE_BYTES], unkept[BOUNDS_TEXT_MAX];
	size_t used;

	bounds_layers(&s->bounds, s->layers, sizeof(s->layers));
	used = strlen(s->layers);
	if (s->wall_is_up)
		snprintf(s->layers + used, sizeof(s->layers) - used, ",bpf");
	if (!s->wall_is_up) {
		error_format(&s->wall_error, line, sizeof(line));
		log_line(LOG_DECISION, "no second wall: %s", line);
	}
	if (bounds_unkept(&s->bounds, s->layers, unkept))
		log_notice("%s", unkept);
}

/* Nothing that is meant to work ends there: whatever does has got past the first wall. */
void supervision_count_stopped(struct supervision *s)
{
	uint64_t counts[WALL_COUNTS], sum = 0;
	size_t used = 0;

	if (!s->wall_is_up || s->stopped[0] || wall_count(s->wall, counts))
		return;
	for (size_t i = 0; i < WALL_COUNTS; i++) {
		used += (size_t)snprintf(s->stopped + used, sizeof(s->stopped) - used,
					 "%c\"%s\":%" PRIu64, i ? ',' : '{', wall_count_name(i),
					 counts[i]);
		sum += counts[i];
	}
	snprintf(s->stopped + used, sizeof(s->stopped) - used, "}");
	if (sum)
		log_error("the second wall stopped what the first had let through: %s", s->stopped);
}

void supervision_end_bounds(struct supervision *s)
{
	if (!s->has_bounds)
		return;
	if (bounds_end(&s->bounds, SUPERVISOR_END_MS))
		log_error("processes of the command live on in its control group");
	supervision_count_stopped(s);
	supervision_drop_wall(s);
	s->has_bounds = false;
}
