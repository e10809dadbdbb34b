// SPDX-License-Identifier: Apache-2.0
#include "commands/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "policy_change.h"
#include "policy_parts.h"

static int command_help(char **arguments);

/* clang-format off */
static const struct {
	const char *name;
	int (*run)(char **arguments);
	const char *usage; /* NULL: not listed */
} subcommands[] = {
	{"check", policy_check,
	 "check [--json] [FILE]\n"
	 "    Whether a policy loads; every error with line, column and JSON pointer.\n"
	 "    Without FILE: the policy that a run would use.\n"
	 "    exit status: 0 sound, 1 wrong, 2 cannot be read\n"},
	{"test", policy_test,
	 "test [--json] [FILE]\n"
	 "    Judge the calls of the policy's `tests`, and say which are not judged as expected.\n"
	 "    exit status: 0 all are, 1 one is not, 2 there are none, or the policy is wrong\n"},
	{"explain", policy_explain_command,
	 "explain [--json] [FILE] --call CALL\n"
	 "    Judge one call, stage by stage. CALL is a file that holds {\"tool\",\"arguments\"}, and\n"
	 "    as needed server, grant, session, and earlier: [{\"tool\",\"result\"}]; -: standard\n"
	 "    input. Limits are judged as if nothing had been charged.\n"
	 "    exit status: 0 allow, 1 deny, 3 ask a person, 2 cannot say\n"},
	{"diff", policy_diff,
	 "diff [--json] OLD NEW\n"
	 "    What becomes allowed or denied, and by which rules.\n"
	 "    exit status: 0 nothing, 1 something, 2 trouble\n"},
	{"init", policy_init,
	 "init [--json] --from-server URL | --from-run RUN\n"
	 "    A policy to begin with, on standard output: from the tools that a server lists, or\n"
	 "    from what a run did. What was inferred, and why, goes to standard error.\n"
	 "    exit status: 0 done, 1 there is nothing to infer it from, 2 cannot be read\n"},
	{"allow", policy_allow,
	 "allow [--json] [-p FILE] HOST[:PORT]… [--tool NAME]…\n"
	 "    Let the agent reach HOST by https, or call the tool NAME, from the next run on.\n"
	 "    Without FILE: your own policy, ~/.config/mcpjail/policy.json, which is made from\n"
	 "    the policy in force if you have none.\n"},
	{"deny", policy_deny,
	 "deny [--json] [-p FILE] HOST[:PORT]…\n"
	 "    Take out what allow put in.\n"
	 "    exit status of both: 0 done, 1 the policy is wrong, 2 cannot be read or written;\n"
	 "    unless it is 0, the file is as it was\n"},
	{"help", command_help, NULL},
	{"--help", command_help, NULL},
	{"-h", command_help, NULL},
};
/* clang-format on */

static void print_usage(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (subcommands[i].usage)
			fprintf(out, "%s mcpjail policy %s",
				i ? "      " : "usage:", subcommands[i].usage);
}

static int command_help(char **arguments)
{
	(void)arguments;
	print_usage(stdout);
	return POLICY_EXIT_SOUND;
}

int command_policy(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return POLICY_EXIT_CANNOT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(argv[1], subcommands[i].name))
			return subcommands[i].run(argv + 2);
	log_error("policy %s: no such command; `mcpjail policy help` lists them", argv[1]);
	return POLICY_EXIT_CANNOT;
}
