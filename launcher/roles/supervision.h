/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/supervision.h - state of one run, shared by the supervisor's own files
 *
 *	supervisor.c           the loop, and the order in which a run ends
 *	supervision_start.c    starts and configures the parts
 *	supervision_messages.c what the parts say
 *	supervision_events.c   signals, deaths, time
 *	supervision_bounds.c   control groups, limits, the second wall
 */
#ifndef MCPJAIL_ROLES_SUPERVISION_H
#define MCPJAIL_ROLES_SUPERVISION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wall.h"
#include "ipc/channel.h"
#include "jail/bounds.h"
#include "jail/tier_b.h"
#include "jail/placeholders.h"
#include "roles/nursery.h"
#include "roles/relay.h"
#include "roles/supervisor.h"
#include "roles/terminal.h"

enum part_index { PART_KEEPER = 0, PART_DIALER, PART_PROXY, PART_BROKER, PART_INIT, PARTS };

struct part {
	enum role role;
	pid_t pid; /* 0: not started or reaped */
	struct channel channel;
	bool is_ready;
	bool is_dismissed; /* its end is our doing, and tells nothing */
	int wait_status;
};

/* SETUP → RUNNING → ENDING; SETUP → ENDING when something fails before the exec. */
enum stage { STAGE_SETUP = 0, STAGE_RUNNING, STAGE_ENDING };

/*
 * What a broker in tier A is to be given. It is started when the agent first calls it, or after a
 * moment: a command that is over by then has not waited for it.
 */
struct broker_to_be {
	int jail[CHANNEL_FDS_MAX]; /* the agent's listener, its namespaces */
	size_t n_jail;
	int keeper_end, proxy_end; /* of the channels; -1: it has been given them */
	uint64_t at_ms;            /* 0: not yet known */
};

struct supervision {
	const struct supervisor_plan *plan;
	struct jail_spec jail;   /* the plan's, in the tier that there is */
	struct tier_b *tier_b;   /* NULL: tier A */
	struct error why_b;      /* why there are no namespaces; "": they were not tried */
	uint16_t proxy_ports[2]; /* in tier B, of its listeners at 127.0.0.1 and ::1; 0: none */
	struct run_result *result;
	struct part parts[PARTS];
	struct broker_to_be broker;
	struct nursery nursery; /* of keeper, dialer and proxy */
	struct terminal terminal;
	struct pump *terminal_input; /* borrowed from the relay; NULL: none */
	enum stage stage;
	int signal_fd;
	int init_pidfd;
	int pty_master;
	bool has_told_exec;  /* init may start the agent */
	bool jail_is_empty;  /* but for init, which is about to end */
	bool awaits_ledger;  /* the keeper has been told the end */
	bool has_outcome;    /* exited, or exec failed: what follows is the normal end */
	bool was_terminated; /* one SIGTERM has been passed on */
	bool ran_out_of_time;
	bool has_passed_tstp;    /* a SIGTSTP from outside: the stop that follows is job control */
	bool gives_up_output;    /* a signal at the end: do not wait for who reads the output */
	bool blames_a_bystander; /* the reason names a part that only followed another into death */
	uint64_t deadline_ms;    /* of the set-up, or of the agent after SIGTERM; 0: none */
	uint64_t timeout_at_ms;  /* of --timeout; 0: none */
	struct placeholders placeholders; /* on the host, while the jail lasts */
	struct bounds bounds;             /* prepared if has_bounds */
	bool has_bounds;
	struct wall *wall; /* NULL: none, and why */
	struct error wall_error;
	bool wall_is_up;
	char stopped[128]; /* by the wall, as JSON, once the jail is gone; "": there was none */
	char layers[192];
};

/**
 * supervision_fail() - A part failed: kill the jail, now, and go to the end
 *
 * The first failure is the one that is told; whatever follows is its consequence.
 */
void supervision_fail(struct supervision *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** supervision_kill_jail() - Kill init, and with it everything in its pid namespace */
void supervision_kill_jail(const struct supervision *s);

/** supervision_on_death() - A part has ended. @status: its wait status */
void supervision_on_death(struct supervision *s, struct part *part, int status);

/** supervision_end_orphans() - Tier B without its broker: end what the agent has left */
void supervision_end_orphans(struct supervision *s);

/** supervision_make_bounds() - Before the jail is started: its control groups */
void supervision_make_bounds(struct supervision *s);

/** supervision_prepare_wall() - While the jail is being made; protects the roles, too */
void supervision_prepare_wall(struct supervision *s);

/** supervision_raise_wall() - Before the agent is; @jail_socket: any of the jail's network */
void supervision_raise_wall(struct supervision *s, int jail_socket);

/** supervision_tell_bounds() - Complete the layers with what is in force, say what is not */
void supervision_tell_bounds(struct supervision *s);

/** supervision_count_stopped() - What the wall has stopped by now, for the ledger */
void supervision_count_stopped(struct supervision *s);

/** supervision_end_bounds() - init is gone: kill what is left, take the wall down */
void supervision_end_bounds(struct supervision *s);

/** supervision_start_roles() - Keeper, dialer and proxy, who wait for their configuration */
int supervision_start_roles(struct supervision *s, struct error *err);

/** supervision_await_roles() - Learn who they are. Once, before any child is reaped. Return: 0;
 * -ECHILD */
int supervision_await_roles(struct supervision *s);

/** supervision_reap() - Take in which children have ended */
void supervision_reap(struct supervision *s);

/** supervision_start_broker() - Tier A: with all that it needs. A failure ends the run */
void supervision_start_broker(struct supervision *s);

/** supervision_drop_calls() - There is nobody to call a broker that has not been started */
void supervision_drop_calls(struct supervision *s);

/** supervision_send_jail() - To the broker: the listener and what else is in @fds. Return: -errno
 */
int supervision_send_jail(struct supervision *s, const int *fds, size_t n);

/** supervision_protect() - From what the kernel ends first when memory is short */
void supervision_protect(pid_t pid);

/** supervision_start() - Start the jail's init, and configure the roles */
void supervision_start(struct supervision *s);

/** supervision_receive() - Read and act on one message. Return: whether the channel goes on */
bool supervision_receive(struct supervision *s, struct part *part);

/** supervision_open_signals() - Block what is passed on, and read it from a descriptor */
int supervision_open_signals(struct supervision *s);
void supervision_read_signals(struct supervision *s);

/** supervision_check_time() - Act on the deadlines that have passed */
void supervision_check_time(struct supervision *s);

/** supervision_time_left() - Milliseconds to the next deadline; -1: none */
int supervision_time_left(const struct supervision *s);

#endif
