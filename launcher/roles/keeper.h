/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/keeper.h - what the parts of the keeper share
 */
#ifndef MCPJAIL_ROLES_KEEPER_H
#define MCPJAIL_ROLES_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ledger/ledger.h"
#include "ledger/run_files.h"
#include "state/limits.h"
#include "trust/ca.h"

#define KEEPER_OPEN_MAX   65536 /* calls that were allowed and have no outcome yet */
#define KEEPER_BUCKETS    1024  /* of their table; a power of two */
#define KEEPER_IDS_WINDOW 4096  /* how far call ids may come out of order */
#define KEEPER_FLUSH_MS   1000  /* longest time a record is neither signed nor on disk */
#define KEEPER_SEND_MS    2000  /* a peer that does not read for so long ends the run */
#define KEEPER_DRAIN_MAX  65536 /* messages of the proxy that still count after the agent's end */
#define KEEPER_TEXT_MAX   512

#define KEEPER_POLICIES_MAX (IPC_RELOADS_MAX + 1) /* of one run */

#define KEEPER_PROCESSES_MAX 1024 /* that are remembered to have a proc.exec record */

/* Refusals of a run with a net.denied record each; the rest are counted in one a flush. */
#define KEEPER_DENIALS_FIRST    1000 /* at any speed */
#define KEEPER_DENIALS_A_SECOND 20   /* after these */
#define KEEPER_LOOPBACK_MAX     8    /* ports of the loopback that the summary names */

struct open_call {
	struct open_call *next;
	uint64_t id;
	bool is_tool_call;
	struct limits_receipt receipt;
};

struct denials {
	unsigned recorded;   /* up to KEEPER_DENIALS_FIRST */
	unsigned in_second;  /* recorded in the second that began at second_ms */
	uint64_t second_ms;  /* monotonic */
	uint64_t suppressed; /* since the last record that says how many */
};

/* Which call ids were used: all below the window count as used. */
struct call_ids {
	uint64_t next; /* one past the largest so far */
	uint64_t used[KEEPER_IDS_WINDOW / 64];
};

/* That the supervisor has brought, and the proxy does not judge by yet. */
struct keeper_policy {
	bool is_there;
	struct digest sha256;
	uint64_t bytes;
	char path[IPC_PATH_MAX + 1];
	char file[64]; /* its copy in the run's directory; "": none */
};

struct keeper {
	struct channel supervisor, proxy, broker;
	struct ledger *ledger;
	struct limits *limits; /* NULL: could not be opened, see limits_failure */
	char limits_failure[KEEPER_TEXT_MAX];
	struct hasher *hasher; /* keyed with the state directory's hmac.key */
	struct ca *ca;
	struct run_files files;
	struct run_status status;
	struct digest policies[KEEPER_POLICIES_MAX]; /* hashes, in the order in which they came */
	size_t n_policies;                           /* the last is in force */
	struct keeper_policy next_policy;
	char *run_id, *grant, *command; /* owned */
	bool is_bare;                   /* tier B: it confines itself without namespaces */
	struct open_call *open[KEEPER_BUCKETS];
	size_t n_open;
	struct call_ids ids;
	struct denials denials;
	struct msg_refused_host refused[IPC_REFUSED_MAX]; /* the hosts are owned */
	size_t n_refused;
	uint64_t refused_requests, refused_elsewhere; /* that no entry of the list counts */
	bool has_complained;                          /* about the ledger, on stderr */
	uint64_t processes[KEEPER_PROCESSES_MAX];     /* hashes of their ids; 0: none */
	size_t next_process;                          /* the place of the next one */
	bool is_closed;                               /* the farewell has been said */
};

/* Message handlers return 0, or -EPROTO for what an honest peer does not send. */

/** keeper_on_call() - Check and charge the limits, record, answer */
int keeper_on_call(struct keeper *k, const struct message *m);

/** keeper_charge() - limits_charge() what a call lists. Return: as that; -ENOKEY without hmac.key
 */
int keeper_charge(struct keeper *k, const struct msg_call *call, struct limits_answer *ret);

/**
 * keeper_describe_limit() - Which charge is over, for the record
 *
 * In the words of policy_limit_denial(), without what the agent should do.
 */
void keeper_describe_limit(const struct msg_call *call, const struct limits_answer *limits,
			   char *ret, size_t size);

/** keeper_wait_s() - Whole seconds, rounded up, so that who waits them has waited long enough */
uint64_t keeper_wait_s(uint64_t ms);

/** keeper_on_outcome() - Close an open call */
int keeper_on_outcome(struct keeper *k, const struct message *m);

/**
 * keeper_on_reload() - Another policy: brought, and not yet in force; then either in force, as the
 * proxy says in the order of its calls, or failed. The last two are recorded
 */
int keeper_on_reload(struct keeper *k, const struct message *m);

/** keeper_on_event() - Record what is no call */
int keeper_on_event(struct keeper *k, const struct message *m);

/** keeper_admit_denial() - Count a refusal. Return: whether it gets a record of its own */
bool keeper_admit_denial(struct keeper *k, const struct msg_event *event);

/** keeper_note_loopback() - Remember for the summary what the jail's own loopback refused */
void keeper_note_loopback(struct keeper *k, const struct msg_event *event);

/** keeper_record_suppressed() - Record how many refusals got none since the last time, if any */
void keeper_record_suppressed(struct keeper *k);

/** keeper_on_tools_served() - Record a tools/list and keep it in tools.json */
int keeper_on_tools_served(struct keeper *k, const struct message *m);

/** keeper_abandon_calls() - Record every open call as one whose outcome nobody knows */
void keeper_abandon_calls(struct keeper *k, const char *why);

/** keeper_forget_calls() - Release the table of open calls */
void keeper_forget_calls(struct keeper *k);

/** keeper_commit() - ledger_commit(), and a word on stderr the first time that it fails */
int keeper_commit(struct keeper *k);

/** keeper_record_start() - run.start and policy.loaded */
void keeper_record_start(struct keeper *k, const struct msg_keeper_config *config,
			 struct span policy, bool policy_is_copied);

/** keeper_record_exec() - proc.exec: the agent runs */
void keeper_record_exec(struct keeper *k, const struct msg_run_execed *execed);

/** keeper_note_process() - proc.exec, the first time that this process appears in a record */
void keeper_note_process(struct keeper *k, struct span exec);

/** keeper_note_end() - How the run ended, for status.json and run.end. Return: 0; -EPROTO */
int keeper_note_end(struct keeper *k, const struct msg_run_ended *ended);

/** keeper_record_end() - run.end. Return: 0; -errno */
int keeper_record_end(struct keeper *k, struct span failure);

#endif
