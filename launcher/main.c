// SPDX-License-Identifier: Apache-2.0
/*
 * One program, several commands; the roles of a run are this program too, started by the
 * supervisor as `mcpjail --role=NAME`.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "commands/doctor.h"
#include "commands/policy.h"
#include "commands/reload.h"
#include "commands/run.h"
#include "commands/trace.h"
#include "commands/verify.h"
#include "roles/roles.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

static int print_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	run_print_help(stdout);
	return 0;
}

static int print_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("mcpjail " MCPJAIL_VERSION);
	return 0;
}

static int run_named(int argc, char **argv)
{
	return command_run(argc - 1, argv + 1);
}

static const struct command commands[] = {
	{"run", run_named},           {"policy", command_policy}, {"verify", command_verify},
	{"reload", command_reload},   {"trace", command_trace},   {"doctor", command_doctor},
	{"help", print_help},         {"--help", print_help},     {"-h", print_help},
	{"--version", print_version},
};

static const struct {
	const char *argument;
	int (*run)(int supervisor_fd);
} roles[] = {
	{"--role=keeper", keeper_main},
	{"--role=dialer", dialer_main},
	{"--role=proxy", proxy_main},
	{"--role=broker", broker_main},
};

/* A person who types --role by hand has no supervisor at descriptor 3. */
static int run_role(int (*run)(int), const char *argument)
{
	int type = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(ROLE_CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &size) ||
	    type != SOCK_SEQPACKET) {
		log_error("%s is how mcpjail starts its own parts, not a command", argument);
		return EXIT_NO_JAIL;
	}
	/* What exit(3) would tidy is memory; a role's end is what the person waits for. */
	_exit(run(ROLE_CHANNEL_FD));
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		run_print_help(stderr);
		return EXIT_NO_JAIL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (!strcmp(argv[1], roles[i].argument))
			return run_role(roles[i].run, argv[1]);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return command_run(argc - 1, argv + 1);
}
