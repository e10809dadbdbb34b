// SPDX-License-Identifier: Apache-2.0
/* Longer than most: one fixture, a keeper with its peers, for all that is asked of it. */
/* A keeper in a child process, with the test as its supervisor and as its proxy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "ledger/scan.h"
#include "ledger/verify.h"
#include "policy/policy.h"
#include "roles/keeper.h"
#include "roles/roles.h"

#define POLICY "{\"version\":\"1\"}"

struct fixture {
	char dir[64];
	int state_fd, run_fd;
	pid_t keeper;
	struct channel keeper_of_supervisor, keeper_of_proxy, keeper_of_broker;
	uint64_t next_call;
};

static int open_dir(int at, const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(at, name, mode), 0);
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int policy_memfd(void)
{
	int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, POLICY, strlen(POLICY)), strlen(POLICY));
	return fd;
}

static void start_keeper(struct fixture *f)
{
	struct msg_keeper_config config = {.run_id = span_of("20260102T030405-00000001"),
					   .grant = span_of("ci"),
					   .command = span_of("[\"node\",\"agent.mjs\"]"),
					   .cwd = span_of("/work"),
					   .policy_path = span_of("/p/policy.json"),
					   .version = span_of("0.1.0")};
	int supervisor[2], proxy[2], broker[2], policy = policy_memfd();
	int fds[] = {f->run_fd, f->state_fd, policy, -1, -1};
	struct msg_keeper_ready ready;
	struct message m;

	assert_int_equal(channel_pair(supervisor), 0);
	assert_int_equal(channel_pair(proxy), 0);
	assert_int_equal(channel_pair(broker), 0);
	fds[3] = proxy[1];
	fds[4] = broker[1];
	f->keeper = fork();
	if (!f->keeper) {
		close(supervisor[0]);
		close(proxy[0]);
		close(broker[0]);
		_exit(keeper_main(supervisor[1]));
	}
	close(supervisor[1]);
	assert_int_equal(
		channel_open(&f->keeper_of_supervisor, supervisor[0], ROLE_SUPERVISOR, ROLE_KEEPER),
		0);
	assert_int_equal(channel_open(&f->keeper_of_proxy, proxy[0], ROLE_PROXY, ROLE_KEEPER), 0);
	assert_int_equal(channel_open(&f->keeper_of_broker, broker[0], ROLE_BROKER, ROLE_KEEPER),
			 0);
	assert_int_equal(
		channel_send_fds(&f->keeper_of_supervisor, MSG_KEEPER_CONFIG, &config, fds, 5), 0);
	assert_int_equal(channel_send(&f->keeper_of_supervisor, MSG_KEEPER_BEGIN,
				      &(struct msg_keeper_begin){0}),
			 0);
	close(proxy[1]);
	close(broker[1]);
	close(policy);
	assert_int_equal(channel_receive(&f->keeper_of_supervisor, &m), 1);
	assert_int_equal(m.type, MSG_KEEPER_READY);
	assert_int_equal(message_decode(&m, &ready), 0);
	assert_non_null(memmem(ready.ca_pem.p, ready.ca_pem.n, "BEGIN CERTIFICATE", 17));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int dir;

	strcpy(f->dir, "/tmp/mcpjail-keeper-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->state_fd = open_dir(dir, "state", 0700);
	f->run_fd = open_dir(dir, "run", 0700);
	close(dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f->keeper) {
		kill(f->keeper, SIGKILL);
		waitpid(f->keeper, NULL, 0);
	}
	channel_close(&f->keeper_of_proxy);
	channel_close(&f->keeper_of_broker);
	channel_close(&f->keeper_of_supervisor);
	close(f->state_fd);
	close(f->run_fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static struct msg_call new_call(struct fixture *f, const char *tool)
{
	static const uint8_t sha256[32] = {1, 2, 3};

	return (struct msg_call){.call_id = ++f->next_call,
				 .conn = 7,
				 .verdict = VERDICT_ALLOW,
				 .method = span_of("tools/call"),
				 .server = span_of("https://promptfax.app/mcp"),
				 .tool = span_of(tool),
				 .id_json = span_of("17"),
				 .args = span_of("{\"hostType\":\"other\"}"),
				 .args_sha256 = span_bytes(sha256, sizeof(sha256)),
				 .rule = span_of("/tools/start_session")};
}

static void add_limit(struct msg_call *call, enum limit_scope scope, uint64_t max)
{
	call->charges[call->n_charges++] =
		(struct msg_charge){.counter = span_of("start_session_rate"),
				    .scope = (uint8_t)scope,
				    .window_ms = 60000,
				    .max = max,
				    .amount = 1,
				    .rule = span_of("/tools/start_session/limits/0")};
}

/* The reason stays readable until the next message. */
static struct msg_call_verdict ask(struct fixture *f, const struct msg_call *call)
{
	struct msg_call_verdict verdict;
	struct message m;

	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_CALL, call), 0);
	assert_int_equal(channel_receive(&f->keeper_of_proxy, &m), 1);
	assert_int_equal(m.type, MSG_CALL_VERDICT);
	assert_int_equal(message_decode(&m, &verdict), 0);
	assert_int_equal(verdict.call_id, call->call_id);
	return verdict;
}

static void tell_outcome(struct fixture *f, uint64_t call_id, enum call_outcome outcome)
{
	struct msg_outcome message = {.call_id = call_id,
				      .outcome = (uint8_t)outcome,
				      .http_status = 200,
				      .upstream_us = 12345};

	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_OUTCOME, &message), 0);
}

static struct msg_ledger_closed end_run(struct fixture *f, struct message *m)
{
	struct msg_run_ended ended = {.child_exit = 42, .failure = span_of("")};
	struct msg_ledger_closed closed;

	assert_int_equal(channel_send(&f->keeper_of_supervisor, MSG_RUN_ENDED, &ended), 0);
	assert_int_equal(channel_receive(&f->keeper_of_supervisor, m), 1);
	assert_int_equal(m->type, MSG_LEDGER_CLOSED);
	assert_int_equal(message_decode(m, &closed), 0);
	return closed;
}

static int wait_for_keeper(struct fixture *f)
{
	int status;

	assert_int_equal(waitpid(f->keeper, &status, 0), f->keeper);
	f->keeper = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The @nth record of a type; the text stays in @text. */
static struct span find_record(struct fixture *f, const char *type, int nth, char *text,
			       size_t size)
{
	int fd = openat(f->run_fd, "ledger.jsonl", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size - 1);
	char quoted[64];

	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	snprintf(quoted, sizeof(quoted), "\"%s\"", type);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (span_equals(scan_find(span_of(line), "type"), quoted) && !nth--)
			return span_of(line);
	return (struct span){NULL, 0};
}

static void expect_field(struct span record, const char *key, const char *raw)
{
	struct span value = scan_find(record, key);
	char text[4096];

	assert_true(span_copy(value, text, sizeof(text)));
	assert_string_equal(text, raw);
}

static void expect_start(struct span record, const char *key, const char *start)
{
	struct span value = scan_find(record, key);

	if (value.n < strlen(start) || memcmp(value.p, start, strlen(start)))
		fail_msg("%s is %.*s", key, (int)value.n, value.p);
}

static enum verify_outcome verify(struct fixture *f, const char *anchor)
{
	struct verify_result result;

	verify_run(f->run_fd, anchor, &result);
	if (result.outcome == VERIFY_TAMPERED || result.outcome == VERIFY_CANNOT)
		print_message("%s: %s\n", result.problem.where, result.problem.what);
	return result.outcome;
}

static void test_run_is_recorded_and_verifies(void **state)
{
	static char text[65536];
	struct fixture *f = *state;
	struct msg_run_execed execed = {
		.tier = span_of("a"), .layers = span_of("namespaces,seccomp"), .pid = 99};
	struct msg_event event = {.kind = EVENT_NET_DENIED,
				  .protocol = span_of("tls"),
				  .host = span_of("example.com"),
				  .port = 443,
				  .rule = span_of("/default"),
				  .reason = span_of("not listed")};
	struct msg_event misspoken = {.kind = EVENT_NET_DENIED,
				      .protocol = span_of("https"),
				      .host = span_of("promptfax.app"),
				      .port = 443,
				      .rule = span_of("/server/url"),
				      .reason = span_of("wrong path")};
	struct msg_tools_served served = {.server = span_of("https://promptfax.app/mcp"),
					  .tools = span_of("[{\"name\":\"start_session\"}]")};
	struct msg_ledger_closed closed;
	struct msg_call call;
	struct span record;
	char anchor[128];
	struct message m;

	start_keeper(f);
	assert_int_equal(channel_send(&f->keeper_of_supervisor, MSG_RUN_EXECED, &execed), 0);
	call = new_call(f, "start_session");
	add_limit(&call, SCOPE_GRANT, 10);
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	tell_outcome(f, call.call_id, OUTCOME_ANSWERED);
	call = new_call(f, "send_fax");
	call.verdict = VERDICT_DENY;
	call.rule = span_of("/default");
	call.reason = span_of("not in the policy");
	assert_int_equal(ask(f, &call).verdict, VERDICT_DENY);
	call = new_call(f, "checkout");
	call.durable = 1;
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &misspoken), 0);
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_TOOLS_SERVED, &served), 0);
	closed = end_run(f, &m);
	assert_int_equal(closed.allowed, 2);
	assert_int_equal(closed.denied, 1);
	assert_int_equal(closed.unknown, 1);
	assert_int_equal(closed.lost, 0);
	assert_int_equal(closed.egress_refused, 4);
	assert_int_equal(closed.refused_requests, 1);
	assert_int_equal(closed.refused_elsewhere, 0);
	assert_int_equal(closed.n_refused, 1);
	assert_int_equal(closed.refused[0].count, 3);
	assert_int_equal(closed.failure.n, 0);
	snprintf(anchor, sizeof(anchor), "%.*s:%.*s", (int)closed.head.n, closed.head.p,
		 (int)closed.key_fingerprint.n, closed.key_fingerprint.p);
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(verify(f, anchor), VERIFY_COMPLETE);

	record = find_record(f, "call.decision", 0, text, sizeof(text));
	expect_field(record, "tool", "\"start_session\"");
	expect_field(record, "args", "{\"hostType\":\"other\"}");
	expect_field(record, "jsonrpc_id", "17");
	expect_field(
		record, "limits",
		"[{\"rule\":\"/tools/start_session/limits/0\",\"counter\":\"start_session_rate\","
		"\"max\":10,\"window_ms\":60000,\"amount\":1,\"current\":0}]");
	assert_int_equal(scan_find(record, "args_hmac").n, 66);
	record = find_record(f, "call.result", 0, text, sizeof(text));
	expect_field(record, "upstream_ms", "12.345");
	record = find_record(f, "call.outcome_unknown", 0, text, sizeof(text));
	expect_field(record, "call_id", "3");
	record = find_record(f, "run.start", 0, text, sizeof(text));
	expect_field(record, "seq", "0");
	expect_field(record, "argv", "[\"node\",\"agent.mjs\"]");
	record = find_record(f, "run.end", 0, text, sizeof(text));
	expect_field(record, "child_exit", "42");
	expect_field(record, "signal", "null");
}

static size_t count_records(struct fixture *f, const char *type)
{
	static char text[65536];
	size_t n = 0;

	while (find_record(f, type, (int)n, text, sizeof(text)).n)
		n++;
	return n;
}

static void test_the_process_stands_in_each_record_and_has_one_of_its_own(void **state)
{
	static char text[65536];
#define EXEC(pid)                                                                                  \
	"{\"id\":\"" #pid "-9-a\",\"pid\":" #pid ",\"start_ns\":90000000,\"exe\":\"/bin/c\","      \
	"\"argv\":[\"c\"],\"parents\":[]}"
	static const char *const execs[] = {EXEC(5), EXEC(5),   "{\"unknown\":\"gone\"}",
					    "",      "no JSON", EXEC(6)};
	struct fixture *f = *state;
	struct msg_event event = {.kind = EVENT_CONN_OPEN,
				  .protocol = span_of("tls"),
				  .host = span_of("example.com"),
				  .exec = span_of(EXEC(7))};
	struct message m;

	start_keeper(f);
	for (size_t i = 0; i < ARRAY_SIZE(execs); i++) {
		struct msg_call call = new_call(f, "start_session");

		call.exec = span_of(execs[i]);
		assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	event.kind = EVENT_NET_DENIED;
	event.exec = span_of("");
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	end_run(f, &m);
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);

	for (size_t i = 0; i < ARRAY_SIZE(execs); i++)
		expect_field(find_record(f, "call.decision", (int)i, text, sizeof(text)), "exec",
			     i == 3   ? "null"
			     : i == 4 ? "\"no JSON\""
				      : execs[i]);
	expect_field(find_record(f, "conn.open", 1, text, sizeof(text)), "exec", EXEC(7));
	assert_int_equal(scan_find(find_record(f, "net.denied", 0, text, sizeof(text)), "exec").n,
			 0);
	assert_int_equal(count_records(f, "proc.exec"), 3);
	for (int i = 0; i < 3; i++) {
		struct span record = find_record(f, "proc.exec", i, text, sizeof(text));
		static const char *const pids[] = {"5", "6", "7"};

		expect_field(record, "pid", pids[i]);
		expect_field(record, "start_ns", "90000000");
		expect_field(record, "exe", "\"/bin/c\"");
		expect_field(record, "argv", "[\"c\"]");
		expect_field(record, "parents", "[]");
	}
#undef EXEC
}

static void test_a_process_that_was_forgotten_is_recorded_again(void **state)
{
	struct fixture *f = *state;
	struct message m;

	start_keeper(f);
	for (int i = 0; i < KEEPER_PROCESSES_MAX + 2; i++) {
		struct msg_call call = new_call(f, "start_session");
		char exec[64];

		snprintf(exec, sizeof(exec), "{\"id\":\"%d\"}",
			 i < KEEPER_PROCESSES_MAX + 1 ? i : 0);
		call.exec = span_of(exec);
		assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	}
	assert_int_equal(end_run(f, &m).lost, 0);
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void test_limit_denies_and_names_the_charge(void **state)
{
	static char text[65536];
	struct fixture *f = *state;
	struct msg_call_verdict verdict;
	struct msg_call call;
	struct span record;

	start_keeper(f);
	for (int i = 0; i < 12; i++) {
		call = new_call(f, "start_session");
		add_limit(&call, SCOPE_GRANT, 10);
		verdict = ask(f, &call);
		assert_int_equal(verdict.verdict, i < 10 ? VERDICT_ALLOW : VERDICT_DENY);
	}
	assert_int_equal(verdict.failed, 0);
	assert_int_equal(verdict.limit, 0);
	assert_in_range(verdict.retry_after_ms, 50000, 60001);
	record = find_record(f, "call.decision", 11, text, sizeof(text));
	expect_start(record, "reason",
		     "\"the limit `start_session_rate` is used up: at most 10 per minute for this "
		     "grant; retry in ");
	expect_field(record, "rule", "\"/tools/start_session/limits/0\"");
	expect_field(record, "verdict", "\"deny\"");
	assert_non_null(scan_find(record, "retry_after_s").p);
	/* Not sent: the charge returns. */
	tell_outcome(f, 1, OUTCOME_NOT_SENT);
	call = new_call(f, "start_session");
	add_limit(&call, SCOPE_GRANT, 10);
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	/* Another scope is another counter. */
	call = new_call(f, "start_session");
	add_limit(&call, SCOPE_RUN, 10);
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	/* Another server has its own. */
	call = new_call(f, "start_session");
	call.server = span_of("https://other.example/mcp");
	add_limit(&call, SCOPE_GRANT, 10);
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
}

static void test_limit_denial_reads_as_the_agent_is_told(void **state)
{
	static const struct {
		enum limit_scope scope;
		uint64_t window_ms, max, amount;
		const char *start;
	} rows[] = {
		{SCOPE_SESSION, 90000, 0, 1,
		 "\"the limit `start_session_rate` allows at most 0 per 90 seconds in this "
		 "session, "
		 "which is the run, and this call counts 1: no such call can pass\""},
		{SCOPE_SERVER, 86400000, 100, 450,
		 "\"the limit `start_session_rate` allows at most 100 per day for this server, and "
		 "this call counts 450: no such call can pass\""},
		{SCOPE_GLOBAL, 1500, 0, 1,
		 "\"the limit `start_session_rate` allows at most 0 per 1500 ms in all, "},
	};
	static char text[65536];
	struct fixture *f = *state;

	start_keeper(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct msg_call call = new_call(f, "start_session");

		add_limit(&call, rows[i].scope, rows[i].max);
		call.charges[0].window_ms = rows[i].window_ms;
		call.charges[0].amount = rows[i].amount;
		assert_int_equal(ask(f, &call).verdict, VERDICT_DENY);
		expect_start(find_record(f, "call.decision", (int)i, text, sizeof(text)), "reason",
			     rows[i].start);
	}
}

/* --- refusals beyond number ------------------------------------------------------- */

struct denials_found {
	uint64_t single, suppressed; /* refusals with a record of their own, and those without */
	size_t summaries;            /* records of those without */
	bool last_is_end;
};

static struct denials_found find_denials(struct fixture *f)
{
	struct denials_found found = {0};
	FILE *file = fdopen(openat(f->run_fd, "ledger.jsonl", O_RDONLY | O_CLOEXEC), "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	assert_non_null(file);
	while ((n = getline(&line, &cap, file)) > 0) {
		struct span record = span_bytes(line, (size_t)n - 1), type;
		uint64_t suppressed;

		type = scan_find(record, "type");
		found.last_is_end = span_equals(type, "\"run.end\"");
		if (!span_equals(type, "\"net.denied\""))
			continue;
		if (!scan_u64(scan_find(record, "suppressed"), &suppressed)) {
			found.single++;
			continue;
		}
		assert_true(suppressed > 0);
		expect_start(record, "reason", "\"after the first 1000 of a run");
		found.suppressed += suppressed;
		found.summaries++;
	}
	free(line);
	fclose(file);
	return found;
}

static void refuse_many(struct fixture *f, int n)
{
	struct msg_event event = {.kind = EVENT_NET_DENIED,
				  .protocol = span_of("udp"),
				  .address = span_of("192.0.2.1"),
				  .port = 9,
				  .rule = span_of("/default"),
				  .reason = span_of("udp does not leave the jail")};

	for (int i = 0; i < n; i++)
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
}

static void test_refusals_beyond_number_are_counted_not_recorded(void **state)
{
	struct fixture *f = *state;
	struct denials_found found;
	struct msg_ledger_closed closed;
	struct msg_call call;
	struct message m;
	uint64_t from = clock_mono_ms(), seconds;

	start_keeper(f);
	refuse_many(f, 6000);
	/* Calls are recorded all the same. */
	call = new_call(f, "get_quote");
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	usleep(KEEPER_FLUSH_MS * 1300);
	found = find_denials(f);
	assert_true(found.summaries > 0);
	assert_int_equal(found.single + found.suppressed, 6000);
	refuse_many(f, 100);
	closed = end_run(f, &m);
	seconds = (clock_mono_ms() - from) / 1000 + 1;
	assert_int_equal(closed.egress_refused, 6100);
	assert_int_equal(closed.egress_allowed, 0);
	assert_int_equal(closed.refused[0].count, 6100);
	assert_int_equal(wait_for_keeper(f), 0);
	found = find_denials(f);
	assert_in_range(found.single, KEEPER_DENIALS_FIRST + KEEPER_DENIALS_A_SECOND,
			KEEPER_DENIALS_FIRST + (seconds + 1) * KEEPER_DENIALS_A_SECOND);
	assert_int_equal(found.single + found.suppressed, 6100);
	assert_in_range(found.summaries, 2, seconds + 2);
	assert_true(found.last_is_end);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

/* Filling the list of destinations hides no refusal but its name. */
static void test_refusals_beyond_the_list_are_counted(void **state)
{
	struct fixture *f = *state;
	struct msg_event event = {.kind = EVENT_NET_DENIED,
				  .protocol = span_of("tls"),
				  .host = span_of("telemetry.example"),
				  .rule = span_of("/default")};
	struct msg_ledger_closed closed;
	struct message m;

	start_keeper(f);
	for (event.port = 1; event.port <= IPC_REFUSED_MAX; event.port++)
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	event.host = span_of("exfiltration.example");
	for (int i = 0; i < 2; i++)
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	closed = end_run(f, &m);
	assert_int_equal(closed.egress_refused, IPC_REFUSED_MAX + 2);
	assert_int_equal(closed.n_refused, IPC_REFUSED_MAX);
	assert_int_equal(closed.refused_elsewhere, 2);
	assert_int_equal(closed.refused_requests, 0);
	assert_int_equal(wait_for_keeper(f), 0);
}

/* Of two connections to one host, the one without a word does not hide what the other was. */
static void test_the_telling_protocol_of_a_refused_host_is_kept(void **state)
{
	static const char *const protocols[] = {"tcp", "https", "tcp"};
	struct fixture *f = *state;
	struct msg_event event = {.kind = EVENT_NET_DENIED,
				  .host = span_of("example.org"),
				  .port = 443,
				  .rule = span_of("/default")};
	struct msg_event loopback = {.kind = EVENT_LOOPBACK_REFUSED,
				     .protocol = span_of("loopback"),
				     .address = span_of("127.0.0.1")};
	struct msg_ledger_closed closed;
	struct message m;

	start_keeper(f);
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		event.protocol = span_of(protocols[i]);
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	}
	for (loopback.port = 1; loopback.port <= 3 * KEEPER_LOOPBACK_MAX; loopback.port++)
		assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &loopback), 0);
	closed = end_run(f, &m);
	assert_int_equal(closed.egress_refused, 3);
	assert_int_equal(closed.n_refused, 1 + KEEPER_LOOPBACK_MAX);
	assert_true(span_equals(closed.refused[0].protocol, "https"));
	assert_int_equal(closed.refused[0].count, 3);
	assert_true(span_equals(closed.refused[1].protocol, "loopback"));
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(find_denials(f).single, 3);
}

static void test_few_refusals_are_all_recorded(void **state)
{
	struct fixture *f = *state;
	struct denials_found found;
	struct message m;

	start_keeper(f);
	refuse_many(f, KEEPER_DENIALS_FIRST);
	(void)end_run(f, &m);
	assert_int_equal(wait_for_keeper(f), 0);
	found = find_denials(f);
	assert_int_equal(found.single, KEEPER_DENIALS_FIRST);
	assert_int_equal(found.summaries, 0);
}

static void test_suppressed_refusals_are_counted_when_the_run_is_cut_short(void **state)
{
	struct fixture *f = *state;
	struct denials_found found;
	struct msg_call call;

	start_keeper(f);
	refuse_many(f, 3000);
	/* Once it is answered the keeper has seen all that came before. */
	call = new_call(f, "get_quote");
	(void)ask(f, &call);
	channel_close(&f->keeper_of_proxy);
	channel_close(&f->keeper_of_supervisor);
	assert_int_equal(wait_for_keeper(f), EXIT_FAILURE);
	found = find_denials(f);
	assert_int_equal(found.single + found.suppressed, 3000);
	assert_true(found.suppressed > 0);
	assert_int_equal(verify(f, NULL), VERIFY_INTERRUPTED);
}

static void test_stranger_texts_stay_inside_their_fields(void **state)
{
	static char text[65536];
	struct fixture *f = *state;
	struct msg_call call;
	struct span record;
	struct message m;

	start_keeper(f);
	call = new_call(f, "x\",\"verdict\":\"allow\n");
	call.verdict = VERDICT_DENY;
	call.args = span_of("{\"a\":1}\n{\"type\":\"run.end\"}");
	call.id_json = span_of("1,\"seq\":5");
	(void)ask(f, &call);
	(void)end_run(f, &m);
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
	record = find_record(f, "call.decision", 0, text, sizeof(text));
	expect_field(record, "verdict", "\"deny\"");
	expect_field(record, "args", "\"{\\\"a\\\":1}\\u000a{\\\"type\\\":\\\"run.end\\\"}\"");
	expect_field(record, "jsonrpc_id", "\"1,\\\"seq\\\":5\"");
}

static void expect_violation(struct fixture *f)
{
	assert_int_equal(wait_for_keeper(f), EXIT_FAILURE);
	assert_int_equal(verify(f, NULL), VERIFY_INTERRUPTED);
}

static void test_outcome_of_an_unknown_call_ends_the_keeper(void **state)
{
	start_keeper(*state);
	tell_outcome(*state, 5, OUTCOME_ANSWERED);
	expect_violation(*state);
}

/* --- another policy -------------------------------------------------------------- */

static const char other_policy[] = "{\"tools\":{}}";

static void await_taken(struct fixture *f)
{
	struct msg_policy_taken taken;
	struct message m;

	assert_int_equal(channel_receive(&f->keeper_of_supervisor, &m), 1);
	assert_int_equal(m.type, MSG_KEEPER_POLICY_TAKEN);
	assert_int_equal(message_decode(&m, &taken), 0);
	assert_int_equal(taken.failed, 0);
	message_free(&m);
}

static void bring_policy(struct fixture *f)
{
	const struct msg_keeper_policy policy = {span_of("/p/policy.json"),
						 span_of("policy.2.json")};
	autoclose int fd = memfd_create("policy", MFD_CLOEXEC);
	autoclose int copy =
		openat(f->run_fd, "policy.2.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, other_policy, strlen(other_policy)), strlen(other_policy));
	assert_int_equal(write(copy, other_policy, strlen(other_policy)), strlen(other_policy));
	assert_int_equal(
		channel_send_fds(&f->keeper_of_supervisor, MSG_KEEPER_POLICY, &policy, &fd, 1), 0);
	await_taken(f);
}

static void put_in_force(struct fixture *f, uint32_t number, bool is_that_one)
{
	struct hasher *h = hasher_new();
	struct span bytes = span_of(is_that_one ? other_policy : "{}");
	struct digest digest;
	struct msg_policy_in_force in_force;

	assert_int_equal(hasher_sha256(h, &bytes, 1, &digest), 0);
	hasher_free(h);
	in_force = (struct msg_policy_in_force){number, span_bytes(digest.b, DIGEST_BYTES)};
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_POLICY_IN_FORCE, &in_force), 0);
}

static void test_each_call_names_the_policy_that_judged_it(void **state)
{
	struct fixture *f = *state;
	char text[4096], sha256[80];
	struct msg_call call;
	struct message m;

	start_keeper(f);
	call = new_call(f, "start_session");
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	bring_policy(f);
	put_in_force(f, 1, true);
	await_taken(f);
	/* One that began under the first policy may come behind one that did not. */
	for (uint32_t i = 0; i < 2; i++) {
		call = new_call(f, "start_session");
		call.policy = 1 - i;
		assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	}
	assert_int_equal(count_records(f, "policy.loaded"), 2);
	span_copy(scan_find(find_record(f, "policy.loaded", 1, text, sizeof(text)), "sha256"),
		  sha256, sizeof(sha256));
	expect_field(find_record(f, "call.decision", 1, text, sizeof(text)), "policy_sha256",
		     sha256);
	span_copy(scan_find(find_record(f, "policy.loaded", 0, text, sizeof(text)), "sha256"),
		  sha256, sizeof(sha256));
	expect_field(find_record(f, "call.decision", 2, text, sizeof(text)), "policy_sha256",
		     sha256);
	(void)end_run(f, &m);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void test_a_policy_that_failed_is_recorded_and_forgotten(void **state)
{
	struct fixture *f = *state;
	char text[4096];

	start_keeper(f);
	bring_policy(f);
	assert_int_equal(channel_send(&f->keeper_of_supervisor, MSG_RELOAD_FAILED,
				      &(struct msg_reload_failed){span_of("no memory")}),
			 0);
	await_taken(f);
	expect_field(find_record(f, "policy.reload_failed", 0, text, sizeof(text)), "reason",
		     "\"no memory\"");
	put_in_force(f, 1, true);
	expect_violation(f);
}

static void test_a_policy_that_was_not_brought_ends_the_keeper(void **state)
{
	start_keeper(*state);
	put_in_force(*state, 1, true);
	expect_violation(*state);
}

static void test_another_policy_than_was_brought_ends_the_keeper(void **state)
{
	start_keeper(*state);
	bring_policy(*state);
	put_in_force(*state, 1, false);
	expect_violation(*state);
}

static void test_a_policy_out_of_order_ends_the_keeper(void **state)
{
	start_keeper(*state);
	bring_policy(*state);
	put_in_force(*state, 2, true);
	expect_violation(*state);
}

static void test_a_call_by_a_policy_to_come_ends_the_keeper(void **state)
{
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	bring_policy(f);
	call = new_call(f, "start_session");
	call.policy = 1;
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_CALL, &call), 0);
	expect_violation(f);
}

static void test_unknown_event_ends_the_keeper(void **state)
{
	struct fixture *f = *state;
	struct msg_event event = {.kind = EVENT_KINDS};

	start_keeper(f);
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_EVENT, &event), 0);
	expect_violation(f);
}

/* Both the breach and the run's end wait when the keeper looks; it takes the breach in last. */
static void test_breach_found_at_the_end_leaves_no_clean_end(void **state)
{
	static char text[65536];
	struct fixture *f = *state;
	struct msg_run_ended ended = {.child_exit = 0, .failure = span_of("")};

	start_keeper(f);
	kill(f->keeper, SIGSTOP);
	refuse_many(f, 1);
	tell_outcome(f, 5, OUTCOME_ANSWERED);
	assert_int_equal(channel_send(&f->keeper_of_supervisor, MSG_RUN_ENDED, &ended), 0);
	kill(f->keeper, SIGCONT);
	expect_violation(f);
	assert_null(find_record(f, "run.end", 0, text, sizeof(text)).p);
}

static void test_second_outcome_ends_the_keeper(void **state)
{
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	call = new_call(f, "get_quote");
	(void)ask(f, &call);
	tell_outcome(f, call.call_id, OUTCOME_ANSWERED);
	tell_outcome(f, call.call_id, OUTCOME_ANSWERED);
	expect_violation(f);
}

static void test_outcome_of_a_denied_call_ends_the_keeper(void **state)
{
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	call = new_call(f, "get_quote");
	call.verdict = VERDICT_ASK;
	assert_int_equal(ask(f, &call).verdict, VERDICT_DENY);
	tell_outcome(f, call.call_id, OUTCOME_ANSWERED);
	expect_violation(f);
}

static void test_repeated_call_id_ends_the_keeper(void **state)
{
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	call = new_call(f, "get_quote");
	(void)ask(f, &call);
	tell_outcome(f, call.call_id, OUTCOME_ANSWERED);
	call = new_call(f, "get_quote");
	(void)ask(f, &call);
	call.call_id = 1;
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_CALL, &call), 0);
	expect_violation(f);
}

static void test_call_ids_may_come_out_of_order(void **state)
{
	static const uint64_t ids[] = {5, 3, 4, 100, 64, 63, 6000, 5999, 2500, 1000000};
	struct fixture *f = *state;

	start_keeper(f);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct msg_call call = new_call(f, "get_quote");

		call.call_id = ids[i];
		assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	}
}

static void test_dead_proxy_leaves_an_orderly_end(void **state)
{
	struct fixture *f = *state;
	struct msg_call call;
	struct message m;

	start_keeper(f);
	call = new_call(f, "get_quote");
	(void)ask(f, &call);
	channel_close(&f->keeper_of_proxy);
	assert_int_equal(end_run(f, &m).unknown, 1);
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void test_dead_supervisor_leaves_a_signed_ledger_without_end(void **state)
{
	static char text[65536];
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	call = new_call(f, "get_quote");
	(void)ask(f, &call);
	channel_close(&f->keeper_of_supervisor);
	assert_int_equal(wait_for_keeper(f), EXIT_FAILURE);
	assert_int_equal(verify(f, NULL), VERIFY_INTERRUPTED);
	assert_non_null(find_record(f, "call.outcome_unknown", 0, text, sizeof(text)).p);
}

static void test_killed_keeper_leaves_a_whole_ledger(void **state)
{
	struct fixture *f = *state;

	start_keeper(f);
	for (int i = 0; i < 50; i++) {
		struct msg_call call = new_call(f, "get_quote");

		assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	}
	kill(f->keeper, SIGKILL);
	waitpid(f->keeper, NULL, 0);
	f->keeper = 0;
	assert_int_equal(verify(f, NULL), VERIFY_INTERRUPTED);
}

static void test_full_disk_denies_and_recovers(void **state)
{
	struct fixture *f = *state;
	/* The ledger is full first; the log of limits has room to give back. */
	struct rlimit limit = {8192, RLIM_INFINITY};
	struct msg_call_verdict verdict = {0};
	struct msg_ledger_closed closed;
	struct message m;
	int denied = 0;

	start_keeper(f);
	assert_int_equal(prlimit(f->keeper, RLIMIT_FSIZE, &limit, NULL), 0);
	for (int i = 0; i < 20; i++) {
		struct msg_call call = new_call(f, "start_session");

		add_limit(&call, SCOPE_GRANT, 1000);
		verdict = ask(f, &call);
		denied += verdict.verdict == VERDICT_DENY;
	}
	assert_in_range(denied, 5, 19);
	assert_int_equal(verdict.failed, 1);
	assert_non_null(memmem(verdict.reason.p, verdict.reason.n, "ledger.jsonl", 12));
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(prlimit(f->keeper, RLIMIT_FSIZE, &limit, NULL), 0);
	{
		struct msg_call call = new_call(f, "start_session");

		/* What could not be recorded was given back. */
		add_limit(&call, SCOPE_GRANT, (uint64_t)(21 - denied));
		assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	}
	closed = end_run(f, &m);
	assert_int_equal(closed.lost, denied);
	assert_int_equal(closed.allowed, 21 - denied);
	assert_true(closed.failure.n > 0);
	assert_int_equal(wait_for_keeper(f), 0);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void test_unwritable_run_directory_denies_every_call(void **state)
{
	struct fixture *f = *state;
	struct msg_call_verdict verdict;
	struct msg_ledger_closed closed;
	struct msg_call call;
	struct message m;
	int fd = openat(f->run_fd, "ledger.jsonl", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	/* Root may write anywhere, but not make what is there already. */
	close(fd);
	start_keeper(f);
	call = new_call(f, "start_session");
	verdict = ask(f, &call);
	assert_int_equal(verdict.verdict, VERDICT_DENY);
	assert_int_equal(verdict.failed, 1);
	assert_non_null(memmem(verdict.reason.p, verdict.reason.n, "run directory", 13));
	closed = end_run(f, &m);
	assert_int_equal(closed.denied, 1);
	assert_true(closed.failure.n > 0);
	assert_int_equal(wait_for_keeper(f), 0);
}

static void test_unusable_limits_deny_only_what_they_count(void **state)
{
	struct fixture *f = *state;
	struct msg_call_verdict verdict;
	struct msg_call call;

	assert_int_equal(mkdirat(f->state_fd, "limits.0", 0700), 0);
	start_keeper(f);
	call = new_call(f, "start_session");
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
	call = new_call(f, "start_session");
	add_limit(&call, SCOPE_GRANT, 10);
	verdict = ask(f, &call);
	assert_int_equal(verdict.verdict, VERDICT_DENY);
	assert_int_equal(verdict.failed, 1);
	assert_non_null(memmem(verdict.reason.p, verdict.reason.n, "limits.0", 8));
}

static struct msg_call new_call_of_value(struct fixture *f, enum charge_kind kind,
					 const uint8_t sha256[32])
{
	struct msg_call call = new_call(f, "get_quote");

	add_limit(&call, SCOPE_GRANT, 1);
	call.charges[0].kind = (uint8_t)kind;
	call.charges[0].window_ms = IPC_WINDOW_LIFETIME;
	call.charges[0].value_sha256 = span_bytes(sha256, 32);
	return call;
}

static void test_values_are_told_apart(void **state)
{
	static const uint8_t one[32] = {1}, two[32] = {2};
	static const enum charge_kind kinds[] = {CHARGE_VALUE, CHARGE_ONCE};
	static char text[65536];
	struct fixture *f = *state;

	start_keeper(f);
	for (size_t i = 0; i < 2; i++) {
		struct msg_call calls[] = {new_call_of_value(f, kinds[i], one),
					   new_call_of_value(f, kinds[i], two),
					   new_call_of_value(f, kinds[i], one)};
		const bool passes[2][3] = {{true, false, true}, {true, true, false}};

		for (size_t n = 0; n < 3; n++)
			assert_int_equal(ask(f, &calls[n]).verdict,
					 passes[i][n] ? VERDICT_ALLOW : VERDICT_DENY);
	}
	expect_start(find_record(f, "call.decision", 1, text, sizeof(text)), "reason",
		     "\"the limit `start_session_rate` allows at most 1 different values per "
		     "lifetime for this grant");
	expect_start(find_record(f, "call.decision", 5, text, sizeof(text)), "reason",
		     "\"a call with this key was forwarded already, and passes once per "
		     "lifetime\"");
}

static void test_values_without_a_key_for_their_hash_deny(void **state)
{
	static const uint8_t one[32] = {1};
	struct fixture *f = *state;
	struct msg_call_verdict verdict;
	struct msg_call call;

	assert_int_equal(mkdirat(f->state_fd, "hmac.key", 0700), 0);
	start_keeper(f);
	call = new_call_of_value(f, CHARGE_VALUE, one);
	verdict = ask(f, &call);
	assert_int_equal(verdict.verdict, VERDICT_DENY);
	assert_int_equal(verdict.failed, 1);
	assert_non_null(memmem(verdict.reason.p, verdict.reason.n, "hmac.key", 8));
	call = new_call_of_value(f, CHARGE_ONCE, one);
	assert_int_equal(ask(f, &call).failed, 1);
	/* What needs no hash is counted. */
	call = new_call(f, "start_session");
	add_limit(&call, SCOPE_GRANT, 1);
	assert_int_equal(ask(f, &call).verdict, VERDICT_ALLOW);
}

static void test_value_that_the_proxy_could_not_hash_denies(void **state)
{
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	call = new_call_of_value(f, CHARGE_VALUE, NULL);
	call.charges[0].value_sha256 = span_of("");
	assert_int_equal(ask(f, &call).failed, 1);
}

static void test_charge_of_no_known_kind_ends_the_keeper(void **state)
{
	static const uint8_t one[32] = {1};
	struct fixture *f = *state;
	struct msg_call call;

	start_keeper(f);
	call = new_call_of_value(f, CHARGE_KINDS, one);
	assert_int_equal(channel_send(&f->keeper_of_proxy, MSG_CALL, &call), 0);
	expect_violation(f);
}

static void test_checkpoints_appear_while_the_run_goes_on(void **state)
{
	struct fixture *f = *state;
	struct verify_result result;
	struct msg_call call;

	start_keeper(f);
	call = new_call(f, "start_session");
	(void)ask(f, &call);
	usleep(1300000);
	verify_run(f->run_fd, NULL, &result);
	assert_int_equal(result.outcome, VERIFY_INTERRUPTED);
	assert_int_equal(result.signed_size, 3);
	assert_int_equal(result.records, 3);
}

static void test_hmac_key_is_private_and_kept(void **state)
{
	static char text[65536];
	struct fixture *f = *state;
	char first[128];
	struct msg_call call;
	struct stat st;
	struct message m;

	start_keeper(f);
	call = new_call(f, "start_session");
	(void)ask(f, &call);
	(void)end_run(f, &m);
	(void)wait_for_keeper(f);
	assert_int_equal(fstatat(f->state_fd, "hmac.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_true(span_copy(
		scan_find(find_record(f, "call.decision", 0, text, sizeof(text)), "args_hmac"),
		first, sizeof(first)));
	channel_close(&f->keeper_of_proxy);
	channel_close(&f->keeper_of_broker);
	channel_close(&f->keeper_of_supervisor);
	close(f->run_fd);
	f->run_fd = open_dir(f->state_fd, "run2", 0700);
	f->next_call = 0;
	start_keeper(f);
	call = new_call(f, "start_session");
	(void)ask(f, &call);
	expect_field(find_record(f, "call.decision", 0, text, sizeof(text)), "args_hmac", first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_run_is_recorded_and_verifies),
		TEST(test_the_process_stands_in_each_record_and_has_one_of_its_own),
		TEST(test_a_process_that_was_forgotten_is_recorded_again),
		TEST(test_limit_denies_and_names_the_charge),
		TEST(test_limit_denial_reads_as_the_agent_is_told),
		TEST(test_refusals_beyond_number_are_counted_not_recorded),
		TEST(test_refusals_beyond_the_list_are_counted),
		TEST(test_the_telling_protocol_of_a_refused_host_is_kept),
		TEST(test_few_refusals_are_all_recorded),
		TEST(test_suppressed_refusals_are_counted_when_the_run_is_cut_short),
		TEST(test_stranger_texts_stay_inside_their_fields),
		TEST(test_outcome_of_an_unknown_call_ends_the_keeper),
		TEST(test_each_call_names_the_policy_that_judged_it),
		TEST(test_a_policy_that_failed_is_recorded_and_forgotten),
		TEST(test_a_policy_that_was_not_brought_ends_the_keeper),
		TEST(test_another_policy_than_was_brought_ends_the_keeper),
		TEST(test_a_policy_out_of_order_ends_the_keeper),
		TEST(test_a_call_by_a_policy_to_come_ends_the_keeper),
		TEST(test_unknown_event_ends_the_keeper),
		TEST(test_breach_found_at_the_end_leaves_no_clean_end),
		TEST(test_second_outcome_ends_the_keeper),
		TEST(test_outcome_of_a_denied_call_ends_the_keeper),
		TEST(test_repeated_call_id_ends_the_keeper),
		TEST(test_call_ids_may_come_out_of_order),
		TEST(test_dead_proxy_leaves_an_orderly_end),
		TEST(test_dead_supervisor_leaves_a_signed_ledger_without_end),
		TEST(test_killed_keeper_leaves_a_whole_ledger),
		TEST(test_full_disk_denies_and_recovers),
		TEST(test_unwritable_run_directory_denies_every_call),
		TEST(test_unusable_limits_deny_only_what_they_count),
		TEST(test_values_are_told_apart),
		TEST(test_values_without_a_key_for_their_hash_deny),
		TEST(test_value_that_the_proxy_could_not_hash_denies),
		TEST(test_charge_of_no_known_kind_ends_the_keeper),
		TEST(test_checkpoints_appear_while_the_run_goes_on),
		TEST(test_hmac_key_is_private_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
