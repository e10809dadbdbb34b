// SPDX-License-Identifier: Apache-2.0
#include "proxy/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const char policy_text[] =
	"{\"version\":\"1\",\"default\":\"deny\",\"server\":{\"url\":\"https://promptfax.app/"
	"mcp\"},"
	"\"tools\":{\"get_status\":{}},\"egress\":["
	"{\"host\":\"any.example\",\"ports\":[80,443,8443]},"
	"{\"host\":\"api.example\",\"methods\":[\"POST\",\"GET\"],\"paths\":[\"/v1/*\",\"/files/"
	"**.txt\"]},"
	"{\"host\":\"org.example\",\"headers\":{\"x-org\":[\"acme\"],\"x-beta\":null}},"
	"{\"host\":\"ws.example\",\"websocket\":true},"
	"{\"host\":\"tun.example\",\"mode\":\"tunnel\"}]}";

static const struct http1_authority tunnel_same = {.host = "promptfax.app", .port = 443};
static const struct http1_authority tunnel_other = {.host = "example.org", .port = 443};
static const struct http1_authority tunnel_port = {.host = "promptfax.app", .port = 8443};

struct row {
	const char *request;  /* first line */
	const char *host;     /* Host field; NULL: none */
	const char *tls_name; /* NULL: plain */
	const struct http1_authority *tunnel;
	uint16_t port;
	unsigned status; /* 0: passes */
	const char *rule;
	const char *says; /* part of the text */
};

#define PF "promptfax.app"

static const struct row rows[] = {
	{"POST /mcp HTTP/1.1", PF, PF, NULL, 443, 0, "", ""},
	{"GET /mcp HTTP/1.1", PF, PF, NULL, 443, 0, "", ""},
	{"DELETE /mcp HTTP/1.1", PF, PF, NULL, 443, 0, "", ""},
	{"POST /mcp HTTP/1.1", "PromptFax.App.", PF, NULL, 443, 0, "", ""},
	{"POST /mcp HTTP/1.1", PF ":443", PF, NULL, 443, 0, "", ""},
	{"POST https://promptfax.app/mcp HTTP/1.1", PF, PF, NULL, 443, 0, "", ""},
	{"POST /mcp HTTP/1.1", PF, PF, &tunnel_same, 3128, 0, "", ""},
	/* hosts nobody named */
	{"GET / HTTP/1.1", "example.org", "example.org", NULL, 443, 403, "/default",
	 "mcpjail --allow example.org for one run"},
	{"GET / HTTP/1.1", "example.org:8443", "example.org", NULL, 8443, 403, "/default",
	 "mcpjail policy allow example.org:8443 for good"},
	{"POST /mcp HTTP/1.1", PF ":8443", PF, NULL, 8443, 403, "/default", PF ":8443"},
	{"GET / HTTP/1.1", "[2001:db8::1]", "2001:db8::1", NULL, 443, 403, "/default",
	 "[2001:db8::1]:443"},
	{"GET / HTTP/1.1", "192.0.2.1", "192.0.2.1", NULL, 443, 403, "/default", "192.0.2.1"},
	{"GET / HTTP/1.1", "example.org", NULL, NULL, 80, 403, "/default", "example.org:80"},
	{"GET /a/../b HTTP/1.1", "example.org", "example.org", NULL, 443, 403, "/default",
	 "example.org:443 is refused"},
	{"GET / HTTP/1.1", "host.mcpjail.internal:8080", NULL, NULL, 8080, 403, "/default",
	 "mcpjail --forward-host 8080"},
	/* the right host, but not its endpoint */
	{"POST /MCP HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", "/MCP"},
	{"POST /mcp/ HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", "https://promptfax.app/mcp"},
	{"POST / HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", ""},
	{"POST /mcp?a=b HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", "query"},
	{"POST /mcp? HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", "query"},
	{"PUT /mcp HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", "PUT"},
	{"OPTIONS /mcp HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", "OPTIONS"},
	{"OPTIONS * HTTP/1.1", PF, PF, NULL, 443, 403, "/server/url", ""},
	{"POST /mcp HTTP/1.1", PF, NULL, NULL, 80, 403, "/server/url", "https"},
	{"POST /mcp HTTP/1.1", PF, NULL, NULL, 443, 403, "/server/url", "https"},
	{"POST /a/../mcp HTTP/1.1", PF, PF, NULL, 443, 400, "", ""},
	{"POST /%2e/mcp HTTP/1.1", PF, PF, NULL, 443, 400, "", ""},
	{"POST //mcp HTTP/1.1", PF, PF, NULL, 443, 400, "", ""},
	/* layers that disagree */
	{"POST /mcp HTTP/1.1", PF, "example.org", NULL, 443, 421, "", "example.org"},
	{"POST /mcp HTTP/1.1", "example.org", PF, NULL, 443, 421, "", "example.org"},
	{"POST /mcp HTTP/1.1", PF, PF, &tunnel_other, 3128, 421, "", "CONNECT"},
	{"POST /mcp HTTP/1.1", PF, PF, &tunnel_port, 3128, 421, "", "CONNECT"},
	{"POST /mcp HTTP/1.1", PF, PF, NULL, 8443, 421, "", "8443"},
	{"POST http://promptfax.app:443/mcp HTTP/1.1", PF ":443", PF, NULL, 443, 421, "", "http"},
	{"POST https://example.org/mcp HTTP/1.1", PF, PF, NULL, 443, 421, "", ""},
	{"POST /mcp HTTP/1.1", NULL, PF, NULL, 443, 400, "", ""},
	{"POST /mcp HTTP/1.1", "0x7f.1", "0x7f.1", NULL, 443, 400, "", ""},
	{"POST /mcp HTTP/1.1", "promptfax.app@example.org", PF, NULL, 443, 400, "", ""},
};

/* Requests to hosts of `egress`, which come by TLS unless the port is 80. */
struct egress_row {
	const char *request; /* first line */
	const char *host;
	const char *fields; /* more lines, or "" */
	uint16_t port;
	unsigned status; /* 0: passes */
	const char *
		path; /* that is sent; "+ws" behind it: as a WebSocket. Refused: part of the text */
};

#define WS                                                                                         \
	"Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"   \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static const struct egress_row egress_rows[] = {
	{"GET / HTTP/1.1", "any.example", "", 443, 0, "/"},
	{"BREW /a?b=c HTTP/1.1", "any.example:8443", "", 8443, 0, "/a"},
	{"GET / HTTP/1.1", "any.example", "", 80, 0, "/"},
	{"GET http://any.example HTTP/1.1", "any.example", "", 80, 0, "/"},
	{"GET / HTTP/1.1", "any.example:8080", "", 8080, 403, "/default"},
	{"GET /@scope%2fname/%20%40 HTTP/1.1", "any.example", "", 443, 0, "/@scope%2Fname/%20%40"},
	{"GET /%7Euser/%41{x}|y HTTP/1.1", "any.example", "", 443, 0, "/~user/A%7Bx%7D%7Cy"},
	{"GET /web//https://example.org/ HTTP/1.1", "any.example", "", 443, 0,
	 "/web//https://example.org/"},
	{"GET /a%2525 HTTP/1.1", "any.example", "", 443, 0, "/a%2525"},
	{"GET /caf%c3%a9 HTTP/1.1", "any.example", "", 443, 0, "/caf%C3%A9"},
	{"OPTIONS * HTTP/1.1", "any.example", "", 443, 400, "`*`"},
	/* what servers read differently, out of a directory */
	{"GET /a/../b HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a?x=1&$httpMethod=POST HTTP/1.1", "any.example", "", 443, 400, "a query that names"},
	{"GET /a?x=$http&y$http=%24http HTTP/1.1", "any.example", "", 443, 0, "/a"},
	{"GET /a?%24HTTPHeaders=a HTTP/1.1", "any.example", "", 443, 400, "a query that names"},
	{"GET /a/%2e%2E/b HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a%2f..%2fb HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a%252f%252e%252e%252fb HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a/..;x=1/b HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a/..%3b/b HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a/..%3Fb HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a/.. HTTP/1.1", "any.example", "", 443, 400, "dot segments"},
	{"GET /a%5c..%5cb HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	{"GET /a\\b HTTP/1.1", "any.example", "", 443, 400, ""},
	{"GET /a%00b HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	{"GET /a%250ab HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	{"GET /a%c0%afb HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	{"GET /a%zz HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	{"GET /a%2 HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	{"GET /%25252525252525 HTTP/1.1", "any.example", "", 443, 400, "odd escapes"},
	/* methods and paths */
	{"POST /v1/messages HTTP/1.1", "api.example", "", 443, 0, "/v1/messages"},
	{"POST /v1/m%65ssages?beta=true HTTP/1.1", "api.example", "", 443, 0, "/v1/messages"},
	{"DELETE /v1/messages HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"post /v1/messages HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"POST /v1/messages/batches HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"POST /V1/messages HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"POST /v2/messages HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	/* a pattern that one reading matches and another does not */
	{"POST /v1/messages%2fbatches HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"POST /v1/messages%252fbatches HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"GET /files/key;.txt HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"GET /files/key%3B.txt HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"GET /files/key%3F.txt HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"GET /files/key%23.txt HTTP/1.1", "api.example", "", 443, 403, "/egress/1"},
	{"GET /files/a%20b.txt HTTP/1.1", "api.example", "", 443, 0, "/files/a%20b.txt"},
	{"POST /v1/a HTTP/1.1", "api.example", "X-HTTP-Method-Override: delete\r\n", 443, 403,
	 "DELETE"},
	{"POST /v1/a HTTP/1.1", "api.example", "X_HTTP_Method: PUT\r\n", 443, 403, "PUT"},
	{"POST /v1/a HTTP/1.1", "api.example", "X-Method-Override: get\r\n", 443, 0, "/v1/a"},
	/* fields, as the host will see them */
	{"GET / HTTP/1.1", "org.example", "X-Org: acme\r\n", 443, 0, "/"},
	{"GET / HTTP/1.1", "org.example", "", 443, 403, "x-org"},
	{"GET / HTTP/1.1", "org.example", "X-Org: evil\r\n", 443, 403, "x-org"},
	{"GET / HTTP/1.1", "org.example", "X-Org: acme\r\nx-org: evil\r\n", 443, 403, "x-org"},
	{"GET / HTTP/1.1", "org.example", "X-Org: acme\r\nX_Org: evil\r\n", 443, 403, "x-org"},
	{"GET / HTTP/1.1", "org.example", "X-Org: acme, evil\r\n", 443, 403, "x-org"},
	{"GET / HTTP/1.1", "org.example", "X-Org: acme\r\nConnection: X-Org\r\n", 443, 403,
	 "x-org"},
	{"GET / HTTP/1.1", "org.example", "X-Org: acme\r\nX-Beta: y\r\n", 443, 403, "x-beta"},
	{"GET / HTTP/1.1", "org.example", "X-Org: acme\r\nX-Beta: y\r\nConnection: x-beta\r\n", 443,
	 0, "/"},
	/* WebSockets, and what is none */
	{"GET /s HTTP/1.1", "ws.example", WS, 443, 0, "/s+ws"},
	{"GET /s HTTP/1.1", "any.example", WS, 443, 0, "/s"},
	{"GET /v2/s HTTP/1.1", "api.example", WS, 443, 426, "/egress/1"},
	{"POST /s HTTP/1.1", "ws.example", WS, 443, 0, "/s"},
	{"GET /s HTTP/1.1", "ws.example", "Upgrade: h2c\r\nConnection: Upgrade\r\n", 443, 0, "/s"},
	{"GET /s HTTP/1.1", "ws.example", "Upgrade: websocket\r\n", 443, 0, "/s"},
	{"GET /s HTTP/1.1", "ws.example", WS "Content-Length: 1\r\n", 443, 0, "/s"},
	/* the wrong scheme, or no requests at all */
	{"GET / HTTP/1.1", "api.example", "", 80, 403, "https://api.example/"},
	{"GET / HTTP/1.1", "any.example:8443", "", 80, 403, "https://any.example:8443/"},
	{"GET / HTTP/1.1", "tun.example", "", 443, 403, "tunnel"},
	{"GET / HTTP/1.1", "tun.example", "", 80, 403, "https"},
};

static struct policy *load(void)
{
	struct policy *policy = NULL;

	assert_int_equal(policy_parse(policy_text, strlen(policy_text), "test", &policy, NULL), 0);
	return policy;
}

/* Return: the status of a refused head, 0 if it was read */
static unsigned read_head(const struct row *row, struct http1_head *head)
{
	autobuf struct buf in = BUF_INIT(4096);
	struct http1_refusal refusal = {0, ""};

	assert_int_equal(buf_printf(&in, "%s\r\n", row->request), 0);
	if (row->host)
		assert_int_equal(buf_printf(&in, "Host: %s\r\n", row->host), 0);
	assert_int_equal(buf_puts(&in, "\r\n"), 0);
	return http1_read_request(head, &in, &refusal) == PARSE_BAD ? refusal.status : 0;
}

static void check_row(const struct policy *policy, const struct row *row)
{
	const struct route_channel channel = {
		.tls = row->tls_name,
		.tls_name = row->tls_name ? row->tls_name : "",
		.tunnel = row->tunnel,
		.port = row->port,
	};
	struct http1_head head = {0};
	struct route route = {.kind = ROUTE_REFUSE};
	unsigned bad = read_head(row, &head);

	if (!bad)
		route_request(policy, &channel, &head, &route);
	if (bad ? bad != row->status
		: (route.kind == ROUTE_MCP) != !row->status ||
			    (row->status &&
			     (route.status != row->status || strcmp(route.rule, row->rule) ||
			      !strstr(route.text, row->says))))
		fail_msg("%s, Host %s: status %u, rule %s, text %s", row->request,
			 row->host ? row->host : "-", bad ? bad : route.status, route.rule,
			 route.text);
	if (!row->status) {
		assert_non_null(route.server);
		assert_string_equal(route.server->host, PF);
	}
	http1_head_free(&head);
}

static void test_route_passes_the_exact_endpoint_and_refuses_the_rest(void **state)
{
	struct policy *policy = load();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(policy, &rows[i]);
	policy_free(policy);
}

static void check_egress_row(const struct policy *policy, const struct egress_row *row)
{
	autobuf struct buf in = BUF_INIT(4096);
	struct http1_refusal refusal = {0, ""};
	struct http1_head head = {0};
	static struct route route;
	char host[256], sent[HTTP1_PATH_MAX + 8] = "";
	struct route_channel channel = {.port = row->port, .tls = row->port != 80};
	ssize_t n;

	snprintf(host, sizeof(host), "%.*s", (int)strcspn(row->host, ":"), row->host);
	channel.tls_name = host;
	buf_printf(&in, "%s\r\nHost: %s\r\n%s\r\n", row->request, row->host, row->fields);
	n = http1_read_request(&head, &in, &refusal);
	route = (struct route){.status = refusal.status, .rule = ""};
	if (n > 0)
		route_request(policy, &channel, &head, &route);
	if (route.kind == ROUTE_EGRESS)
		snprintf(sent, sizeof(sent), "%s%s", route.egress.path,
			 route.egress.websocket ? "+ws" : "");
	if (route.kind == ROUTE_MCP || (route.kind == ROUTE_REFUSE) != (row->status != 0) ||
	    (row->status ? route.status != row->status || !strstr(route.text, row->path)
			 : strcmp(sent, row->path)))
		fail_msg("%s, Host %s, %s: status %u, rule %s, text %s, sent %s", row->request,
			 row->host, row->fields, route.status, route.rule, route.text, sent);
	http1_head_free(&head);
}

static void test_route_judges_every_reading_of_a_request_to_another_host(void **state)
{
	struct policy *policy = load();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(egress_rows); i++)
		check_egress_row(policy, &egress_rows[i]);
	policy_free(policy);
}

static void test_host_denial_names_host_rule_and_what_to_do(void **state)
{
	struct policy *policy = load();
	char text[ROUTE_TEXT_MAX];

	(void)state;
	route_host_denial(policy, "example.org", 443, text, sizeof(text));
	assert_non_null(strstr(text, "example.org:443"));
	assert_non_null(strstr(text, "/default"));
	assert_non_null(strstr(text, "mcpjail --allow example.org for one run"));
	route_host_denial(policy, "2001:db8::1", 8443, text, sizeof(text));
	assert_non_null(strstr(text, "mcpjail policy allow [2001:db8::1]:8443 for good"));
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_passes_the_exact_endpoint_and_refuses_the_rest),
		cmocka_unit_test(test_route_judges_every_reading_of_a_request_to_another_host),
		cmocka_unit_test(test_host_denial_names_host_rule_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
