// SPDX-License-Identifier: Apache-2.0
#include "commands/verify.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/run_lookup.h"
#include "ledger/verify.h"

static const char usage[] =
	"usage: mcpjail verify [RUN] [--anchor ANCHOR]\n"
	"\n"
	"Checks that a run's ledger is whole and unchanged. RUN is a run's directory or id;\n"
	"without it, the last run is checked.\n"
	"ANCHOR is HASH:KEY, which the run printed at its end and somebody kept elsewhere;\n"
	"HASH alone will do: it covers the record that names the key.\n"
	"\n"
	"exit status: 0 complete, 1 tampered or truncated, 2 cannot check, 3 interrupted but "
	"whole\n";

static void print_result(const struct verify_result *result, const char *path, bool is_anchored)
{
	static const char *const words[] = {
		[VERIFY_COMPLETE] = "complete",
		[VERIFY_TAMPERED] = "TAMPERED",
		[VERIFY_CANNOT] = "cannot check",
		[VERIFY_INTERRUPTED] = "interrupted, whole so far",
	};
	char problem[ERROR_LINE_BYTES], shown[2 * sizeof(problem)];

	text_escape_terminal(path, strlen(path), shown, sizeof(shown));
	printf("%s: %s\n", shown, words[result->outcome]);
	if (result->outcome != VERIFY_COMPLETE) {
		error_format(&result->problem, problem, sizeof(problem));
		text_escape_terminal(problem, strlen(problem), shown, sizeof(shown));
		printf("  %s\n", shown);
	}
	if (result->outcome == VERIFY_CANNOT && !result->records)
		return;
	printf("  %lu records are in order", (unsigned long)result->records);
	if (result->outcome == VERIFY_INTERRUPTED)
		printf(", %lu of them signed", (unsigned long)result->signed_size);
	printf("\n");
	if (result->head[0])
		printf("  head %s:%s\n", result->head, result->fingerprint);
	if (result->outcome == VERIFY_CANNOT || result->outcome == VERIFY_TAMPERED)
		return;
	if (is_anchored)
		printf("  anchored\n");
	else
		printf("  unanchored: a ledger that was rebuilt whole would pass; give --anchor\n");
}

int command_verify(int argc, char **argv)
{
	static const struct option options[] = {{"anchor", required_argument, NULL, 'a'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *anchor = NULL;
	struct verify_result result;
	struct error err = {0};
	char path[PATH_MAX], line[ERROR_LINE_BYTES];
	autoclose int fd = -1;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'a') {
			anchor = optarg;
			continue;
		}
		if (option != 'h')
			log_error("verify: no such option, or its value is missing: %s",
				  argv[optind - 1]);
		fputs(usage, option == 'h' ? stdout : stderr);
		return option == 'h' ? EXIT_SUCCESS : VERIFY_CANNOT;
	}
	if (argc - optind > 1) {
		log_error("verify: one run at a time");
		return VERIFY_CANNOT;
	}
	if (run_lookup(argv[optind], path, &fd, &err)) {
		error_format(&err, line, sizeof(line));
		log_error("%s", line);
		return VERIFY_CANNOT;
	}
	verify_run(fd, anchor, &result);
	print_result(&result, path, anchor != NULL);
	return (int)result.outcome;
}
