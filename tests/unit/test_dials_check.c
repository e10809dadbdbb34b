// SPDX-License-Identifier: Apache-2.0
#include "dialer_world.h"

#include "base/buf.h"
#include "base/clock.h"

#define PATIENCE_TUNNEL_MS (DIAL_WHOLE_MS + 1500)

/* A @ in a policy is the listener's port, which is also what is dialled. */
static const char server_elsewhere[] = "https://nobody.example:@/mcp";

struct row {
	const char *server; /* NULL: elsewhere */
	const char *egress;
	const char *host;
	enum dial_status status;
	const char *address;
	const char *reason; /* part of it */
};

#define INSPECT(host)  "{\"host\": \"" host "\", \"ports\": [@]}"
#define PRIVATE(host)  "{\"host\": \"" host "\", \"ports\": [@], \"private_addresses\": true}"
#define TUNNEL(host)   "{\"host\": \"" host "\", \"ports\": [@], \"mode\": \"tunnel\"}"
#define AT_SERVER      "MCP server public.example is too"
#define SERVER_PUBLIC  "https://public.example:@/mcp"
#define FORWARD        "{\"host\": \"host.mcpjail.internal\", \"ports\": [@], \"mode\": \"tunnel\"}"
#define FORWARD_CLOSED "{\"host\": \"host.mcpjail.internal\", \"ports\": [9], \"mode\": \"tunnel\"}"

static const struct row rows[] = {
	/* Hosts of `egress`, by name and by port. */
	{NULL, INSPECT("public.example"), "public.example", DIAL_OK, PUBLIC_V4, ""},
	{NULL, INSPECT("*.under.example"), "a.under.example", DIAL_OK, PUBLIC_V4, ""},
	{NULL, INSPECT("public.example"), "six.example", DIAL_REFUSED, "", "policy allows no"},
	{NULL, "{\"host\": \"public.example\", \"ports\": [9]}", "public.example", DIAL_REFUSED, "",
	 "policy allows no"},
	{NULL, INSPECT("public.example"), PUBLIC_V4, DIAL_REFUSED, "", "policy allows no"},
	/* Private addresses are an entry's own matter. */
	{NULL, INSPECT("private.example"), "private.example", DIAL_REFUSED, PRIVATE_V4,
	 "write \"private_addresses\": true into its egress entry, or start mcpjail with "
	 "--connect-to private.example:"},
	{NULL, PRIVATE("private.example"), "private.example", DIAL_OK, PRIVATE_V4, ""},
	{NULL, PRIVATE("loop.example"), "loop.example", DIAL_OK, "127.0.0.1", ""},
	{NULL, PRIVATE("127.0.0.1"), "127.0.0.1", DIAL_OK, "127.0.0.1", ""},
	{NULL, PRIVATE("public.example") "," INSPECT("private.example"), "private.example",
	 DIAL_REFUSED, PRIVATE_V4, "RFC 1918"},
	{"https://private.example:@/mcp", PRIVATE("public.example"), "private.example",
	 DIAL_REFUSED, PRIVATE_V4, "RFC 1918"},
	{NULL, PRIVATE("nowhere.example"), "nowhere.example", DIAL_REFUSED, "0.0.0.0",
	 "an address of this network"},
	{NULL, PRIVATE("own.example"), "own.example", DIAL_REFUSED, "fd6d:6370:6a61:696c::7",
	 "the jail's own names"},
	{NULL, PRIVATE("mapped.example"), "mapped.example", DIAL_REFUSED, "::ffff:127.0.0.1",
	 "disguise"},
	{NULL, PRIVATE("metadata.example"), "metadata.example", DIAL_REFUSED, "169.254.169.254",
	 "metadata"},
	{NULL, PRIVATE("169.254.169.254"), "169.254.169.254", DIAL_UNREACHABLE, "169.254.169.254",
	 "cannot connect"},
	{NULL, PRIVATE("224.0.0.1"), "224.0.0.1", DIAL_REFUSED, "224.0.0.1", "multicast"},
	/* The host's own loopback: by its one name, for the ports that are listed. */
	{NULL, FORWARD, "host.mcpjail.internal", DIAL_OK, "127.0.0.1", ""},
	{NULL, FORWARD_CLOSED, "host.mcpjail.internal", DIAL_REFUSED, "", "policy allows no"},
	{NULL, INSPECT("public.example"), "host.mcpjail.internal", DIAL_REFUSED, "",
	 "policy allows no"},
	{NULL, FORWARD, "localhost", DIAL_REFUSED, "", "policy allows no"},
	{NULL, FORWARD, "127.0.0.1", DIAL_REFUSED, "", "policy allows no"},
	{"https://host.mcpjail.internal:@/mcp", "", "host.mcpjail.internal", DIAL_REFUSED, "",
	 "policy allows no"},
	/* Tunnels avoid the servers' addresses. */
	{SERVER_PUBLIC, TUNNEL("hosts.example"), "hosts.example", DIAL_REFUSED, PUBLIC_V4,
	 AT_SERVER},
	{SERVER_PUBLIC, TUNNEL("a.under.example"), "a.under.example", DIAL_REFUSED, PUBLIC_V4,
	 AT_SERVER},
	{SERVER_PUBLIC, TUNNEL("six.example"), "six.example", DIAL_OK, PUBLIC_V6, ""},
	{SERVER_PUBLIC, TUNNEL("both.example"), "both.example", DIAL_OK, PUBLIC_V6, ""},
	{"https://both.example:@/mcp", TUNNEL("six.example"), "six.example", DIAL_REFUSED,
	 PUBLIC_V6, "both.example is too"},
	{SERVER_PUBLIC, INSPECT("a.under.example"), "a.under.example", DIAL_OK, PUBLIC_V4, ""},
	{"https://public.example:9/mcp", TUNNEL("a.under.example"), "a.under.example", DIAL_REFUSED,
	 PUBLIC_V4, AT_SERVER},
	{"https://" PUBLIC_V4 ":9/mcp", TUNNEL("public.example"), "public.example", DIAL_REFUSED,
	 PUBLIC_V4, "server " PUBLIC_V4 " is too"},
	{NULL, TUNNEL("public.example"), "public.example", DIAL_OK, PUBLIC_V4, ""},
	{SERVER_PUBLIC, TUNNEL("private.example"), "private.example", DIAL_REFUSED, PRIVATE_V4,
	 "RFC 1918"},
	{"https://broken.example:9/mcp", TUNNEL("public.example"), "public.example", DIAL_REFUSED,
	 "", "broken.example cannot be looked up"},
	{"https://broken.example:9/mcp", INSPECT("public.example"), "public.example", DIAL_OK,
	 PUBLIC_V4, ""},
};

/* With the port in every @'s place. */
static void append(struct buf *text, const char *part, uint16_t port)
{
	for (; *part; part++) {
		if (*part == '@')
			assert_int_equal(buf_printf(text, "%u", port), 0);
		else
			assert_int_equal(buf_append(text, part, 1), 0);
	}
}

static void start_with(struct run *run, const char *server, const char *egress, uint16_t port)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	autobuf struct buf text = BUF_INIT(4096);

	append(&text, "{\"version\": \"1\", \"default\": \"deny\", \"server\": {\"url\": \"", port);
	append(&text, server ? server : server_elsewhere, port);
	append(&text, "\"}, \"egress\": [", port);
	append(&text, egress, port);
	assert_int_equal(buf_append(&text, "]}", 3), 0);
	start_role(run, (const char *)text.data, &config);
}

static void check_row(const struct row *row, uint16_t port)
{
	struct outcome outcome;
	struct run run;

	start_with(&run, row->server, row->egress, port);
	send_dial(&run, 1, row->host, port);
	receive_outcome(&run, &outcome);
	if (outcome.status != row->status || strcmp(outcome.address, row->address) ||
	    !strstr(outcome.reason, row->reason) ||
	    (outcome.fd >= 0) != (outcome.status == DIAL_OK))
		fail_msg("row %zd, %s: status %d, address \"%s\", reason \"%s\"", row - rows,
			 row->host, outcome.status, outcome.address, outcome.reason);
	fd_close(&outcome.fd);
	assert_int_equal(end_role(&run), 0);
}

static void test_addresses_are_judged_by_what_the_policy_says_of_the_host(void **state)
{
	autoclose int listener = -1;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i], port);
}

/* A listener on ::1 alone. */
static void test_the_loopback_of_the_other_family_is_tried_too(void **state)
{
	autoclose int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t size = sizeof(at);
	struct outcome outcome;
	struct run run;
	uint16_t port;

	(void)state;
	need_world();
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	port = ntohs(at.sin6_port);
	start_with(&run, NULL, FORWARD "," FORWARD_CLOSED, port);
	send_dial(&run, 1, "host.mcpjail.internal", port);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.status, DIAL_OK);
	assert_string_equal(outcome.address, "::1");
	fd_close(&outcome.fd);
	send_dial(&run, 2, "host.mcpjail.internal", 9);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.status, DIAL_UNREACHABLE);
	assert_non_null(strstr(outcome.reason, "cannot connect to the host's loopback port"));
	assert_int_equal(end_role(&run), 0);
}

/* The resolver never says where the server is: that a tunnel avoids it cannot be told. */
static void test_a_server_that_is_not_found_out_in_time_refuses_tunnels(void **state)
{
	autoclose int listener = -1;
	uint64_t began_ms = clock_mono_ms();
	struct outcome outcome;
	struct run run;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	start_with(&run, "https://silent.example/mcp",
		   TUNNEL("public.example") "," INSPECT("six.example"), port);
	send_dial(&run, 1, "public.example", port);
	send_dial(&run, 2, "public.example", port);
	send_dial(&run, 3, "six.example", port);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.dial_id, 3); /* others do not wait */
	assert_int_equal(outcome.status, DIAL_OK);
	fd_close(&outcome.fd);
	for (size_t i = 0; i < 2; i++) {
		receive_outcome(&run, &outcome);
		assert_int_equal(outcome.status, DIAL_REFUSED);
		assert_non_null(strstr(outcome.reason, "silent.example cannot be looked up"));
	}
	assert_true(clock_mono_ms() - began_ms < PATIENCE_TUNNEL_MS);
	assert_int_equal(end_role(&run), 0);
}

/* Both at addresses that --connect-to gives: one and the same place is refused, others not. */
static void test_a_tunnel_may_not_be_put_where_the_server_is_put(void **state)
{
	static const struct {
		const char *address;
		uint32_t port_offset;
		enum dial_status status;
	} places[] = {
		{"127.0.0.1", 0, DIAL_REFUSED},
		{"127.0.0.1", 1, DIAL_OK},
		{PUBLIC_V4, 0, DIAL_OK},
	};

	(void)state;
	need_world();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autoclose int listener = -1;
		uint16_t port = listen_everywhere(&listener);
		struct msg_dialer_config config = {.log_level = LOG_ERROR, .n_dial_to = 2};
		struct outcome outcome;
		struct run run;

		config.dial_to[0] =
			(struct msg_dial_to){span_of("silent.example"), 443, span_of("127.0.0.1"),
					     port + places[i].port_offset};
		config.dial_to[1] = (struct msg_dial_to){span_of("tunnel.example"), 443,
							 span_of(places[i].address), port};
		start_role(&run,
			   "{\"version\": \"1\", \"default\": \"deny\", \"server\": {\"url\": "
			   "\"https://silent.example/mcp\"}, \"egress\": [{\"host\": "
			   "\"tunnel.example\", \"mode\": \"tunnel\"}]}",
			   &config);
		send_dial(&run, 1, "tunnel.example", 443);
		receive_outcome(&run, &outcome);
		if (outcome.status != places[i].status)
			fail_msg("row %zu: %d, %s", i, outcome.status, outcome.reason);
		fd_close(&outcome.fd);
		assert_int_equal(end_role(&run), 0);
	}
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_judged_by_what_the_policy_says_of_the_host),
		cmocka_unit_test(test_the_loopback_of_the_other_family_is_tried_too),
		cmocka_unit_test(test_a_server_that_is_not_found_out_in_time_refuses_tunnels),
		cmocka_unit_test(test_a_tunnel_may_not_be_put_where_the_server_is_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_world(run_all);
}
