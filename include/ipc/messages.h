/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ipc/messages.h - every message between roles
 *
 * The table in launcher/ipc/messages.c holds, for each type: its name, sender and
 * receiver, phase, payload type, bounds and number of descriptors. Spans in a
 * received struct borrow from the message.
 */
#ifndef MCPJAIL_IPC_MESSAGES_H
#define MCPJAIL_IPC_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "ipc/wire.h"

enum role {
	ROLE_NONE = 0,
	ROLE_SUPERVISOR,
	ROLE_KEEPER,
	ROLE_DIALER,
	ROLE_PROXY,
	ROLE_BROKER,
	ROLE_INIT,
	ROLE_CONTROL, /* a person's command, by the run's control socket */
};

/** role_name() - "supervisor", "keeper", … */
const char *role_name(enum role role);

/* A channel's phases; a message says in which it may arrive and which it opens. */
enum ipc_phase {
	IPC_START = 1, /* before the configuration */
	IPC_SETUP = 2, /* configured, not yet serving */
	IPC_RUN = 4,   /* serving */
	IPC_END = 8,   /* closing down: nothing but the farewell */
};

#define IPC_HOST_MAX    253  /* bytes of a DNS name */
#define IPC_TEXT_MAX    2048 /* bytes of a sentence for a person */
#define IPC_PATH_MAX    4096
#define IPC_ARGS_MAX    65536 /* bytes of a call's arguments that a record keeps */
#define IPC_TOOLS_MAX   98304 /* bytes of a tools/list that a run keeps */
#define IPC_CHARGES_MAX 17    /* of one call: its limits, and that it is forwarded once */
#define IPC_REFUSED_MAX 32    /* hosts that the summary names */
#define IPC_DIALTO_MAX  32    /* --connect-to entries */
#define IPC_ROOTS_MAX   2     /* files of extra roots: --upstream-ca, SSL_CERT_FILE */
#define IPC_NOPROXY_MAX 2048  /* bytes of NO_PROXY */
#define IPC_RELOADS_MAX 64    /* policies that a run takes anew */
#define IPC_EXEC_MAX    4096  /* bytes of what a record says of a process */

enum message_type {
	MSG_NONE = 0,
	/* supervisor → role, once, first */
	MSG_KEEPER_CONFIG, /* fds: run directory, state directory, policy memfd, channels of proxy
			    * and broker */
	MSG_DIALER_CONFIG, /* fds: policy memfd, proxy channel */
	MSG_PROXY_CONFIG,  /* fds: policy memfd, channels of keeper, dialer, broker, then up to
			    * IPC_ROOTS_MAX files of extra roots */
	MSG_BROKER_CONFIG, /* fds: policy memfd, keeper channel, proxy channel */
	/*
	 * supervisor → broker, once, when the agent's filter is on; fds as MSG_NOTIFIER's, and
	 * behind them, where there is a second wall, its table of who connected what
	 */
	MSG_BROKER_JAIL,
	/*
	 * supervisor → proxy; fds: TCP (transparent), DNS UDP, DNS TCP, [nflog]; in tier B: TCP at
	 * 127.0.0.1, [TCP at ::1]
	 */
	MSG_LISTENERS,
	/*
	 * supervisor → keeper, once, when what was asked for is known to be possible: from here on
	 * there is a record of the run
	 */
	MSG_KEEPER_BEGIN,
	/* role → supervisor */
	MSG_KEEPER_READY, /* confined; carries the CA */
	MSG_DIALER_READY, /* confined */
	MSG_BROKER_READY, /* confined in the jail, and serving; nobody waits for it but who calls */
	/* Confined, and holding the listeners: connections wait in them until its TLS is prepared;
	 * a proxy that fails at that exits, and the run ends. */
	MSG_PROXY_READY,
	/* supervisor ↔ keeper */
	MSG_RUN_EXECED, /* the agent runs: tier, layers, pid */
	MSG_RUN_ENDED,  /* the agent is gone; answered by MSG_LEDGER_CLOSED */
	MSG_LEDGER_CLOSED,
	/* supervisor ↔ keeper, dialer, proxy: another policy, in this order; fds: its memfd */
	MSG_KEEPER_POLICY,
	MSG_KEEPER_POLICY_TAKEN, /* known; then again: recorded, as in force or as failed */
	MSG_DIALER_POLICY,
	MSG_DIALER_POLICY_TAKEN,
	MSG_PROXY_POLICY,
	MSG_PROXY_POLICY_REFUSED, /* else it tells the keeper, by MSG_POLICY_IN_FORCE */
	MSG_RELOAD_FAILED, /* supervisor → keeper: a policy that did not come into force, and why */
	/* command ↔ supervisor, by the control socket */
	MSG_RELOAD, /* take the policy's file anew */
	MSG_RELOADED,
	/* proxy ↔ keeper */
	MSG_POLICY_IN_FORCE, /* calls that follow were judged by the policy that the keeper was
				brought */
	MSG_LEAF_REQUEST,
	MSG_LEAF,
	MSG_CALL, /* a judged call: check and charge the limits, record it, answer */
	MSG_CALL_VERDICT,
	MSG_OUTCOME,      /* what became of a recorded, allowed call */
	MSG_EVENT,        /* anything else that the ledger should hold */
	MSG_TOOLS_SERVED, /* a tools/list as the agent got it */
	/* proxy ↔ dialer */
	MSG_DIAL,
	MSG_DIALED, /* fds: the connected socket, if status is 0 */
	/* proxy ↔ broker */
	MSG_WHO,     /* which process holds the other end of a connection of the jail's */
	MSG_PROCESS, /* the answer */
	/* Tier B: where a connection from a port of the loopback is to go; sent before it is made.
	 */
	MSG_DESTINATION,
	/*
	 * Tier B: a SOCK_SEQPACKET whose other end the agent holds; each of its messages is a
	 * question for the DNS, answered there; fds: it
	 */
	MSG_RESOLVER,
	/*
	 * broker → keeper: a refused unix socket, or system call: an EVENT_NET_DENIED; or a unix
	 * socket that the policy lists: an EVENT_EGRESS_ALLOWED
	 */
	MSG_BROKER_EVENT,
	/* supervisor ↔ init of the jail */
	/*
	 * init → supervisor; fds: TCP, DNS UDP, DNS TCP, [pty master], [nflog]; in tier B: TCP at
	 * 127.0.0.1, init's pidfd, [pty master], [TCP at ::1]
	 */
	MSG_JAIL_SOCKETS,
	MSG_TRUST,       /* supervisor → init: the CA to trust */
	MSG_JAIL_READY,  /* self-test passed */
	MSG_JAIL_FAILED, /* a stage failed; nothing ran */
	MSG_EXEC,        /* supervisor → init: start the agent */
	MSG_EXECED,      /* init → supervisor: it runs, or the errno of exec */
	MSG_SIGNAL,      /* supervisor → init: a signal for the agent */
	/*
	 * init → supervisor; fds: the listener of the agent's filter; in tier A the jail's user,
	 * network and mount namespace
	 */
	MSG_NOTIFIER,
	MSG_STOPPED, /* init → supervisor: the agent stopped itself (job control) */
	MSG_EXITED,  /* init → supervisor: wait status of the agent; init ends right after */
	MSG_TYPES
};

struct msg_keeper_config {
	struct span run_id;
	struct span grant;
	struct span command; /* JSON array of the command's arguments */
	struct span cwd;
	struct span policy_path; /* "" for the built-in policy */
	struct span version;
	uint8_t log_level;
};

struct msg_keeper_begin {
	uint8_t tier; /* enum jail_tier */
};

struct msg_keeper_ready {
	struct span ca_pem;
	uint32_t ca_subject_hash; /* OpenSSL's X509_subject_name_hash(): names the c_rehash file */
};

struct msg_dial_to { /* one --connect-to, curl's syntax: "" and 0 mean any */
	struct span host;
	uint32_t port;
	struct span address; /* a literal address or a name */
	uint32_t address_port;
};

struct msg_dialer_config {
	struct msg_dial_to dial_to[IPC_DIALTO_MAX];
	size_t n_dial_to;
	struct span proxy_host; /* the caller's HTTPS_PROXY; "": dial directly */
	uint32_t proxy_port;
	struct span proxy_userinfo; /* "user:password", decoded; "": none */
	struct span no_proxy;       /* the caller's NO_PROXY */
	uint8_t tier;               /* enum jail_tier */
	uint8_t log_level;
};

struct msg_proxy_config {
	struct span grant;
	uint8_t tier; /* enum jail_tier */
	uint8_t log_level;
};

struct msg_broker_config {
	uint8_t tier;          /* enum jail_tier */
	struct span home, cwd; /* for the policy's `sockets`; "": none */
	uint8_t log_level;
};

struct msg_broker_jail {
	uint32_t init;                    /* pid of the jail's, seen from outside */
	uint32_t proxy_port, proxy_port6; /* tier B: of the proxy's listeners; 0: none */
	uint8_t has_owners;               /* 1: the last descriptor is one for wall_owners_open() */
};

struct msg_run_execed {
	struct span tier;   /* "a" */
	struct span layers; /* comma-separated: "namespaces,seccomp,…" */
	uint32_t pid;       /* the agent's, seen from outside; 0: exec failed */
};

struct msg_run_ended {
	uint32_t child_exit;     /* exit status; 256: none */
	uint32_t signal;         /* that killed it; 0: none */
	struct span failure;     /* what broke, if a part of the jail did; else "" */
	struct span second_wall; /* JSON object: what it stopped, by hook; "": there was none */
	struct span submodules;  /* JSON array: struct submodules' configurations; "": none */
};

struct msg_keeper_policy {
	struct span path; /* "" for the built-in policy */
	struct span file; /* its copy in the run's directory; "": there is none */
};

struct msg_policy_taken {
	uint8_t failed;
	struct span reason; /* if it did */
};

struct msg_policy_in_force {
	uint32_t number; /* of the policy: 0 was the run's first */
	struct span sha256;
};

struct msg_reload_failed {
	struct span reason;
};

struct msg_reloaded {
	uint8_t failed; /* the policy in force stays */
	struct span text;
};

struct msg_refused_host {
	struct span host;
	uint32_t port;
	struct span protocol; /* of the first refusal, as in struct msg_event */
	uint64_t count;
};

struct msg_ledger_closed {
	struct span head;            /* 64 hexadecimal digits: SHA-256 of the last record's line */
	struct span key_fingerprint; /* of the run's Ed25519 key */
	uint64_t allowed, denied, unknown, lost; /* tools/call verdicts; lost: records */
	uint64_t egress_allowed, egress_refused;
	uint64_t refused_requests;  /* of egress_refused: for what they said, not where they went */
	uint64_t refused_elsewhere; /* of egress_refused: at destinations beyond the list */
	struct msg_refused_host refused[IPC_REFUSED_MAX];
	size_t n_refused;
	struct span failure; /* why the ledger could not be written, else "" */
};

struct msg_leaf_request {
	struct span host; /* lower case */
	struct span spki; /* DER SubjectPublicKeyInfo of the proxy's leaf key */
};

struct msg_leaf {
	struct span host;
	struct span certificate; /* DER; "" if the keeper would not sign */
};

enum limit_scope { SCOPE_GRANT = 0, SCOPE_SESSION, SCOPE_RUN, SCOPE_SERVER, SCOPE_GLOBAL };
enum limit_algorithm { ALGORITHM_SLIDING = 0, ALGORITHM_FIXED, ALGORITHM_BUCKET };
enum charge_kind {
	CHARGE_AMOUNT = 0,
	CHARGE_VALUE, /* different values are counted */
	CHARGE_ONCE,  /* of this tool: the same value passes once in the window */
	CHARGE_KINDS
};

#define IPC_WINDOW_MAX_MS   (366 * UINT64_C(86400000))
#define IPC_WINDOW_MONTH_MS (31 * UINT64_C(86400000)) /* in fixed windows a calendar month */
#define IPC_WINDOW_LIFETIME UINT64_MAX                /* a window without end */

struct msg_charge {
	struct span counter;
	uint8_t kind;      /* enum charge_kind */
	uint8_t scope;     /* enum limit_scope */
	uint8_t algorithm; /* enum limit_algorithm */
	uint64_t window_ms;
	uint64_t max;
	uint64_t amount;
	uint64_t keep_ms;         /* the longest window of all limits on the counter that end */
	uint8_t keep_for_ever;    /* 1: one of them has no end */
	struct span value_sha256; /* 32 bytes: of CHARGE_VALUE and CHARGE_ONCE; else "" */
	struct span rule;         /* JSON pointer of the limit */
};

struct msg_call {
	uint64_t call_id;        /* the proxy's number; unique in a run */
	uint64_t conn;           /* the proxy's connection number */
	uint32_t policy;         /* number of the policy that judged it */
	uint8_t verdict;         /* enum verdict of policy/policy.h, before limits */
	uint8_t durable;         /* fdatasync before the answer */
	uint8_t observed;        /* 1: mode observe, in which limits deny nothing */
	struct span method;      /* "tools/call", or the denied method */
	struct span server;      /* the policy's name for it: its URL */
	struct span tool;        /* "" unless tools/call */
	struct span id_json;     /* the JSON-RPC id as JSON text; "" for a notification */
	struct span args;        /* canonical JSON, redacted by policy; "" if too large to keep */
	struct span args_sha256; /* 32 bytes: of the whole canonical arguments */
	struct span rule;
	struct span reason;
	struct span
		exec; /* JSON: of the connection's process, as MSG_PROCESS told it; "": unknown */
	struct msg_charge charges[IPC_CHARGES_MAX]; /* checked only if the verdict allows */
	size_t n_charges;
};

struct msg_call_verdict {
	uint64_t call_id;
	uint8_t verdict;         /* enum verdict: may the call leave */
	uint8_t failed;          /* 1: denied because it could not be recorded or counted */
	uint32_t limit;          /* index of the charge that was over, if denied by a limit */
	uint64_t retry_after_ms; /* for that limit */
	struct span reason;      /* for failed: what went wrong */
};

enum call_outcome { OUTCOME_UNKNOWN = 0, OUTCOME_ANSWERED, OUTCOME_NOT_SENT };

struct msg_outcome {
	uint64_t call_id;
	uint8_t outcome; /* enum call_outcome; NOT_SENT: no byte left, charges are refunded */
	uint8_t is_error;
	uint32_t http_status;
	uint64_t upstream_us;
	struct span result_sha256; /* 32 bytes, or "" */
	struct span detail;        /* for a failure, in words */
};

enum event_kind {
	EVENT_NET_DENIED = 0, /* net.denied: a destination or request that was refused */
	EVENT_CONN_OPEN,      /* conn.open: a connection to an allowed server */
	EVENT_TOOLS_LISTED,   /* tools.listed */
	EVENT_EGRESS_ALLOWED, /* net.allowed: a request, or a tunnel, to an `egress` host */
	/*
	 * A connection within the jail's own loopback that nothing listens for. No refusal of ours,
	 * so no record; the summary tells it, because the host's loopback may have been meant.
	 */
	EVENT_LOOPBACK_REFUSED,
	EVENT_KINDS,
};

/* Of what is no network: what the rule would allow is what the summary is told by. */
#define EVENT_PROTOCOL_JAIL                                                                        \
	"jail"                     /* a system call; the rule: /jail/nested_sandbox, /jail/ptrace  \
				    */
#define EVENT_PROTOCOL_UNIX "unix" /* a socket of the machine's; its path: the detail */

struct msg_event {
	uint8_t kind;
	uint64_t conn;
	/* EVENT_PROTOCOL_JAIL, EVENT_PROTOCOL_UNIX, "tcp", "tls", "http", "https", "websocket",
	 * "connect", "ssh", "loopback", "dns"; of datagrams the name of their protocol: "udp",
	 * "icmp" */
	struct span protocol;
	struct span host;    /* name as the agent gave it, or "" */
	struct span address; /* the destination address as text, or "" */
	uint32_t port;
	uint32_t status; /* HTTP status that was answered; 0: none */
	struct span rule;
	struct span reason;
	struct span detail; /* request line, tool names, …: for people */
	struct span exec;   /* as in struct msg_call */
};

struct msg_tools_served {
	struct span server;
	struct span tools; /* JSON array */
};

struct msg_dial {
	uint64_t dial_id;
	struct span host;
	uint32_t port;
};

enum dial_status { DIAL_REFUSED = 0, DIAL_OK, DIAL_UNRESOLVED, DIAL_UNREACHABLE, DIAL_TIMEOUT };

struct msg_dialed {
	uint64_t dial_id;
	uint8_t status;
	struct span address; /* that was dialled, as text */
	struct span reason;  /* in words */
};

struct msg_who {
	uint64_t conn;
	struct span agent; /* address of the agent's end, as text */
	uint32_t agent_port;
	struct span destination; /* what it believes to be connected to */
	uint32_t destination_port;
};

struct msg_process {
	uint64_t conn;
	/*
	 * A JSON object {"id","pid","start_ns","exe","argv":[…],"parents":[{"pid","exe"},…]};
	 * "" if it could not be found: it is gone, or the machine does not tell.
	 */
	struct span exec;
};

struct msg_destination {
	struct span agent; /* the connection's source, as the proxy will see it */
	uint32_t agent_port;
	struct span address; /* where the agent wanted to go */
	uint32_t port;
	struct span exec; /* as in struct msg_process */
};

struct msg_resolver {
	struct span address; /* of the resolver that was meant */
	uint8_t is_foreign;  /* none of the machine's own */
};

struct msg_trust {
	struct span ca_pem;
	uint32_t ca_subject_hash;
};

struct msg_jail_ready {
	struct span layers; /* comma-separated */
};

struct msg_jail_failed {
	struct span where, what, mend; /* a struct error */
};

struct msg_execed {
	uint32_t error; /* errno of exec; 0: it runs */
};

struct msg_signal {
	uint32_t signo;
};

struct msg_stopped {
	uint32_t signo;
};

struct msg_exited {
	uint8_t is_alone; /* nothing of the agent's is left in the jail */
	uint32_t wait_status;
};

struct message_rule {
	const char *name;
	enum role from, to;
	unsigned phases; /* in which it may arrive */
	unsigned opens;  /* phases that its arrival opens; replaces the current ones unless 0 */
	const struct wire_type *payload; /* NULL: empty */
	size_t fds_min, fds_max;
};

/** message_rule() - The table's entry, or NULL for a type that does not exist */
const struct message_rule *message_rule(unsigned type);

#endif
