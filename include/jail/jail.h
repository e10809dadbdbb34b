/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/jail.h - start the jail: namespaces, and their init
 *
 * jail_start() clones pid 1 of new user, network, mount, pid, ipc and uts namespaces.
 * init makes the jail stage by stage, and talks to the supervisor over its channel:
 *
 *	init                              supervisor
 *	MSG_JAIL_SOCKETS ------------->	  keeps them for the proxy
 *			 <-------------	  MSG_TRUST, at any time
 *	MSG_JAIL_READY   ------------->	  (the self-test has passed)
 *			 <-------------	  MSG_EXEC, once the proxy serves
 *	MSG_EXECED       ------------->	  it runs, or the errno of exec
 *			 <-------------	  MSG_SIGNAL, at any time from here on
 *	MSG_STOPPED, MSG_EXITED ------>
 *
 * A command that cannot be executed is reported by MSG_EXECED's errno; init then exits with 0.
 * Any stage that fails sends MSG_JAIL_FAILED instead, up to the place of MSG_EXECED, and
 * init exits with status 125: nothing ran. The supervisor's death, or its closing of the
 * channel, ends init and with it every process of the jail. init's own death without
 * MSG_EXITED or MSG_JAIL_FAILED before it is a broken jail.
 *
 * Descriptors of MSG_JAIL_SOCKETS, in this order; all non-blocking but the pty's master:
 *	0  TCP, listening on [::] and 0.0.0.0, transparent. Every TCP connection of the jail
 *	   but those to 127/8, ::1 and to port 53 arrives here; getsockname() of what accept()
 *	   returns is the destination the agent asked for (IPv4 as ::ffff:a.b.c.d)
 *	1  UDP port 53 of every address. Each datagram carries IPV6_PKTINFO with the address it
 *	   was sent to (IPv4 as ::ffff:a.b.c.d), IPv4 ones IP_PKTINFO as well. Answer from that
 *	   address: sendmsg() with IPV6_PKTINFO, also for a v4-mapped one
 *	2  TCP port 53 of every address, listening
 *	3  the pty's master: only if the spec has wants_pty
 *	3 or 4  the log of refused datagrams (jail/netlog.h): absent where the kernel has no
 *	   nfnetlink_log. Datagrams are refused all the same
 * 0–2 are IPv6 sockets that serve IPv4 too; IPv4 ones only where the kernel was built or booted
 * without IPv6 (SO_DOMAIN tells). All have passed a self-test and are empty.
 */
#ifndef MCPJAIL_JAIL_JAIL_H
#define MCPJAIL_JAIL_JAIL_H

#include <stdbool.h>
#include <sys/resource.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include "base/error.h"

#define JAIL_WRITE_DIRS_MAX 64
/*
 * At most; see MSG_JAIL_READY. Without "netlog" datagrams are refused but not recorded. Tier B has
 * of these seccomp, broker, landlock and processes, and "ports" and "signals", both Landlock's.
 */
#define JAIL_LAYERS         "namespaces,tproxy,netlog,mounts,seccomp,broker,landlock,processes"
#define JAIL_EXIT_BROKEN    125 /* init's exit status when a stage failed */

/* A list of the policy's strings, borrowed. */
struct jail_names {
	const char *const *items;
	size_t n;
};

/* DESIGN: what holds the agent. In both, all sockets to unix paths go by the broker. */
enum jail_tier {
	JAIL_TIER_A = 0, /* namespaces */
	JAIL_TIER_B,     /* none to be had: the broker connects on the agent's behalf */
};

/* 0: no limit of ours. */
struct jail_limits {
	uint64_t processes;  /* and threads */
	uint64_t memory;     /* bytes, of all processes where there is a cgroup; else of each */
	uint64_t open_files; /* of each process */
	uint64_t cpu_milli;  /* processors × 1000, of all processes; needs a cgroup */
};

struct bounds;       /* jail/bounds.h */
struct placeholders; /* jail/placeholders.h */

struct jail_spec {
	enum jail_tier tier;
	bool allows_nested_sandbox;  /* user namespaces of the agent's own */
	bool allows_ptrace;          /* of its own processes */
	struct jail_limits limits;   /* asked for */
	const struct bounds *bounds; /* how they are kept; NULL: not at all */
	struct jail_names sockets;   /* host unix sockets to be reached; absolute, `~` or `$PWD` */
	char *const *argv;           /* the agent's command, NULL-terminated */
	const char *cwd;             /* absolute */
	const char *run_dir, *state_dir; /* absolute; hidden from the agent wherever they lie */
	const char *
		policy_path; /* absolute; NULL or "": built in. Read-only inside wherever it lies */
	const char *home;    /* absolute; may be NULL */
	/*
	 * Names are followed link by link, so they are to be given unresolved: what of the way
	 * lies in a writable tree, the agent can neither move nor replace. That holds for
	 * policy_path, policy_name, state_dir and default_policy_dir.
	 */
	const char *policy_name; /* absolute, as the person wrote it; NULL: not named */
	/* Absolute; NULL: none. In a writable tree: read-only inside, and made (0700) if missing */
	const char *default_policy_dir;
	const char *passwd_home; /* absolute; NULL: none. Its credential stores are hidden, too */
	dev_t run_dev; /* run_dir's, as it was made. It is checked that this is hidden, … */
	ino_t run_ino; /* … unless this is 0 */
	const char *const *write_dirs; /* --write; absolute */
	size_t n_write_dirs;
	/*
	 * Filled by jail_start(), to be removed by the caller when the last process of the jail
	 * is gone, also if the jail was not made. NULL: what is missing is not kept from being made
	 */
	struct placeholders *placeholders;
	bool cwd_is_writable; /* cwd is neither / nor the home itself */
	/* As the policy writes them: see policy/surroundings.h for their forms. */
	struct jail_names read_paths, write_paths, hide_paths;
	struct jail_names pass_env, unset_env;
	struct jail_names set_env; /* "NAME=value" */
	bool wants_java_store;     /* Java is there: it needs a key store (trust/java_store.h) */
	struct rlimit files;       /* open files of the caller's; 0: as they are */
	int stdio[3];              /* what becomes the agent's 0, 1, 2; -1: the jail's pty */
	bool wants_pty;
	struct winsize winsize;
	const char *run_id;
};

/**
 * jail_start() - Clone the jail's init
 * @spec:            Read before this returns, and in init from its own copy of memory
 * @init_channel_fd: init's end of the channel; the caller closes its copy afterwards
 * @ret_pid:         init's pid, a child to be reaped; untouched on failure
 * @ret_pidfd:       CLOEXEC, owned by the caller
 *
 * The caller must have one thread and be dumpable (PR_SET_DUMPABLE 1): another process's
 * uid map cannot be written otherwise. Uids and gids mean the same inside as outside: all
 * of them for root, only the caller's own for others. init closes every descriptor of the
 * caller's but its channel and the spec's stdio, and dies with the calling thread.
 *
 * Directories are resolved here: what lies in a place that the jail hides is refused now.
 * A working directory or --write that is itself /tmp, /var/tmp or /dev/shm gets the jail's
 * private one, which is writable.
 *
 * Return: 0; -EOPNOTSUPP where the system makes no namespaces for us, or gives no rights over
 * them; -errno; always with @err filled
 */
int jail_start(const struct jail_spec *spec, int init_channel_fd, pid_t *ret_pid, int *ret_pidfd,
	       struct error *err);

#endif
