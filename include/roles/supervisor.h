/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/supervisor.h - makes the jail, watches its parts, passes signals and bytes on
 */
#ifndef MCPJAIL_ROLES_SUPERVISOR_H
#define MCPJAIL_ROLES_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ipc/messages.h"
#include "jail/jail.h"
#include "roles/relay.h"

#define SUPERVISOR_SETUP_MS   10000 /* from start to the agent's exec */
#define SUPERVISOR_TERM_MS    8000  /* from a SIGTERM that was passed on to the end */
#define SUPERVISOR_END_MS     3000  /* for each part's farewell */
#define SUPERVISOR_SERVICE_MS 6     /* from the agent's exec to a proxy that nobody has asked */
#define SUPERVISOR_REASON_MAX 512

/* What is to run. Everything is borrowed for the time of supervisor_run(). */
struct supervisor_plan {
	struct jail_spec jail;
	bool tier_is_forced; /* jail.tier or none; else tier B where there are no namespaces */
	const struct msg_dialer_config *dialer; /* --connect-to */
	const char *grant;
	const char *require; /* comma-separated layers; NULL: none */
	uint64_t timeout_ms; /* from the command's start; 0: none */
	struct stdio_plan *stdio;
	struct relay *relay;
	const char *policy_path; /* "": built in */
	int policy_fd;           /* sealed memfd */
	/*
	 * Reads the policy anew, as it was read for this plan: its file and what options add.
	 * @ret_path: IPC_PATH_MAX bytes; "" for the built-in policy. @ret_fd: sealed memfd.
	 * Return: 0; -errno with @err filled, also where it cannot take effect in a run.
	 */
	int (*read_policy)(void *arg, char *ret_path, int *ret_fd, struct error *err);
	void *read_policy_arg;
	int run_fd, state_fd;        /* directories */
	int root_fds[IPC_ROOTS_MAX]; /* files of extra roots for upstream; -1: none */
};

enum run_end {
	RUN_END_NOT_MADE = 0, /* the jail could not be made: nothing ran */
	RUN_END_EXITED,       /* the command ended by itself or by a signal */
	RUN_END_NOT_EXECED,   /* the command could not be executed: see exec_errno */
	RUN_END_TIMEOUT,
	RUN_END_BROKEN, /* a part of the jail ended; the command was killed */
};

struct run_result {
	enum run_end end;
	int wait_status; /* of the command, for RUN_END_EXITED and _TIMEOUT */
	int exec_errno;
	char reason[SUPERVISOR_REASON_MAX]; /* for NOT_MADE and BROKEN; "" if it was logged already
					     */
	bool is_about_request; /* NOT_MADE: what was asked for cannot be had; another machine would
				* say the same */
	bool has_ledger;       /* the rest is valid */
	struct {
		char head[129], key_fingerprint[129], failure[SUPERVISOR_REASON_MAX];
		uint64_t allowed, denied, unknown, lost, egress_allowed, egress_refused;
		uint64_t refused_requests, refused_elsewhere; /* as in struct msg_ledger_closed */
		struct {
			char host[IPC_HOST_MAX + 1];
			uint32_t port;
			char protocol[16]; /* of the first refusal, as in struct msg_event */
			uint64_t count;
		} refused[IPC_REFUSED_MAX];
		size_t n_refused;
	} ledger;
};

struct supervision;

/**
 * supervisor_begin() - Start the roles, before it is known what for
 *
 * They need as long for it as it takes to find out, and do nothing before they are configured.
 * The caller has one thread and no children.
 *
 * Return: 0, and either of the next two is to be called; -errno with @err filled
 */
int supervisor_begin(struct supervision **ret, struct error *err);

/** supervisor_abandon() - There is nothing to run. NULL is fine */
void supervisor_abandon(struct supervision *s);

/**
 * supervisor_run() - One run, to the last record; @s is freed
 *
 * SIGCHLD and the signals that are passed on are blocked when it returns. Logs what goes
 * wrong on the way.
 */
void supervisor_run(struct supervision *s, const struct supervisor_plan *plan,
		    struct run_result *ret);

#endif
