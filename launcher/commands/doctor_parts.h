/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/doctor_parts.h - what the parts of the doctor share
 *
 *	doctor.c         options, and what is told
 *	doctor_host.c    policy, state, certificates; where we are
 *	doctor_tiers.c   which tiers work, and what each cannot give
 *	doctor_settings.c settings of the kernel, and AppArmor's profile
 *	doctor_probes.c  what a jail is made of, tried piece by piece
 *	doctor_mends.c   what helps where a piece is missing
 *	doctor_jail.c    a place to work in; jails, made by this very program
 *	doctor_tls.c     the runtimes
 *	doctor_server.c  the server that they talk to
 */
#ifndef MCPJAIL_COMMANDS_DOCTOR_PARTS_H
#define MCPJAIL_COMMANDS_DOCTOR_PARTS_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define DOCTOR_TEXT_MAX   512
#define DOCTOR_CHECKS_MAX 32
#define DOCTOR_OUTPUT_MAX 65536                 /* bytes of a child's output that are looked at */
#define DOCTOR_HOST       "doctor.mcpjail.test" /* a name that is nobody's (RFC 6761 §6.2) */

enum check_state { CHECK_MISSING = 0, CHECK_UNTRIED, CHECK_OK };

enum check_weight {
	CHECK_NEEDED = 0, /* no jail without it */
	CHECK_TIER_A,     /* no tier a without it */
	CHECK_TIER_B,     /* no tier b without it */
	CHECK_WANTED,     /* a jail holds without it, but something is missed */
	CHECK_SETTING,    /* of the kernel: missing is what stands in the way */
	CHECK_MACHINE,    /* nothing of the jail's: what runs here will meet */
	CHECK_WEIGHTS
};

struct check {
	const char *name, *gives;
	enum check_weight weight;
	enum check_state state;
	char detail[DOCTOR_TEXT_MAX]; /* "" if there is nothing to say */
	char mend[DOCTOR_TEXT_MAX];   /* the command that helps; "" if nothing has to be mended */
};

/* Where we are. */
struct host_facts {
	char kernel[128];
	const char *container; /* "docker", "podman", …; NULL: none that shows */
	bool is_root;
	bool is_in_userns; /* root here, if at all, is not the machine's */
	bool has_filter;   /* somebody put a seccomp filter on us */
	bool is_in_a_jail; /* of mcpjail */
};

/** host_facts_read() - Never fails: what cannot be seen is not there */
void host_facts_read(struct host_facts *ret);

/** host_checks() - Policy, state directory, certificates, proxy. Return: how many; at most @max */
size_t host_checks(struct check *ret, size_t max);

/** settings_checks() - Those that this kernel has. Return: how many; at most @max */
size_t settings_checks(const struct host_facts *facts, struct check *ret, size_t max);

/** apparmor_print() - AppArmor's profile for this program, wherever it lies. Return: 0; -errno */
int apparmor_print(void);

/**
 * probes_run() - Try each piece of a jail, in a child process of its own
 *
 * Return: how many checks were filled; at most @max
 */
size_t probes_run(const struct host_facts *facts, struct check *ret, size_t max);

/* --- jails --- */

struct doctor_place {
	char path[PATH_MAX / 2]; /* "": none. Holds work/, state/ and policy.json */
	char self[PATH_MAX];     /* this program */
};

/** doctor_place_make() - A directory of our own, 0700. Return: 0; -errno */
int doctor_place_make(struct doctor_place *ret);
void doctor_place_remove(struct doctor_place *place);

struct doctor_command {
	const char *const *options;     /* of mcpjail, NULL-terminated; NULL: none */
	const char *const *argv;        /* NULL-terminated */
	const char *const *environment; /* "NAME=value", NULL-terminated; NULL: none */
	unsigned timeout_s;
};

/**
 * doctor_hold_signals() - Let what would end the doctor wait until its place is gone
 * @ret_before: To be given to sigprocmask(SIG_SETMASK) then
 */
void doctor_hold_signals(sigset_t *ret_before);

/** doctor_is_ending() - Whether such a signal has come */
bool doctor_is_ending(void);

/**
 * doctor_run() - Run a command in a jail
 * @ret_output: Bound by DOCTOR_OUTPUT_MAX: standard output and error; more of it is dropped
 *
 * Return: exit status, 128+n for a signal; -ETIMEDOUT or -EINTR (doctor_is_ending()) if it
 * was killed; -errno
 */
int doctor_run(const struct doctor_place *place, const struct doctor_command *command,
	       struct buf *ret_output);

struct jail_verdict {
	char tier[8];                 /* "": no jail */
	char layers[192];             /* comma-separated */
	char reason[DOCTOR_TEXT_MAX]; /* without a tier: mcpjail's own words */
};

/**
 * doctor_try_jail() - Make one, run nothing in it, read its records
 * @tier: "a", "b"; NULL: the one that a run would choose
 */
void doctor_try_jail(const struct doctor_place *place, const char *tier, struct jail_verdict *ret);

/* --- tiers --- */

#define DOCTOR_TIERS      2
#define DOCTOR_CANNOT_MAX 8

struct tier_verdict {
	const char *name, *means;
	struct jail_verdict jail;
	bool is_chosen;                        /* by a run that is not told which */
	const char *cannot[DOCTOR_CANNOT_MAX]; /* what it cannot give here; NULL-terminated */
};

/**
 * tiers_examine() - Try each, and find out which a run would choose
 * @ret_reason: Why none works; "" if one does
 */
void tiers_examine(const struct doctor_place *place, struct tier_verdict ret[DOCTOR_TIERS],
		   char ret_reason[DOCTOR_TEXT_MAX]);

/* --- TLS --- */

struct doctor_server {
	pid_t pid; /* 0: none */
	uint16_t port;
	int seen_fd; /* a line for each request that came: its path */
	char ca_path[PATH_MAX];
};

/**
 * doctor_server_start() - Serve DOCTOR_HOST on a port of 127.0.0.1, from a process of its own
 *
 * Writes the certificate to trust, of an authority made for this, into the place.
 *
 * Return: 0; -errno; -EIO if OpenSSL will not
 */
int doctor_server_start(const struct doctor_place *place, struct doctor_server *ret);
void doctor_server_stop(struct doctor_server *server);

/** doctor_server_saw() - Whether a request for @path, or below it, came since the last asking */
bool doctor_server_saw(struct doctor_server *server, const char *path);

struct runtime_verdict {
	const char *name, *shows;
	char version[128];
	bool is_trusting;
	unsigned took_ms;
	char detail[DOCTOR_TEXT_MAX]; /* without trust: the program's last words */
	const char *mend;             /* NULL: nothing to mend */
};

/**
 * runtimes_try() - Each runtime that is found, in a jail, towards the server
 * @tier: Of these jails
 * @tell: Called for each as soon as it is known
 *
 * Return: 0; -errno if there is no server to talk to
 */
int runtimes_try(const struct doctor_place *place, const char *tier,
		 void (*tell)(void *context, const struct runtime_verdict *verdict), void *context);

#endif
