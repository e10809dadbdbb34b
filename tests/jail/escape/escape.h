/* SPDX-License-Identifier: Apache-2.0 */
/**
 * escape.h - attempts to get out of the jail, as hostile code would make them
 *
 * A probe makes one attempt and tells what came of it; it does not know whether it is in a
 * jail. Run outside, where nothing stops it, it is its own positive control. Each runs in a
 * process and a session of its own, and ends by reached() or stopped(). What it changes it
 * changes back, because outside, as root, it succeeds.
 */
#ifndef MCPJAIL_TESTS_ESCAPE_H
#define MCPJAIL_TESTS_ESCAPE_H

#include <stddef.h>
#include <sys/socket.h>

#define PROBE_WAIT_MS  700  /* for an answer that nobody may give */
#define PROBE_LIMIT_MS 5000 /* one that takes longer is ended, which is told as TIMEOUT */
#define TARGET_BYTES   1024

struct probe {
	const char *name;
	const char *attempt; /* in words, for docs/THREATS.md */
	/*
	 * Outcomes that show that the jail held, each STEP:WHY or WHY alone: `socket:EPERM`.
	 * Anything else inside is a failure, and the same outside is none of a control.
	 */
	const char *held;
	void (*run)(const struct probe *);
	const char *target; /* {name} stands for a value of the world file */
	const char *held_b; /* in tier B, where it is another; begins with '!': not promised, why */
	const char *absent; /* an outcome outside that means: this kernel has no such thing */
	long nr;            /* without run: this system call, and its arguments */
	long args[6];
};

/* --- what a probe says, at its end ------------------------------------------- */

_Noreturn void reached(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** stopped() - The step that failed, by errno */
_Noreturn void stopped(const char *step);
/** stopped_by() - The step that failed, by a word of ours: OTHER, CLOSED, TIMEOUT, … */
_Noreturn void stopped_by(const char *step, const char *why);
/** stopped_unless() - For attempts of a single call: its result is zero or more on success */
_Noreturn void stopped_unless(long result, const char *step);
/** answered() - Wait for a line of one of our servers outside; @question may be NULL */
_Noreturn void answered(int fd, const char *question);

/* --- what it works on ----------------------------------------------------------- */

struct address {
	struct sockaddr_storage bytes;
	socklen_t size;
};

/** world() - A value of the world file; ends the probe if there is none */
const char *world(const char *name);
/** target() - The probe's target with the world's values put in; word @n of it, from 0 */
const char *target(const struct probe *probe, int n);
/** target_address() - Words 0 and 1 of the target: ADDRESS PORT */
struct address target_address(const struct probe *probe);
const struct sockaddr *address_of(const struct address *a);
/** path_address() - The unix address of a path, or with @is_abstract of a name */
struct address path_address(const char *path, int is_abstract);

/** first_inherited() - The first descriptor above 2 that the program was started with; or -1 */
int first_inherited(void);

#endif
