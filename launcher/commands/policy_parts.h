/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_parts.h - what the commands below `mcpjail policy` have in common
 *
 * Functions that return int return an exit status, 0 for success; what went wrong was said on
 * standard error then.
 */
#ifndef MCPJAIL_COMMANDS_POLICY_PARTS_H
#define MCPJAIL_COMMANDS_POLICY_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "policy/policy.h"

/* What each command means by 0 and 1 stands in mcpjail(1). */
enum policy_exit {
	POLICY_EXIT_SOUND = 0,
	POLICY_EXIT_WRONG = 1,
	POLICY_EXIT_CANNOT = 2,
	POLICY_EXIT_ASK = 3,
};

/* --- arguments ---------------------------------------------------------------- */

struct policy_option {
	const char *name;   /* "--json" */
	const char **value; /* NULL: it takes none */
	bool *is_given;     /* may be NULL if it takes a value */
};

struct policy_syntax {
	const char *usage; /* "policy check [--json] [FILE]" */
	const struct policy_option *options;
	size_t n_options;
	const char **files; /* holds @files_max, all NULL */
	size_t files_min, files_max;
};

/**
 * policy_read_arguments() - Options, and files, in any order; behind "--" files only
 * @arguments: Behind the command's name; NULL-terminated
 *
 * Return: 0; POLICY_EXIT_CANNOT
 */
int policy_read_arguments(const struct policy_syntax *syntax, char **arguments);

/* --- files ----------------------------------------------------------------------- */

/* A policy as it was read and, unless it is wrong, loaded. */
struct policy_text {
	char name[PATH_MAX]; /* what messages call it */
	struct buf text;
	struct policy *policy;       /* NULL: it is wrong */
	struct policy_errors errors; /* why */
};

void policy_text_free(struct policy_text *text);

#define autopolicytext __attribute__((cleanup(policy_text_free)))

/**
 * policy_text_read() - Read and load a policy
 * @file: NULL: the one that a run would use
 * @ret:  To be given to policy_text_free(), also after a failure
 *
 * Errors of the policy are not said, but kept.
 *
 * Return: 0; POLICY_EXIT_WRONG; POLICY_EXIT_CANNOT
 */
int policy_text_read(const char *file, struct policy_text *ret);

/** policy_text_load() - As policy_text_read(), but says the errors */
int policy_text_load(const char *file, struct policy_text *ret);

/** policy_text_json() - The text as a tree, to be released by the caller; NULL: out of memory */
json_t *policy_text_json(const struct policy_text *text);

/* --- saying --------------------------------------------------------------------- */

/** policy_print_errors() - Each on standard error, then how many there are */
void policy_print_errors(const char *name, const struct policy_errors *errors);

/** policy_cannot() - Say what is wrong. Return: POLICY_EXIT_CANNOT */
int policy_cannot(const struct error *err);

/** policy_print_json() - One line on standard output, in ASCII; NULL is out of memory */
int policy_print_json(const json_t *report);

/** policy_print_line() - A line on standard output, made safe for a terminal */
void policy_print_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- the commands ----------------------------------------------------------------- */

/* Each: @arguments behind the command's name; NULL-terminated. Return: exit status */
int policy_check(char **arguments);
int policy_test(char **arguments);
int policy_explain_command(char **arguments);
int policy_diff(char **arguments);
int policy_init(char **arguments);

#endif
