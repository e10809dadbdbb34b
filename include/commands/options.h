/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/options.h - options of `mcpjail run`, by a table
 */
#ifndef MCPJAIL_COMMANDS_OPTIONS_H
#define MCPJAIL_COMMANDS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "commands/destination.h"
#include "ipc/messages.h"
#include "jail/jail.h"

#define OPTIONS_ALLOW_MAX   64
#define OPTIONS_PRESETS_MAX 16
#define OPTIONS_FORWARD_MAX 16
#define OPTIONS_ENV_MAX     64

enum fail_on { FAIL_ON_DENIED = 1, FAIL_ON_UNKNOWN = 2, FAIL_ON_LOST = 4 };

struct dial_to { /* one --connect-to; "" and 0 mean any */
	char host[IPC_HOST_MAX + 1];
	uint16_t port;
	char address[IPC_HOST_MAX + 1];
	uint16_t address_port;
};

struct run_options {
	const char *policy_path; /* NULL: look in the usual places */
	const char *grant;
	const char *run_dir;     /* NULL: below the state directory */
	const char *upstream_ca; /* NULL: the system's roots only */
	const char *summary_path;
	const char *require; /* comma-separated layers; NULL: none */
	const char *write_dirs[JAIL_WRITE_DIRS_MAX];
	size_t n_write_dirs;
	struct dial_to dial_to[IPC_DIALTO_MAX];
	size_t n_dial_to;
	struct destination allow[OPTIONS_ALLOW_MAX];
	size_t n_allow;
	const char *presets[OPTIONS_PRESETS_MAX]; /* that exist */
	size_t n_presets;
	bool observe;
	bool no_preset_by_name; /* --preset none */
	bool tier_is_forced;
	enum jail_tier tier; /* if it is */
	uint16_t forward_ports[OPTIONS_FORWARD_MAX];
	size_t n_forward_ports;
	const char *pass_env[OPTIONS_ENV_MAX]; /* names; `*` is any run of characters */
	size_t n_pass_env;
	uint64_t timeout_ms; /* 0: none */
	unsigned fail_on;    /* mask of enum fail_on */
	int verbosity;       /* -1 quiet, 0, 1, 2 */
	bool help;
	char **command; /* NULL-terminated; borrows from argv */
};

/**
 * options_parse() - Read the arguments behind `mcpjail` or `mcpjail run`
 * @argv: Without the program's or the subcommand's name; NULL-terminated
 *
 * $MCPJAIL_GRANT is the grant's default.
 *
 * Return: 0; -EINVAL with @err filled, which names the option and what would be right
 */
int options_parse(char **argv, struct run_options *ret, struct error *err);

/** options_print_help() - The table, as help */
void options_print_help(FILE *out);

#endif
