// SPDX-License-Identifier: Apache-2.0
#include "proxy/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const char policy_text[] = "{\"version\":\"1\",\"default\":\"deny\",\"server\":{\"url\":"
				  "\"https://promptfax.app/mcp\"},"
				  "\"tools\":{\"get_status\":{}}}";

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
	 "example.org:443 is refused"},
	{"GET / HTTP/1.1", "example.org:8443", "example.org", NULL, 8443, 403, "/default",
	 "example.org:8443 is refused"},
	{"POST /mcp HTTP/1.1", PF ":8443", PF, NULL, 8443, 403, "/default", PF ":8443"},
	{"GET / HTTP/1.1", "[2001:db8::1]", "2001:db8::1", NULL, 443, 403, "/default",
	 "[2001:db8::1]:443"},
	{"GET / HTTP/1.1", "192.0.2.1", "192.0.2.1", NULL, 443, 403, "/default", "192.0.2.1"},
	{"GET / HTTP/1.1", "example.org", NULL, NULL, 80, 403, "/default", "example.org:80"},
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

static void test_host_denial_names_host_rule_and_what_to_do(void **state)
{
	char text[ROUTE_TEXT_MAX];

	(void)state;
	route_host_denial("example.org", 443, text, sizeof(text));
	assert_non_null(strstr(text, "example.org:443"));
	assert_non_null(strstr(text, "/default"));
	assert_non_null(strstr(text, "`server`"));
	route_host_denial("2001:db8::1", 8443, text, sizeof(text));
	assert_non_null(strstr(text, "[2001:db8::1]:8443"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_passes_the_exact_endpoint_and_refuses_the_rest),
		cmocka_unit_test(test_host_denial_names_host_rule_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
