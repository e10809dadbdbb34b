// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "commands/trace.h"
#include "commands/verify.h"
#include "ledger/ledger.h"
#include "ledger/scan.h"
#include "ledger/verify.h"

/* ESC, a C1 control, a right-to-left override, a line separator */
#define HOSTILE                                                                                    \
	"x\x1b[2Jy\xc2\x9bz\xe2\x80\xae"                                                           \
	"w\xe2\x80\xa8v"

#define HOSTILE_JSON                                                                               \
	"x\\u001b[2Jy\xc2\x9bz\xe2\x80\xae"                                                        \
	"w\xe2\x80\xa8v"
#define CURL "{\"id\":\"5-1-2\",\"pid\":5,\"exe\":\"/usr/bin/curl\"}"
#define NODE "{\"id\":\"6-1-2\",\"pid\":6,\"exe\":\"/opt/" HOSTILE_JSON "\"}"

struct fixture {
	char dir[64];
	char out[65536];
};

static void make_run(const char *state_dir, const char *run_id, const char *tool)
{
	char path[256];
	struct ledger *l = NULL;
	struct record *r;
	int fd;

	snprintf(path, sizeof(path), "%s/mcpjail/runs/%s", state_dir, run_id);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ledger_new(fd, run_id, &l), 0);
	for (uint64_t i = 0; i < 2; i++) {
		r = ledger_begin(l, "call.decision");
		record_u64(r, "call_id", i);
		record_string(r, "method", span_of("tools/call"));
		record_string(r, "tool", span_of(tool));
		record_json(r, "args", span_of("{\"a\":\"" HOSTILE "\"}"));
		record_string(r, "verdict", span_of(i ? "deny" : "allow"));
		record_string(r, "rule", span_of("/default"));
		record_string(r, "reason", span_of(i ? "not listed" : ""));
		record_json(r, "exec", span_of(i ? NODE : CURL));
		assert_int_equal(ledger_commit(l), 0);
	}
	r = ledger_begin(l, "call.result");
	record_u64(r, "call_id", 0);
	record_string(r, "outcome", span_of("answered"));
	record_u64(r, "http_status", 200);
	record_bool(r, "is_error", true);
	record_ms(r, "upstream_ms", 1234);
	assert_int_equal(ledger_commit(l), 0);
	r = ledger_begin(l, "net.denied");
	record_string(r, "protocol", span_of("tls"));
	record_string(r, "host", span_of("example.com"));
	record_string(r, "reason", span_of(HOSTILE));
	record_u64(r, "port", 443);
	record_json(r, "exec", span_of("{\"unknown\":\"" HOSTILE_JSON "\"}"));
	assert_int_equal(ledger_commit(l), 0);
	r = ledger_begin(l, "net.allowed");
	record_string(r, "protocol", span_of("https"));
	record_string(r, "host", span_of("api.example.com"));
	record_string(r, "rule", span_of("/egress/0"));
	record_string(r, "detail", span_of("POST /v1/" HOSTILE));
	record_u64(r, "port", 443);
	assert_int_equal(ledger_commit(l), 0);
	r = ledger_begin(l, "net.denied");
	record_u64(r, "suppressed", 4711);
	record_string(r, "reason", span_of("no more than that"));
	assert_int_equal(ledger_commit(l), 0);
	ledger_free(l);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128];

	strcpy(f->dir, "/tmp/mcpjail-trace-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/mcpjail", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/runs");
	assert_int_equal(mkdir(path, 0700), 0);
	setenv("XDG_STATE_HOME", f->dir, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* Run a command with its standard output in f->out. */
static int capture(struct fixture *f, int (*command)(int, char **), char **argv)
{
	FILE *file = tmpfile();
	int argc = 0, saved, status;
	size_t n;

	while (argv[argc])
		argc++;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	status = command(argc, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	n = fread(f->out, 1, sizeof(f->out) - 1, file);
	f->out[n] = '\0';
	fclose(file);
	return status;
}

static void test_trace_lists_calls_and_denials_of_the_last_run(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"trace", NULL};

	make_run(f->dir, "20260102T030405-00000001", "old_tool");
	make_run(f->dir, "20260102T030406-00000000", "new_tool");
	assert_int_equal(capture(f, command_trace, argv), 0);
	assert_null(strstr(f->out, "old_tool"));
	assert_non_null(strstr(f->out, "allow  new_tool  /default  error  HTTP 200  1.234 ms"));
	assert_non_null(strstr(f->out, "deny   new_tool  /default"));
	assert_non_null(strstr(f->out, "reason not listed"));
	assert_non_null(strstr(f->out, "deny   tls example.com:443"));
	assert_non_null(strstr(f->out, "pass   https api.example.com:443  POST /v1/"));
	assert_non_null(strstr(f->out, "  /egress/0\n"));
	assert_non_null(strstr(f->out, "deny   4711 more  no more than that\n"));
	assert_non_null(strstr(f->out, "              by curl[5]\n"));
	assert_non_null(strstr(f->out, "              by x\\x1b[2Jy\\u{9b}z"));
	assert_non_null(strstr(f->out, "v[6]\n"));
	assert_non_null(strstr(f->out, "              by a process that is not known: x\\x1b[2J"));
}

static void test_trace_shows_one_process_if_told_so(void **state)
{
	static const struct {
		const char *what;
		bool curl, node;
	} cases[] = {
		{"5", true, false},
		{"curl", true, false},
		{"/usr/bin/curl", true, false},
		{"/opt/" HOSTILE, false, true},
		{"6", false, true},
		{"url", false, false},
		{"unknown", false, false},
	};
	struct fixture *f = *state;

	make_run(f->dir, "20260102T030405-00000001", "tool");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *what = strdup(cases[i].what);
		char *argv[] = {"trace", "--process", what, NULL};
		char *json[] = {"trace", "--json", "--process", what, NULL};

		assert_int_equal(capture(f, command_trace, argv), 0);
		assert_int_equal(strstr(f->out, "by curl[5]") != NULL, cases[i].curl);
		assert_int_equal(strstr(f->out, "v[6]") != NULL, cases[i].node);
		assert_null(strstr(f->out, "example.com"));
		assert_int_equal(capture(f, command_trace, json), 0);
		/* What became of a call goes with it. */
		assert_int_equal(strstr(f->out, "call.result") != NULL, cases[i].curl);
		assert_int_equal(strstr(f->out, "\"verdict\":\"deny\"") != NULL, cases[i].node);
		free(what);
	}
}

static void test_trace_finds_a_run_by_the_end_of_its_id(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"trace", "a1b2", NULL};

	assert_int_equal(capture(f, command_trace, argv), EXIT_FAILURE);
	make_run(f->dir, "20260102T030405-a1b2", "meant");
	make_run(f->dir, "20260102T030406-0a1b2", "other");
	assert_int_equal(capture(f, command_trace, argv), EXIT_SUCCESS);
	assert_non_null(strstr(f->out, "  meant  "));
	/* Which of two is a guess. */
	make_run(f->dir, "20260102T030407-a1b2", "later");
	assert_int_equal(capture(f, command_trace, argv), EXIT_FAILURE);
}

static void test_trace_of_a_quiet_run_says_so(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"trace", "--process", "nobody", NULL};

	make_run(f->dir, "20260102T030405-00000001", "tool");
	assert_int_equal(capture(f, command_trace, argv), EXIT_SUCCESS);
	assert_non_null(strstr(f->out, "\nno calls, no denials of such a process\n"));
	argv[1] = NULL;
	assert_int_equal(capture(f, command_trace, argv), EXIT_SUCCESS);
	assert_null(strstr(f->out, "no calls"));
}

static void test_trace_shows_no_control_characters(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"trace", "20260102T030405-00000001", NULL};

	make_run(f->dir, "20260102T030405-00000001", HOSTILE);
	assert_int_equal(capture(f, command_trace, argv), 0);
	for (const char *p = f->out; *p; p++)
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	assert_non_null(strstr(f->out, "x\\x1b[2Jy"));
}

static void test_trace_json_is_ascii_and_keeps_its_value(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"trace", "20260102T030405-00000001", "--json", NULL};
	int lines = 0;

	make_run(f->dir, "20260102T030405-00000001", HOSTILE "\xf0\x9f\x98\x80");
	assert_int_equal(capture(f, command_trace, argv), 0);
	for (char *line = strtok(f->out, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		char tool[128];

		for (const char *p = line; *p; p++)
			assert_in_range(*p, 0x20, 0x7e);
		assert_true(scan_is_value(span_of(line)));
		if (lines)
			continue;
		assert_true(scan_copy_string(scan_find(span_of(line), "tool"), tool, sizeof(tool)));
		assert_string_equal(tool, HOSTILE "\xf0\x9f\x98\x80");
	}
	assert_int_equal(lines, 6);
}

static void test_commands_say_when_there_is_no_such_run(void **state)
{
	struct fixture *f = *state;
	char *trace[] = {"trace", "nothing", NULL}, *last[] = {"trace", NULL};
	char *verify[] = {"verify", "nothing", NULL}, *usage[] = {"verify", NULL};

	assert_int_equal(capture(f, command_trace, trace), 1);
	assert_int_equal(capture(f, command_trace, last), 1);
	assert_int_equal(capture(f, command_verify, verify), VERIFY_CANNOT);
	assert_int_equal(capture(f, command_verify, usage), VERIFY_CANNOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_trace_lists_calls_and_denials_of_the_last_run),
		TEST(test_trace_shows_one_process_if_told_so),
		TEST(test_trace_finds_a_run_by_the_end_of_its_id),
		TEST(test_trace_of_a_quiet_run_says_so),
		TEST(test_trace_shows_no_control_characters),
		TEST(test_trace_json_is_ascii_and_keeps_its_value),
		TEST(test_commands_say_when_there_is_no_such_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
