/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/supervision.h - state of one run, shared by the supervisor's own files
 *
 *	supervisor.c           the loop, and the order in which a run ends
 *	supervision_start.c    starts and configures the parts
 *	supervision_messages.c what the parts say
 *	supervision_events.c   signals, deaths, time
 */
#ifndef MCPJAIL_ROLES_SUPERVISION_H
#define MCPJAIL_ROLES_SUPERVISION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/channel.h"
#include "roles/relay.h"
#include "roles/supervisor.h"
#include "roles/terminal.h"

enum part_index { PART_KEEPER = 0, PART_DIALER, PART_PROXY, PART_INIT, PARTS };

struct part {
	enum role role;
	pid_t pid; /* 0: not started or reaped */
	struct channel channel;
	bool is_ready;
	int wait_status;
};

/* SETUP → RUNNING → ENDING; SETUP → ENDING when something fails before the exec. */
enum stage { STAGE_SETUP = 0, STAGE_RUNNING, STAGE_ENDING };

struct supervision {
	const struct supervisor_plan *plan;
	struct run_result *result;
	struct part parts[PARTS];
	struct terminal terminal;
	struct pump *terminal_input; /* borrowed from the relay; NULL: none */
	enum stage stage;
	int signal_fd;
	int init_pidfd;
	int pty_master;
	bool has_outcome;    /* exited, or exec failed: what follows is the normal end */
	bool was_terminated; /* one SIGTERM has been passed on */
	bool ran_out_of_time;
	bool has_passed_tstp;    /* a SIGTSTP from outside: the stop that follows is job control */
	bool gives_up_output;    /* a signal at the end: do not wait for who reads the output */
	bool blames_a_bystander; /* the reason names a part that only followed another into death */
	uint64_t deadline_ms;    /* of the set-up, or of the agent after SIGTERM; 0: none */
	uint64_t timeout_at_ms;  /* of --timeout; 0: none */
	char layers[128];
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

/** supervision_start() - Start the roles and the jail's init, and configure them */
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
