// SPDX-License-Identifier: Apache-2.0
#include "dialer_world.h"

#include <netinet/tcp.h>

#include "base/clock.h"

static void start_for_server(struct run *run, const char *host, uint16_t port,
			     const struct msg_dialer_config *config)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"version\": \"1\", \"default\": \"deny\", "
		 "\"server\": {\"url\": \"https://%s:%u/mcp\"}}",
		 host, port);
	start_role(run, text, config);
}

#define LISTENER 0 /* in a row: the test's listener's port */
#define CLOSED   1 /* a port where nobody listens */

static const struct msg_dial_to to_loopback = {{"public.example", 14}, 0, {"127.0.0.1", 9}, 0};
static const struct msg_dial_to to_name = {{"", 0}, 0, {"private.example", 15}, 0};
static const struct msg_dial_to to_same = {{"", 0}, 0, {"", 0}, 0};

static const struct {
	const char *server; /* the policy's */
	const struct msg_dial_to *connect_to;
	const char *host; /* asked for */
	uint16_t port;
	enum dial_status status;
	const char *address;
	const char *reason; /* part of it */
} dial_rows[] = {
	/* Resolved, checked, connected: the positive control of what is refused below. */
	{"public.example", NULL, "public.example", LISTENER, DIAL_OK, PUBLIC_V4, ""},
	{"six.example", NULL, "six.example", LISTENER, DIAL_OK, PUBLIC_V6, ""},
	{"hosts.example", NULL, "hosts.example", LISTENER, DIAL_OK, PUBLIC_V4, ""},
	{PUBLIC_V4, NULL, PUBLIC_V4, LISTENER, DIAL_OK, PUBLIC_V4, ""},
	{"public.example", &to_loopback, "public.example", LISTENER, DIAL_OK, "127.0.0.1", ""},
	{"nobody.example", &to_name, "nobody.example", CLOSED, DIAL_UNREACHABLE, "10.1.2.3",
	 "cannot connect to private.example"},
	/* Not the policy's. */
	{"public.example", NULL, "six.example", LISTENER, DIAL_REFUSED, "",
	 "policy allows no connection"},
	{"public.example", NULL, PUBLIC_V4, LISTENER, DIAL_REFUSED, "",
	 "policy allows no connection"},
	{"public.example", NULL, "public.example", CLOSED, DIAL_REFUSED, "",
	 "policy allows no connection"},
	{"public.example", &to_loopback, "127.0.0.1", LISTENER, DIAL_REFUSED, "",
	 "policy allows no connection"},
	{"public.example", NULL, "PUBLIC.example", LISTENER, DIAL_REFUSED, "",
	 "policy allows no connection"},
	{"public.example", NULL, "0x7f.1", LISTENER, DIAL_REFUSED, "", "neither a name nor"},
	{"public.example", NULL, "public.example\n", LISTENER, DIAL_REFUSED, "",
	 "neither a name nor"},
	/* Special addresses. */
	{"private.example", NULL, "private.example", LISTENER, DIAL_REFUSED, "10.1.2.3",
	 "it is at 10.1.2.3, a private address (RFC 1918)"},
	{"private.example", &to_same, "private.example", LISTENER, DIAL_REFUSED, "10.1.2.3",
	 "--connect-to private.example:"},
	{"mixed.example", NULL, "mixed.example", LISTENER, DIAL_REFUSED, "fc00::1", "unique local"},
	{"metadata.example", NULL, "metadata.example", LISTENER, DIAL_REFUSED, "169.254.169.254",
	 "metadata"},
	{"mapped.example", NULL, "mapped.example", LISTENER, DIAL_REFUSED, "::ffff:127.0.0.1",
	 "IPv4-mapped"},
	{"loop.example", NULL, "loop.example", LISTENER, DIAL_REFUSED, "127.0.0.1", "loopback"},
	{"localhost", NULL, "localhost", LISTENER, DIAL_REFUSED, "127.0.0.1", "loopback"},
	{"127.0.0.1", NULL, "127.0.0.1", LISTENER, DIAL_REFUSED, "127.0.0.1", "loopback"},
	/* Nobody there. */
	{"nobody.example", NULL, "nobody.example", LISTENER, DIAL_UNRESOLVED, "",
	 "the name cannot be resolved: "},
	{"public.example", &to_loopback, "public.example", CLOSED, DIAL_UNREACHABLE, "127.0.0.1",
	 "refused"},
};

static void check_row(size_t row, uint16_t listener)
{
	uint16_t asked = dial_rows[row].port == LISTENER ? listener : 9;
	/* Rows of a closed port mean the policy's own, but where the policy is to refuse it. */
	uint16_t served = dial_rows[row].status == DIAL_REFUSED ? listener : asked;
	struct msg_dialer_config config = {.log_level = LOG_ERROR};
	struct outcome outcome;
	struct run run;

	if (dial_rows[row].connect_to)
		config.dial_to[config.n_dial_to++] = *dial_rows[row].connect_to;
	start_for_server(&run, dial_rows[row].server, served, &config);
	send_dial(&run, row + 1, dial_rows[row].host, asked);
	receive_outcome(&run, &outcome);
	if (outcome.status != dial_rows[row].status || outcome.dial_id != row + 1 ||
	    strcmp(outcome.address, dial_rows[row].address) ||
	    !strstr(outcome.reason, dial_rows[row].reason) ||
	    (outcome.fd >= 0) != (outcome.status == DIAL_OK))
		fail_msg("row %zu, %s: status %d, address \"%s\", reason \"%s\"", row,
			 dial_rows[row].host, outcome.status, outcome.address, outcome.reason);
	fd_close(&outcome.fd);
	assert_int_equal(end_role(&run), 0);
}

static void test_dialer_connects_where_the_policy_leads(void **state)
{
	autoclose int listener = -1;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	for (size_t i = 0; i < ARRAY_SIZE(dial_rows); i++)
		check_row(i, port);
}

static void test_dialer_hands_out_a_usable_socket(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	autoclose int listener = -1, accepted = -1;
	struct outcome outcome;
	struct run run;
	uint16_t port;
	char byte = 0;
	int on = 0;
	socklen_t size = sizeof(on);

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	start_for_server(&run, "public.example", port, &config);
	send_dial(&run, 7, "public.example", port);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.status, DIAL_OK);
	accepted = accept(listener, NULL, NULL);
	assert_int_equal(write(outcome.fd, "x", 1), 1);
	assert_int_equal(read(accepted, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_true(fcntl(outcome.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(outcome.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(outcome.fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
	assert_true(on);
	/* It keeps no copy: our close is the connection's end. */
	fd_close(&outcome.fd);
	assert_int_equal(read(accepted, &byte, 1), 0);
	assert_int_equal(end_role(&run), 0);
}

static void test_dialer_dials_many_at_once_and_refuses_more(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	size_t counts[DIAL_TIMEOUT + 1] = {0};
	uint64_t seen = 0;
	struct run run;

	(void)state;
	need_world();
	start_for_server(&run, "silent.example", 443, &config);
	for (uint64_t id = 0; id < DIALS_MAX + 2; id++)
		send_dial(&run, id, "silent.example", 443);
	for (size_t i = 0; i < DIALS_MAX + 2; i++) {
		struct outcome outcome;

		receive_outcome(&run, &outcome);
		counts[outcome.status]++;
		if (outcome.dial_id < DIALS_MAX)
			seen |= UINT64_C(1) << outcome.dial_id;
	}
	assert_int_equal(counts[DIAL_REFUSED], 2);
	assert_int_equal(counts[DIAL_TIMEOUT] + counts[DIAL_UNRESOLVED], DIALS_MAX);
	assert_true(seen == UINT64_MAX);
	assert_int_equal(end_role(&run), 0);
}

/* A resolver's silence is c-ares' to time out; a listener whose queue is full is ours. */
static void test_dialer_gives_up_on_an_address_in_time(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	autoclose int listener = -1, first = -1, second = -1;
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct outcome outcome;
	uint64_t began_ms, took_ms;
	struct run run;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	assert_int_equal(listen(listener, 0), 0);
	inet_pton(AF_INET, PUBLIC_V4, &at.sin_addr);
	at.sin_port = htons(port);
	first = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(first, (struct sockaddr *)&at, sizeof(at));
	connect(second, (struct sockaddr *)&at, sizeof(at));
	start_for_server(&run, "public.example", port, &config);
	began_ms = clock_mono_ms();
	send_dial(&run, 1, "public.example", port);
	receive_outcome(&run, &outcome);
	took_ms = clock_mono_ms() - began_ms;
	assert_int_equal(outcome.status, DIAL_TIMEOUT);
	assert_in_range(took_ms, DIAL_ATTEMPT_MS, DIAL_ATTEMPT_MS + 1500);
	assert_int_equal(end_role(&run), 0);
}

static void test_dialer_ends_when_the_proxy_does(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	struct run run;
	int status = -1;

	(void)state;
	need_world();
	start_for_server(&run, "public.example", 443, &config);
	channel_close(&run.proxy);
	assert_int_equal(waitpid(run.pid, &status, 0), run.pid);
	assert_int_equal(status, 0);
	channel_close(&run.supervisor);
}

static void test_dialer_ends_on_a_message_that_breaks_the_table(void **state)
{
	static const char *const messages[] = {"", "\1", "\377\377", "\21\0xxx"};
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};

	(void)state;
	need_world();
	/* What it says about that is expected here. */
	fflush(stderr);
	autoclose int stderr_fd = dup(STDERR_FILENO), null_fd = open("/dev/null", O_WRONLY);

	dup2(null_fd, STDERR_FILENO);
	for (size_t i = 1; i < ARRAY_SIZE(messages); i++) {
		struct run run;
		int status = 0;

		start_for_server(&run, "public.example", 443, &config);
		assert_true(send(run.proxy.fd, messages[i], i == 3 ? 5 : i, 0) > 0);
		assert_int_equal(waitpid(run.pid, &status, 0), run.pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status));
		channel_close(&run.proxy);
		channel_close(&run.supervisor);
	}
	dup2(stderr_fd, STDERR_FILENO);
}

/* Return: whether it was taken. Its table of errors is of no matter here. */
static bool bring_policy(struct run *run, const char *text)
{
	autoclose int fd = policy_memfd(text);
	struct msg_policy_taken taken;
	struct message m;

	assert_int_equal(channel_send_fds(&run->supervisor, MSG_DIALER_POLICY, NULL, &fd, 1), 0);
	assert_int_equal(channel_receive(&run->supervisor, &m), 1);
	assert_int_equal(m.type, MSG_DIALER_POLICY_TAKEN);
	assert_int_equal(message_decode(&m, &taken), 0);
	message_free(&m);
	return !taken.failed;
}

static enum dial_status dial_status_of(struct run *run, const char *host, uint16_t port)
{
	struct outcome outcome;

	send_dial(run, 1, host, port);
	receive_outcome(run, &outcome);
	fd_close(&outcome.fd);
	return outcome.status;
}

#define SERVER_AT "{\"server\":{\"url\":\"https://%s:%u/\"},"
#define TUNNEL_TO_UP                                                                               \
	"\"egress\":[{\"host\":\"a.under.example\",\"ports\":[%u],\"mode\":\"tunnel\"}]}"

static void test_dialer_takes_another_policy_or_keeps_its_own(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	autoclose int listener = -1;
	char text[512];
	struct run run;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	snprintf(text, sizeof(text), SERVER_AT TUNNEL_TO_UP, "six.example", port, port);
	start_role(&run, text, &config);
	assert_int_equal(dial_status_of(&run, "six.example", port), DIAL_OK);
	assert_int_equal(dial_status_of(&run, "a.under.example", port), DIAL_OK);
	assert_int_equal(dial_status_of(&run, "public.example", port), DIAL_REFUSED);

	assert_false(bring_policy(&run, "{\"servr\":1}"));
	assert_int_equal(dial_status_of(&run, "six.example", port), DIAL_OK);

	/* Where the new server is, the tunnel was. */
	snprintf(text, sizeof(text), SERVER_AT TUNNEL_TO_UP, "public.example", port, port);
	assert_true(bring_policy(&run, text));
	assert_int_equal(dial_status_of(&run, "public.example", port), DIAL_OK);
	assert_int_equal(dial_status_of(&run, "six.example", port), DIAL_REFUSED);
	assert_int_equal(dial_status_of(&run, "a.under.example", port), DIAL_REFUSED);
	assert_int_equal(end_role(&run), 0);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialer_connects_where_the_policy_leads),
		cmocka_unit_test(test_dialer_hands_out_a_usable_socket),
		cmocka_unit_test(test_dialer_dials_many_at_once_and_refuses_more),
		cmocka_unit_test(test_dialer_gives_up_on_an_address_in_time),
		cmocka_unit_test(test_dialer_takes_another_policy_or_keeps_its_own),
		cmocka_unit_test(test_dialer_ends_when_the_proxy_does),
		cmocka_unit_test(test_dialer_ends_on_a_message_that_breaks_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_world(run_all);
}
