// SPDX-License-Identifier: Apache-2.0
/* The test itself is the HTTP proxy that the role is told of, on loop.example (127.0.0.1). */
#include "dialer_world.h"

#include "base/clock.h"

#define POLICY                                                                                     \
	"{\"version\": \"1\", \"default\": \"deny\", "                                             \
	"\"server\": {\"url\": \"https://nobody.example/mcp\"}, \"egress\": ["                     \
	"{\"host\": \"public.example\", \"ports\": [443, 9]}, {\"host\": \"10.1.2.3\"}, "          \
	"{\"host\": \"2620:fe::fe\"}, {\"host\": \"tunnel.example\", \"mode\": \"tunnel\"}, "      \
	"{\"host\": \"host.mcpjail.internal\", \"ports\": [9], \"mode\": \"tunnel\"}]}"

#define TUNNEL "\026\003\001 the server's own words"

static struct msg_dialer_config proxy_at(const char *host, uint16_t port)
{
	return (struct msg_dialer_config){
		.proxy_host = span_of(host), .proxy_port = port, .log_level = LOG_ERROR};
}

/* Accepts, and reads the request up to its empty line. */
static int accept_request(int listener, char *ret, size_t size)
{
	struct pollfd ready = {listener, POLLIN, 0};
	size_t n = 0;
	int fd;

	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	ret[0] = '\0';
	while (!strstr(ret, "\r\n\r\n")) {
		ssize_t some = read(fd, ret + n, size - 1 - n);

		assert_true(some > 0);
		n += (size_t)some;
		ret[n] = '\0';
	}
	return fd;
}

static void assert_nobody_calls(int listener)
{
	struct pollfd ready = {listener, POLLIN, 0};

	assert_int_equal(poll(&ready, 1, 0), 0);
}

static const struct {
	const char *answer; /* and then the end, but after a 2xx */
	enum dial_status status;
	const char *reason; /* part of it */
} answers[] = {
	{"HTTP/1.1 200 Connection established\r\n\r\n" TUNNEL, DIAL_OK, ""},
	{"HTTP/1.0 200 OK\r\nVia: x\r\nContent-Length: 4\r\n\r\n" TUNNEL, DIAL_OK, ""},
	{"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" TUNNEL, DIAL_OK, ""},
	{"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n", DIAL_UNREACHABLE,
	 "answered \"407 Who are you\": it wants a user and"},
	{"HTTP/1.1 403 No\033[2J\r\n\r\n", DIAL_UNREACHABLE, "answered \"403 No\\x1b[2J\""},
	{"HTTP/1.1 302 Elsewhere\r\nLocation: x\r\n\r\n", DIAL_UNREACHABLE, "\"302 Elsewhere\""},
	{"HTTP/1.1 502\r\n\r\n", DIAL_UNREACHABLE, "\"502\""},
	{"SSH-2.0-OpenSSH_9.2\r\n", DIAL_UNREACHABLE, "did not answer as an HTTP proxy"},
	{"", DIAL_UNREACHABLE, "closed the connection without an answer"},
	{"HTTP/1.1 200 OK\r\n", DIAL_UNREACHABLE, "closed the connection without an answer"},
};

/* A byte at a time, so that the head comes in many pieces, or all at once; until it is enough. */
static void write_answer(int fd, const char *text, bool slowly)
{
	size_t n = strlen(text), step = slowly ? 1 : n;

	for (size_t at = 0; at < n; at += step) {
		if (send(fd, text + at, step, MSG_NOSIGNAL) != (ssize_t)step)
			return;
		if (slowly)
			usleep(500);
	}
}

/* Not a byte of the tunnel is missing. */
static void check_tunnel(int fd)
{
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	char text[sizeof(TUNNEL)] = "";

	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(recv(fd, text, sizeof(TUNNEL) - 1, MSG_WAITALL), sizeof(TUNNEL) - 1);
	assert_string_equal(text, TUNNEL);
}

static void check_answer(struct run *run, int listener, uint16_t port, size_t row)
{
	bool slowly = row & 1;
	char request[2048], via[ADDRESS_TEXT_MAX];
	struct outcome outcome;
	autoclose int fd = -1;

	row /= 2;
	send_dial(run, row, "nobody.example", 443);
	fd = accept_request(listener, request, sizeof(request));
	assert_string_equal(request, "CONNECT nobody.example:443 HTTP/1.1\r\n"
				     "Host: nobody.example:443\r\nUser-Agent: mcpjail\r\n\r\n");
	write_answer(fd, answers[row].answer, slowly);
	if (answers[row].status != DIAL_OK)
		fd_close(&fd);
	receive_outcome(run, &outcome);
	snprintf(via, sizeof(via), "via loop.example:%u", port);
	if (outcome.status != answers[row].status || outcome.dial_id != row ||
	    strcmp(outcome.address, via) || !strstr(outcome.reason, answers[row].reason))
		fail_msg("row %zu: status %d, address \"%s\", reason \"%s\"", row, outcome.status,
			 outcome.address, outcome.reason);
	if (outcome.status == DIAL_OK)
		check_tunnel(outcome.fd);
	fd_close(&outcome.fd);
}

static void test_what_a_proxy_answers_decides(void **state)
{
	autoclose int listener = -1;
	struct msg_dialer_config config;
	struct run run;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	config = proxy_at("loop.example", port);
	start_role(&run, POLICY, &config);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(answers); i++)
		check_answer(&run, listener, port, i);
	assert_int_equal(end_role(&run), 0);
}

static void test_a_proxy_is_told_user_and_password(void **state)
{
	autoclose int listener = -1, fd = -1;
	struct msg_dialer_config config;
	struct outcome outcome;
	char request[2048];
	struct run run;

	(void)state;
	need_world();
	config = proxy_at("::1", listen_everywhere(&listener));
	config.proxy_userinfo = span_of("Aladdin:open sesame");
	start_role(&run, POLICY, &config);
	send_dial(&run, 1, "2620:fe::fe", 443);
	fd = accept_request(listener, request, sizeof(request));
	assert_non_null(strstr(request, "CONNECT [2620:fe::fe]:443 HTTP/1.1\r\n"));
	assert_non_null(
		strstr(request, "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
	write_answer(fd, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", false);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.status, DIAL_UNREACHABLE);
	assert_non_null(strstr(outcome.reason, "the user and password of HTTPS_PROXY"));
	assert_null(strstr(outcome.reason, "sesame"));
	assert_int_equal(end_role(&run), 0);
}

static const struct {
	const char *no_proxy, *connect_to; /* NULL: none */
	const char *host;
	uint16_t port;
	enum dial_status status; /* DIAL_OK: by the proxy */
	const char *reason;
} ways[] = {
	{"", NULL, "public.example", 443, DIAL_OK, ""},
	{"", NULL, "tunnel.example", 443, DIAL_OK, ""},
	{"other.example,public.example:443", NULL, "public.example", 9, DIAL_OK, ""},
	{"public.example", NULL, "public.example", 9, DIAL_UNREACHABLE, "cannot connect: "},
	{"public.example:9", NULL, "public.example", 9, DIAL_UNREACHABLE, "cannot connect: "},
	{"*", NULL, "nobody.example", 443, DIAL_UNRESOLVED, "the name cannot be resolved: "},
	{"2620:fe::/32", NULL, "2620:fe::fe", 443, DIAL_UNREACHABLE, "cannot connect: "},
	{"", "127.0.0.1", "public.example", 9, DIAL_UNREACHABLE,
	 "cannot connect to 127.0.0.1 port 9: "},
	{"", NULL, "host.mcpjail.internal", 9, DIAL_UNREACHABLE, "host's loopback port 9"},
	{"", NULL, "10.1.2.3", 443, DIAL_REFUSED, "a private address (RFC 1918)"},
	{"", NULL, "six.example", 443, DIAL_REFUSED, "policy allows no connection"},
};

static void check_way(size_t row, int listener, uint16_t port)
{
	struct msg_dialer_config config = proxy_at("127.0.0.1", port);
	struct outcome outcome;
	autoclose int fd = -1;
	char request[2048];
	struct run run;

	config.no_proxy = span_of(ways[row].no_proxy);
	if (ways[row].connect_to)
		config.dial_to[config.n_dial_to++] =
			(struct msg_dial_to){span_of(""), 0, span_of(ways[row].connect_to), 0};
	start_role(&run, POLICY, &config);
	send_dial(&run, row, ways[row].host, ways[row].port);
	if (ways[row].status == DIAL_OK) {
		fd = accept_request(listener, request, sizeof(request));
		write_answer(fd, "HTTP/1.1 200 OK\r\n\r\n", false);
	}
	receive_outcome(&run, &outcome);
	if (outcome.status != ways[row].status || !strstr(outcome.reason, ways[row].reason))
		fail_msg("row %zu: status %d, address \"%s\", reason \"%s\"", row, outcome.status,
			 outcome.address, outcome.reason);
	assert_nobody_calls(listener);
	fd_close(&outcome.fd);
	assert_int_equal(end_role(&run), 0);
}

static void test_the_proxy_is_passed_over_where_it_should_be(void **state)
{
	autoclose int listener = -1;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		check_way(i, listener, port);
}

static void test_a_proxy_that_is_not_there_is_named(void **state)
{
	static const struct {
		const char *host;
		enum dial_status status;
		const char *reason;
	} proxies[] = {
		{"unknown.example", DIAL_UNRESOLVED,
		 "the name of the proxy unknown.example cannot be resolved"},
		{"loop.example", DIAL_UNREACHABLE,
		 "cannot connect to the proxy loop.example port 9: Connection refused"},
	};

	(void)state;
	need_world();
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		struct msg_dialer_config config = proxy_at(proxies[i].host, 9);
		struct outcome outcome;
		struct run run;

		start_role(&run, POLICY, &config);
		send_dial(&run, 1, "public.example", 443);
		receive_outcome(&run, &outcome);
		assert_int_equal(outcome.status, proxies[i].status);
		assert_non_null(strstr(outcome.reason, proxies[i].reason));
		assert_int_equal(end_role(&run), 0);
	}
}

/* One that never answers holds up nobody else, and is given up in time. */
static void test_a_proxy_that_is_silent_is_given_up(void **state)
{
	autoclose int listener = -1, silent = -1, quick = -1;
	uint64_t began_ms = clock_mono_ms();
	struct msg_dialer_config config;
	struct outcome outcome;
	char request[2048];
	struct run run;

	(void)state;
	need_world();
	config = proxy_at("127.0.0.1", listen_everywhere(&listener));
	start_role(&run, POLICY, &config);
	send_dial(&run, 1, "public.example", 443);
	silent = accept_request(listener, request, sizeof(request));
	write_answer(silent, "HTTP/1.1 200 O", false);
	send_dial(&run, 2, "public.example", 443);
	quick = accept_request(listener, request, sizeof(request));
	write_answer(quick, "HTTP/1.1 200 OK\r\n\r\n", false);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.dial_id, 2);
	assert_int_equal(outcome.status, DIAL_OK);
	fd_close(&outcome.fd);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.status, DIAL_TIMEOUT);
	assert_non_null(strstr(outcome.reason, "did not answer in time"));
	assert_in_range(clock_mono_ms() - began_ms, DIAL_WHOLE_MS - 100, DIAL_WHOLE_MS + 1500);
	assert_int_equal(end_role(&run), 0);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_proxy_answers_decides),
		cmocka_unit_test(test_a_proxy_is_told_user_and_password),
		cmocka_unit_test(test_the_proxy_is_passed_over_where_it_should_be),
		cmocka_unit_test(test_a_proxy_that_is_not_there_is_named),
		cmocka_unit_test(test_a_proxy_that_is_silent_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_world(run_all);
}
