/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/supervision.h - state of one run, shared by the supervisor's own files
 *
 *	supervisor.c           the loop, and the order in which a run ends
 *	supervision_start.c    the keeper and the jail
 *	supervision_service.c  proxy, dialer and broker, when they are asked for
 *	supervision_messages.c what the parts say
 *	supervision_events.c   signals, deaths, time
 *	control.c              the control socket: a policy taken anew
 *	supervision_bounds.c   control groups, limits, the second wall
 *	supervision_submodules.c what git would enter afterwards
 */
#ifndef MCPJAIL_ROLES_SUPERVISION_H
#define MCPJAIL_ROLES_SUPERVISION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wall.h"
#include "ipc/channel.h"
#include "jail/bounds.h"
#include "jail/tier_b.h"
#include "jail/placeholders.h"
#include "ledger/run_files.h"
#include "roles/control.h"
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

#define SERVICE_LISTENERS 4 /* TCP, DNS over UDP and TCP, netlog */
#define SERVICE_POLLS     (SERVICE_LISTENERS + 1)

/*
 * What proxy, dialer and broker are to be given; -1 and 0 once they have been. Without a broker its
 * ends stay here, to hold off the ends of keeper and proxy.
 */
struct service {
	bool is_started;
	struct nursery nursery;           /* of dialer and proxy */
	int listeners[SERVICE_LISTENERS]; /* the proxy's */
	size_t n_listeners;
	int jail[CHANNEL_FDS_MAX]; /* the agent's calls, its namespaces: the broker's */
	size_t n_jail;
	int proxy_line, broker_line; /* their ends of the keeper's channels */
	int broker_proxy;            /* the broker's end of the proxy's channel */
	uint64_t at_ms;              /* when they are started unasked; 0: not yet known */
};

#define SERVICE_NONE                                                                               \
	((struct service){                                                                         \
		.nursery = NURSERY_NONE, .proxy_line = -1, .broker_line = -1, .broker_proxy = -1})

struct supervision {
	const struct supervisor_plan *plan;
	struct jail_spec jail;   /* the plan's, in the tier that there is */
	struct tier_b *tier_b;   /* NULL: tier A */
	struct error why_b;      /* why there are no namespaces; "": they were not tried */
	uint16_t proxy_ports[2]; /* in tier B, of its listeners at 127.0.0.1 and ::1; 0: none */
	struct run_result *result;
	struct part parts[PARTS];
	struct service service;
	struct control control;
	/*
	 * Of the keeper. Ended last: who leaves the room last is kept by the kernel until that has
	 * been taken apart.
	 */
	struct nursery nursery;
	struct terminal terminal;
	struct pump *terminal_input; /* borrowed from the relay; NULL: none */
	enum stage stage;
	int signal_fd;
	int init_pidfd;
	int pty_master;
	bool has_told_exec;   /* init may start the agent */
	bool jail_is_empty;   /* but for init, which is about to end */
	bool awaits_ledger;   /* the keeper has been told the end */
	bool has_outcome;     /* exited, or exec failed: what follows is the normal end */
	bool is_to_terminate; /* a SIGTERM came while the agent was being started */
	bool was_terminated;  /* one SIGTERM has been passed on */
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
	struct timespec begun;               /* by CLOCK_REALTIME_COARSE, as files have it */
	char submodules[RUN_SUBMODULES_MAX]; /* as in struct msg_run_ended */
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

/** supervision_terminate() - SIGTERM for the agent; the second time SIGKILL */
void supervision_terminate(struct supervision *s);

/** supervision_kill_jail() - Kill init, and with it everything in its pid namespace */
void supervision_kill_jail(const struct supervision *s);

/** supervision_on_death() - A part has ended. @status: its wait status */
void supervision_on_death(struct supervision *s, struct part *part, int status);

/** supervision_end_orphans() - Tier B without its broker: end what the agent has left */
void supervision_end_orphans(struct supervision *s);

/** supervision_make_bounds() - Before the jail is started: its control groups */
void supervision_make_bounds(struct supervision *s);

/** supervision_drop_wall() - Once the jail is empty. Harmless to repeat */
void supervision_drop_wall(struct supervision *s);

/** supervision_prepare_wall() - While the jail is being made; protects the roles, too */
void supervision_prepare_wall(struct supervision *s);

/** supervision_raise_wall() - Before the agent is; @jail_socket: any of the jail's network */
void supervision_raise_wall(struct supervision *s, int jail_socket);

/** supervision_tell_bounds() - Complete the layers with what is in force, say what is not */
void supervision_tell_bounds(struct supervision *s);

/** supervision_count_stopped() - What the wall has stopped by now, for the ledger */
void supervision_count_stopped(struct supervision *s);

/** supervision_tell_submodules() - The agent is gone: what git would enter that it could write */
void supervision_tell_submodules(struct supervision *s);

/** supervision_end_bounds() - init is gone: kill what is left, take the wall down */
void supervision_end_bounds(struct supervision *s);

/** supervision_start_keeper() - It waits for its configuration. Return: 0; -errno, @err filled */
int supervision_start_keeper(struct supervision *s, struct error *err);

/** supervision_await_keeper() - Learn who it is. Once, before any child is reaped. Return: 0;
 * -ECHILD */
int supervision_await_keeper(struct supervision *s);

/** supervision_reap() - Take in which children have ended */
void supervision_reap(struct supervision *s);

/**
 * supervision_open_lines() - The keeper's channels to proxy and broker
 * @ret_keeper_proxy, @ret_keeper_broker: Its ends, the caller's to close, also after a failure
 *
 * Return: 0; -errno
 */
int supervision_open_lines(struct supervision *s, int *ret_keeper_proxy, int *ret_keeper_broker);

/**
 * supervision_keep_listeners() - The first @n of a message and, if there is a log, its last
 *
 * Return: 0; -EPROTO: there are some already
 */
int supervision_keep_listeners(struct supervision *s, struct message *m, size_t n, bool has_log);

/**
 * supervision_keep_calls() - The agent's calls, for the broker, and what came with them
 *
 * Return: 0; -EPROTO: there are some already
 */
int supervision_keep_calls(struct supervision *s, struct message *m);

/** supervision_poll_service() - What to wait on for the first request. Return: how many */
size_t supervision_poll_service(const struct supervision *s, struct pollfd *ret);

/** supervision_is_asked() - Whether one of them has a request */
bool supervision_is_asked(const struct pollfd *fds, size_t n);

/** supervision_start_service() - Proxy, dialer, broker. Once; a failure ends the run */
void supervision_start_service(struct supervision *s);

/** supervision_serve_the_last() - If what the jail has asked for last was not seen yet, start it */
void supervision_serve_the_last(struct supervision *s);

/** supervision_note_loss() - While the run ends: what was asked last may not be in the record */
void supervision_note_loss(struct supervision *s, const char *why);

/** supervision_end_service() - Close what was never given away. Harmless to repeat */
void supervision_end_service(struct supervision *s);

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
