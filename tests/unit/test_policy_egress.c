// SPDX-License-Identifier: Apache-2.0
/*
 * `egress`: what loads and what is refused; which hosts are found; how heads and bodies are
 * judged, in whatever order the entries stand.
 */
#include "policy_world.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "policy/json/json_auto.h"
#include "base/cleanup.h"
#include "policy/egress.h"

#define EGRESS(entries) "{\"egress\":[" entries "]}"
#define ENTRY(more)     EGRESS("{\"host\":\"h.example\"," more "}")
#define HOST(host)      EGRESS("{\"host\":\"" host "\"}")
#define DENY(predicate) ENTRY("\"deny_body\":[" predicate "]")
#define PATHS(pattern)  ENTRY("\"paths\":[\"" pattern "\"]")
#define TWO(a, b)       EGRESS("{\"host\":" a "},{\"host\":" b "}")
#define SERVER(url)     "\"server\":{\"url\":\"" url "\"}"
#define EXISTS          "{\"path\":\"body.a\",\"op\":\"exists\",\"value\":true}"

/* --- loading ---------------------------------------------------------------- */

static const char *const sound[] = {
	EGRESS(""),
	HOST("api.example.com"),
	HOST("API.Example.COM"),
	HOST("localhost"),
	HOST("192.0.2.7"),
	HOST("2001:db8::1"),
	HOST("[2001:DB8::1]"),
	HOST("*.example.com"),
	HOST("*.s3.example.co.uk"),
	HOST("xn--bcher-kva.example"),
	ENTRY("\"ports\":[443,8443,443]"),
	ENTRY("\"mode\":\"inspect\",\"methods\":[\"GET\",\"GET\",\"M-SEARCH\"]"),
	ENTRY("\"mode\":\"tunnel\",\"ports\":[443],\"private_addresses\":true"),
	ENTRY("\"paths\":[\"/\",\"/v1/*\",\"/**\",\"**\",\"/a%2fb\",\"/~u/a..b/.well-known/x\"]"),
	ENTRY("\"headers\":{\"X-A\":\"1\",\"x-b\":[\"1\",\"2\",null],\"x-c\":null,\"x-d\":\"\"}"),
	ENTRY("\"websocket\":true"),
	ENTRY("\"websocket\":false,\"deny_body\":[" EXISTS "]"),
	ENTRY("\"websocket\":true,\"deny_body\":[]"),
	DENY("{\"body.a\":{\"exists\":true}}"),
	DENY("{\"body[0].b\":{\"eq\":null,\"optional\":true,\"reason\":\"no\"}}"),
	DENY("{\"body\":{\"contains\":[\"a\",\"b\"]}}"),
	DENY("{\"value\":[1],\"op\":\"in\",\"path\":\"body.a[*].b\",\"optional\":false}"),
	/* the same twice, and more of the same */
	TWO("\"a.example\"", "\"a.example\""),
	TWO("\"*.a.example\"", "\"b.a.example\""),
	/* other modes on other ports, or of other names */
	TWO("\"a.example\",\"mode\":\"tunnel\",\"ports\":[22]", "\"a.example\""),
	TWO("\"*.a.example\",\"mode\":\"tunnel\"", "\"a.example\""),
	TWO("\"*.a.example\",\"mode\":\"tunnel\"", "\"ba.example\""),
	TWO("\"*.a.example\",\"mode\":\"tunnel\"", "\"*.ba.example\""),
	/* the server's host at another port; names beside it */
	"{" SERVER("https://s.example:8443/mcp") ",\"egress\":[{\"host\":\"s.example\"}]}",
	"{" SERVER("https://s.example/mcp") ",\"egress\":[{\"host\":\"*.s.example\"}]}",
	"{\"default\":\"allow\",\"egress\":[{\"host\":\"host.mcpjail.internal\",\"ports\":[5432],"
	"\"mode\":\"tunnel\"}]}",
};

static const struct wrong wrongs[] = {
	{"{\"egress\":{}}", ":1:11 /egress", "must be an array, is an object; [{\"host\""},
	{EGRESS("\"a.example\""), ":1:12 /egress/0", "must be an object, is a string; {\"host\""},
	{EGRESS("{}"), ":1:12 /egress/0", "`host` is missing"},
	{EGRESS("{\"hots\":\"a.example\",\"host\":\"a.example\"}"), ":1:13 /egress/0/hots",
	 "did you mean `host`?"},
	{ENTRY("\"path\":[\"/\"]"), "/egress/0/path", "did you mean `paths`?"},
	{ENTRY("\"tls\":1"), "/egress/0/tls", "an entry of `egress` has: host, ports, mode"},
	{"{\"host\":\"a.example\"}", ":1:2 /host", "it belongs in an entry of `egress`"},
	/* hosts */
	{EGRESS("{\"host\":1}"), ":1:20 /egress/0/host", "must be a string"},
	{HOST(""), "/egress/0/host", "the host is missing"},
	{HOST("https://a.example"), ":1:20 /egress/0/host", "a URL or path, no host"},
	{HOST("a.example/v1"), "/egress/0/host", "paths into `paths`"},
	{HOST("a.example:8443"), "/egress/0/host", "put it into `ports`"},
	{HOST("[::1]:8443"), "/egress/0/host", "put it into `ports`"},
	{HOST("a.example."), "/egress/0/host", "leave the dot out"},
	{HOST("a..example"), "/egress/0/host", "not a host name"},
	{HOST("a_b.example"), "/egress/0/host", "not a host name"},
	{HOST("a b"), "/egress/0/host", "not a host name"},
	{HOST("user@a.example"), "/egress/0/host", "not a host name"},
	{HOST("b\xc3\xbc.example"), "/egress/0/host", "xn-- form"},
	{HOST("127.1"), "/egress/0/host", "not a host name"},
	{HOST("0x7f000001"), "/egress/0/host", "not a host name"},
	{HOST("2130706433"), "/egress/0/host", "not a host name"},
	{HOST("192.0.2.07"), "/egress/0/host", "not a host name"},
	{HOST("::ffff:192.0.2.7"), "/egress/0/host", "write the dotted quad"},
	{HOST("::ffff:c000:0207"), "/egress/0/host", "write the dotted quad"},
	{HOST("fe80::1%25eth0"), "/egress/0/host", "not an IPv6 address"},
	{HOST("[::1"), "/egress/0/host", "not an IPv6 address"},
	{HOST("*"), "/egress/0/host", "every host"},
	{HOST("*.*.example"), "/egress/0/host", "the whole first label"},
	{HOST("a.*.example"), "/egress/0/host", "the whole first label"},
	{HOST("*a.example"), "/egress/0/host", "the whole first label"},
	{HOST("**.example"), "/egress/0/host", "the whole first label"},
	{HOST("*."), "/egress/0/host", "the host is missing"},
	{HOST("*.192.0.2.7"), "/egress/0/host", "before an address"},
	{HOST("*.com"), "/egress/0/host", "under a public suffix"},
	{HOST("*.CO.UK"), "/egress/0/host", "under a public suffix"},
	{HOST("*.github.io"), "/egress/0/host", "under a public suffix"},
	{HOST("*.internal"), "/egress/0/host", "under a public suffix"},
	{HOST("*.foo.ck"), "/egress/0/host", "under a public suffix"},
	/* ports, mode */
	{ENTRY("\"ports\":443"), "/egress/0/ports", "must be an array, is a number; [443]"},
	{ENTRY("\"ports\":[]"), "/egress/0/ports", "0 ports; 1 to 16"},
	{ENTRY("\"ports\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"), "/egress/0/ports",
	 "17 ports; 1 to 16"},
	{ENTRY("\"ports\":[443,0]"), "/egress/0/ports/1", "at least 1"},
	{ENTRY("\"ports\":[65536]"), "/egress/0/ports/0", "1 to 65535"},
	{ENTRY("\"ports\":[\"443\"]"), "/egress/0/ports/0", "must be a whole number"},
	{ENTRY("\"mode\":\"tunel\""), "/egress/0/mode", "did you mean `tunnel`?"},
	{ENTRY("\"mode\":\"tunnel\",\"methods\":[\"GET\"]"), "/egress/0/methods", "not seen"},
	{ENTRY("\"mode\":\"tunnel\",\"paths\":[\"/\"]"), "/egress/0/paths", "not seen"},
	{ENTRY("\"mode\":\"tunnel\",\"headers\":{}"), "/egress/0/headers", "not seen"},
	{ENTRY("\"mode\":\"tunnel\",\"deny_body\":[" EXISTS "]"), "/egress/0/deny_body",
	 "not seen"},
	{ENTRY("\"mode\":\"tunnel\",\"websocket\":false"), "/egress/0/websocket", "not seen"},
	{HOST("host.mcpjail.internal"), "/egress/0", "add \"mode\":\"tunnel\""},
	{HOST("*.mcpjail.internal"), "/egress/0/host", "by its own name only"},
	{EGRESS("{\"host\":\"*.mcpjail.internal\",\"mode\":\"tunnel\"}"), "/egress/0/host",
	 "takes in host.mcpjail.internal, which is reached by its own name only"},
	{EGRESS("{\"host\":\"*.internal\",\"mode\":\"tunnel\"}"), "/egress/0/host",
	 "public suffix"},
	{ENTRY("\"private_addresses\":1"), "/egress/0/private_addresses", "true or false"},
	/* methods, paths */
	{ENTRY("\"methods\":\"GET\""), "/egress/0/methods", "must be an array"},
	{ENTRY("\"methods\":[]"), "/egress/0/methods", "leave the key out"},
	{ENTRY("\"methods\":[\"get\"]"), "/egress/0/methods/0", "in upper case"},
	{ENTRY("\"methods\":[\"*\"]"), "/egress/0/methods/0", "leave `methods` out"},
	{ENTRY("\"methods\":[\"GET\",\"\"]"), "/egress/0/methods/1", "is no method"},
	{ENTRY("\"methods\":[\"CONNECT\"]"), "/egress/0/methods/0", "for proxies"},
	{ENTRY("\"paths\":[]"), "/egress/0/paths", "leave the key out"},
	{PATHS(""), "/egress/0/paths/0", "the path is empty"},
	{PATHS("v1"), "/egress/0/paths/0", "begins with `/`"},
	{PATHS("*/v1"), "/egress/0/paths/0", "begins with `/`"},
	{PATHS("/v1?x=1"), "/egress/0/paths/0", "only paths are matched"},
	{PATHS("/a/../b"), "/egress/0/paths/0", "a `..` segment"},
	{PATHS("/a/.."), "/egress/0/paths/0", "a `..` segment"},
	{PATHS("/."), "/egress/0/paths/0", "a `.` segment"},
	{PATHS("/a//b"), "/egress/0/paths/0", "an empty segment"},
	{PATHS("/***"), "/egress/0/paths/0", "two `*`"},
	{PATHS("/a b"), "/egress/0/paths/0", "a character that no path has"},
	{PATHS("/\xc3\xbc"), "/egress/0/paths/0", "a character that no path has"},
	{PATHS("/a#b"), "/egress/0/paths/0", "a character that no path has"},
	{PATHS("/a\\\\b"), "/egress/0/paths/0", "a character that no path has"},
	{PATHS("/%2"), "/egress/0/paths/0", "two hexadecimal digits"},
	{PATHS("/%*a"), "/egress/0/paths/0", "two hexadecimal digits"},
	{PATHS("/%41"), "/egress/0/paths/0", "needs none"},
	{PATHS("/%2e%2e/x"), "/egress/0/paths/0", "needs none"},
	{PATHS("/%252f"), "/egress/0/paths/0", "no request may have"},
	{PATHS("/%00"), "/egress/0/paths/0", "no request may have"},
	/* headers */
	{ENTRY("\"headers\":[]"), "/egress/0/headers", "must be an object"},
	{ENTRY("\"headers\":{\"x-a\":1}"), "/egress/0/headers/x-a", "must be an array"},
	{ENTRY("\"headers\":{\"x-a\":[]}"), "/egress/0/headers/x-a", "must be absent"},
	{ENTRY("\"headers\":{\"x-a\":[1]}"), "/egress/0/headers/x-a/0", "must be a string"},
	{ENTRY("\"headers\":{\"x-a\":\" 1\"}"), "/egress/0/headers/x-a", "blanks"},
	{ENTRY("\"headers\":{\"x-a\":\"a\\r\\nb\"}"), "/egress/0/headers/x-a", "no field"},
	{ENTRY("\"headers\":{\"x a\":\"1\"}"), "/egress/0/headers/x a", "no name of a field"},
	{ENTRY("\"headers\":{\"\":\"1\"}"), "/egress/0/headers/", "1 to 64 bytes"},
	{ENTRY("\"headers\":{\"Host\":\"b\"}"), "/egress/0/headers/Host", "itself"},
	{ENTRY("\"headers\":{\"x-a\":\"1\",\"X-A\":\"2\"}"), "/egress/0/headers/X-A", "twice"},
	/* deny_body */
	{ENTRY("\"deny_body\":{}"), "/egress/0/deny_body", "must be an array"},
	{ENTRY("\"websocket\":true,\"deny_body\":[" EXISTS "]"), "/egress/0/websocket",
	 "what a WebSocket carries"},
	{DENY("7"), "/egress/0/deny_body/0", "must be an object"},
	{DENY("{\"op\":\"exists\",\"value\":true}"), "/egress/0/deny_body/0", "`path` is missing"},
	{DENY("{\"path\":\"body\",\"value\":1}"), "/egress/0/deny_body/0", "`op` is missing"},
	{DENY("{\"path\":\"body\",\"op\":\"eq\"}"), "/egress/0/deny_body/0", "`value` is missing"},
	{DENY("{\"path\":\"args.a\",\"op\":\"eq\",\"value\":1}"), "/deny_body/0/path",
	 "begins with `body`; body.a.b"},
	{DENY("{\"path\":\"bodya\",\"op\":\"eq\",\"value\":1}"), "/deny_body/0/path",
	 "begins with `body`"},
	{DENY("{\"path\":\"body.a[-1]\",\"op\":\"eq\",\"value\":1}"), "/deny_body/0/path", "`[*]`"},
	{DENY("{\"path\":\"body.a\",\"op\":\"equals\",\"value\":1}"), "/deny_body/0/op",
	 "unknown value `equals`; one of: eq, neq"},
	{DENY("{\"path\":\"body.a\",\"op\":\"regex\",\"value\":\"(a\"}"), "/deny_body/0/value",
	 "no regular expression"},
	{DENY("{\"path\":\"body.a\",\"op\":\"url\",\"value\":{}}"), "/deny_body/0/value",
	 "no term"},
	{DENY("{\"path\":\"body.a\",\"op\":\"in\",\"value\":[]}"), "/deny_body/0/value",
	 "`in` compares with a list of values"},
	{DENY("{\"path\":\"body.a\",\"op\":\"gt\",\"value\":\"1\"}"), "/deny_body/0/value",
	 "a number"},
	{DENY("{\"path\":\"body.a\",\"op\":\"exists\",\"value\":1}"), "/deny_body/0/value",
	 "true or false"},
	{DENY("{\"path\":\"body.a\",\"op\":\"prefix\",\"value\":\"\"}"), "/deny_body/0/value",
	 "none empty"},
	{DENY("{\"path\":\"body.a\",\"op\":\"suffix\",\"value\":[\"a\",\"\"]}"),
	 "/deny_body/0/value", "none empty"},
	{DENY("{\"path\":\"body.a\",\"op\":\"contains\",\"value\":[]}"), "/deny_body/0/value",
	 "none empty"},
	{DENY("{\"path\":\"body.a\",\"op\":\"len_gt\",\"value\":-1}"), "/deny_body/0/value",
	 "not negative"},
	{DENY("{\"path\":\"body.a\",\"op\":\"len_lte\",\"value\":1.5}"), "/deny_body/0/value",
	 "a whole number"},
	{DENY("{\"path\":\"body.a\",\"op\":\"eq\",\"value\":1,\"optional\":1}"),
	 "/deny_body/0/optional", "true or false"},
	{DENY("{\"path\":\"body.a\",\"op\":\"eq\",\"value\":1,\"reason\":\"\"}"),
	 "/deny_body/0/reason", "1 to 512 bytes"},
	{DENY("{\"body.a\":true}"), "/deny_body/0/body.a", "must be an object"},
	{DENY("{\"body.a\":{}}"), "/deny_body/0/body.a", "an operator is missing"},
	{DENY("{\"body.a\":{\"optional\":true}}"), "/deny_body/0/body.a", "an operator is missing"},
	{DENY("{\"body..a\":{\"exists\":true}}"), "/deny_body/0/body..a", "is no path"},
	{DENY("{\"body.a\":{\"gt\":1,\"lt\":3}}"), "/deny_body/0/body.a/lt", "a second operator"},
	{DENY("{\"body.a\":{\"gt\":1},\"body.b\":{\"lt\":3}}"), "/deny_body/0/body.a",
	 "beside the one path"},
	{DENY("{\"body.a\":{\"exist\":true}}"), "/deny_body/0/body.a/exist",
	 "did you mean `exists`?"},
	/* between entries */
	{TWO("\"a.example\"", "\"a.example\",\"mode\":\"tunnel\""), "/egress/1/host",
	 "a.example:443 goes through a tunnel here, and is inspected by /egress/0"},
	{TWO("\"a.example\",\"ports\":[1,2],\"mode\":\"tunnel\"", "\"a.example\",\"ports\":[3,2]"),
	 "/egress/1/host", "a.example:2 is inspected here, and goes through a tunnel by /egress/0"},
	{TWO("\"*.a.example\"", "\"b.a.example\",\"mode\":\"tunnel\""), "/egress/1/host",
	 "b.a.example:443"},
	{TWO("\"b.a.example\",\"mode\":\"tunnel\"", "\"*.a.example\""), "/egress/1/host",
	 "*.a.example:443"},
	{TWO("\"*.a.example\"", "\"*.c.b.a.example\",\"mode\":\"tunnel\""), "/egress/1/host",
	 "*.c.b.a.example:443"},
	{TWO("\"*.c.b.a.example\",\"mode\":\"tunnel\"", "\"*.a.example\""), "/egress/1/host",
	 "*.a.example:443"},
	{TWO("\"*.a.example\"", "\"*.a.example\",\"mode\":\"tunnel\""), "/egress/1/host",
	 "*.a.example:443"},
	/* and the server */
	{HOST("promptfax.app"), ":1:20 /egress/0/host", "needs no entry"},
	{"{\"egress\":[{\"host\":\"s.example\",\"ports\":[1,8443]}],"
	 "\n" SERVER("https://s.example:8443/mcp") "}",
	 ":1:20 /egress/0/host", "s.example takes in s.example, the host of the MCP server"},
	{"{\"egress\":[{\"host\":\"*.example.com\"}]," SERVER("https://s.example.com/mcp") "}",
	 "/egress/0/host", "*.example.com takes in s.example.com"},
	{"{\"egress\":[{\"host\":\"s.example\",\"ports\":[22],\"mode\":\"tunnel\"}]," SERVER(
		 "https://s.example/mcp") "}",
	 "/egress/0/host", "takes in s.example"},
	{"{\"egress\":[{\"host\":\"[2001:DB8:0::1]\"}]," SERVER("https://[2001:db8::1]/") "}",
	 "/egress/0/host", "takes in 2001:db8::1"},
	/* presets */
	{EGRESS("{\"preset\":\"githbu\"}"), ":1:22 /egress/0/preset",
	 "no preset is named `githbu`, did you mean `github`?; one of: "},
	{EGRESS("{\"preset\":7}"), "/egress/0/preset", "must be a string"},
	{EGRESS("{\"preset\":\"github\",\"ports\":[443]}"), "/egress/0/preset", "stands alone"},
	{EGRESS("{\"presett\":\"github\",\"host\":\"a.example\"}"), "/egress/0/presett",
	 "did you mean `preset`?"},
};

static void test_egress_loads_what_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sound); i++) {
		autopolicy struct policy *policy = load_text(sound[i]);

		assert_non_null(policy);
	}
}

static void test_egress_refuses_with_place_and_mend(void **state)
{
	(void)state;
	assert_all_told(wrongs, ARRAY_SIZE(wrongs));
}

static void test_egress_bounds_its_entries(void **state)
{
	autofree char *text = malloc(64 * (POLICY_EGRESS_MAX + 2));
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	n += (size_t)sprintf(text, "{\"egress\":[{\"host\":\"a.example\"}");
	for (int i = 1; i < POLICY_EGRESS_MAX; i++)
		n += (size_t)sprintf(text + n, ",{\"host\":\"h%d.example\"}", i);
	strcpy(text + n, "]}");
	{
		autopolicy struct policy *policy = load_text(text);

		assert_non_null(policy);
		assert_non_null(policy_egress_find(policy, "h255.example", 443));
	}
	strcpy(text + n, ",{\"host\":\"z.example\"}]}");
	assert_true(is_told(&(struct wrong){text, " /egress/256", "more than 256 entries"}));
}

/* --- hosts ------------------------------------------------------------------ */

static const char hosts_policy[] =
	EGRESS("{\"host\":\"A.Example\"},{\"host\":\"*.b.example\",\"ports\":[443,8443]},"
	       "{\"host\":\"t.example\",\"mode\":\"tunnel\",\"ports\":[22]},"
	       "{\"host\":\"p.b.example\",\"private_addresses\":true},{\"host\":\"[::1]\"},"
	       "{\"host\":\"192.0.2.7\"},{\"host\":\"*.p.b.example\"}");

static const struct {
	const char *host;
	uint16_t port;
	const char *rule; /* NULL: not found */
	enum egress_mode mode;
	bool may_be_private;
} hosts[] = {
	{"a.example", 443, "/egress/0", EGRESS_INSPECT, false},
	{"a.example", 80, NULL, EGRESS_INSPECT, false},
	{"aa.example", 443, NULL, EGRESS_INSPECT, false},
	{"x.a.example", 443, NULL, EGRESS_INSPECT, false},
	{"a.example.evil.example", 443, NULL, EGRESS_INSPECT, false},
	{"b.example", 443, NULL, EGRESS_INSPECT, false},
	{".b.example", 443, NULL, EGRESS_INSPECT, false},
	{"ab.example", 443, NULL, EGRESS_INSPECT, false},
	{"a.b.example", 443, "/egress/1", EGRESS_INSPECT, false},
	{"a.b.example", 8443, "/egress/1", EGRESS_INSPECT, false},
	{"c.a.b.example", 8443, "/egress/1", EGRESS_INSPECT, false},
	{"t.example", 22, "/egress/2", EGRESS_TUNNEL, false},
	{"t.example", 443, NULL, EGRESS_INSPECT, false},
	{"p.b.example", 443, "/egress/3", EGRESS_INSPECT, true},
	{"p.b.example", 8443, "/egress/1", EGRESS_INSPECT, false},
	{"q.p.b.example", 443, "/egress/1", EGRESS_INSPECT, false},
	{"::1", 443, "/egress/4", EGRESS_INSPECT, false},
	{"192.0.2.7", 443, "/egress/5", EGRESS_INSPECT, false},
	{"", 443, NULL, EGRESS_INSPECT, false},
	{"promptfax.app", 443, NULL, EGRESS_INSPECT, false},
};

static void test_egress_finds_hosts(void **state)
{
	autopolicy struct policy *policy = load_text(hosts_policy);

	(void)state;
	assert_non_null(policy);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		const struct policy_egress *found =
			policy_egress_find(policy, hosts[i].host, hosts[i].port);

		if (!hosts[i].rule != !found)
			fail_msg("%s:%u", hosts[i].host, hosts[i].port);
		if (!found)
			continue;
		assert_string_equal(policy_egress_rule(found), hosts[i].rule);
		assert_int_equal(policy_egress_mode(found), hosts[i].mode);
		assert_int_equal(policy_egress_may_be_private(found), hosts[i].may_be_private);
	}
}

static void test_egress_is_empty_also_where_tools_are_allowed(void **state)
{
	autopolicy struct policy *policy = load_text("{\"default\":\"allow\"}");
	struct policy_egress_decision decision;
	const struct policy_egress_request request = {
		.host = "h.example", .port = 443, .method = span_of("GET"), .path = "/"};

	(void)state;
	assert_null(policy_egress_find(policy, "h.example", 443));
	policy_egress_decide(policy, &request, &decision);
	assert_int_equal(decision.verdict, VERDICT_DENY);
	assert_string_equal(decision.rule, "/default");
	assert_non_null(strstr(decision.reason, "h.example:443"));
}

/* --- requests --------------------------------------------------------------- */

struct judged {
	const char *policy;
	/* "[WS ]METHOD PATH", then "\nfield:value" for each; to h.example:443 */
	const char *head;
	const char *body; /* NULL: none */
	const char *rule; /* that allows; or that denies, after '!' */
	const char *says; /* in the reason of a denial */
};

static bool nth_field(void *arg, const char *name, size_t i, struct span *ret)
{
	const char *line = arg;

	while ((line = strchr(line, '\n'))) {
		size_t n = strcspn(++line, ":");

		if (n != strlen(name) || strncasecmp(line, name, n) || i--)
			continue;
		*ret = span_bytes(line + n + 1, strcspn(line + n + 1, "\n"));
		return true;
	}
	return false;
}

#define MESSAGES                                                                                   \
	"{\"host\":\"h.example\",\"methods\":[\"POST\"],\"paths\":[\"/v1/messages\"],"             \
	"\"deny_body\":[{\"path\":\"body.mcp_servers\",\"op\":\"exists\",\"value\":true,"          \
	"\"reason\":\"the provider would call out\"}]}"
#define ANY     "{\"host\":\"h.example\"}"
#define SOCKETS "{\"host\":\"h.example\",\"websocket\":true}"
#define MCP     "{\"mcp_servers\":[]}"
#define TOOLS_DENY(op, value)                                                                      \
	DENY("{\"path\":\"body.tools[*].type\",\"op\":\"" op "\",\"value\":" value "}")
#define OPTIONAL_DENY                                                                              \
	DENY("{\"path\":\"body.tools[*].type\",\"op\":\"eq\",\"value\":\"mcp\",\"optional\":"      \
	     "true}")

static const struct judged judgements[] = {
	/* methods */
	{ENTRY("\"methods\":[\"GET\"]"), "GET /", NULL, "/egress/0", ""},
	{ENTRY("\"methods\":[\"GET\"]"), "HEAD /", NULL, "!/egress/0", "GET of any path"},
	{ENTRY("\"methods\":[\"GET\"]"), "get /", NULL, "!/egress/0", "get h.example/ is refused"},
	{ENTRY("\"methods\":[\"GET\"]"), " /", NULL, "!/egress/0", "is refused"},
	{ENTRY("\"methods\":[\"GET\"]"), "GETT /", NULL, "!/egress/0", "is refused"},
	/* paths */
	{PATHS("/v1/messages"), "POST /v1/messages", NULL, "/egress/0", ""},
	{PATHS("/v1/messages"), "POST /v1/messages/", NULL, "!/egress/0", "any method of /v1/mess"},
	{PATHS("/v1/messages"), "POST /V1/messages", NULL, "!/egress/0", ""},
	{PATHS("/v1/messages"), "POST /v1/messagesx", NULL, "!/egress/0", ""},
	{PATHS("/v1/messages"), "POST /v1", NULL, "!/egress/0", ""},
	{PATHS("/v1/messages"), "POST ", NULL, "!/egress/0", ""},
	{PATHS("/v1/*"), "GET /v1/models", NULL, "/egress/0", ""},
	{PATHS("/v1/*"), "GET /v1/", NULL, "/egress/0", ""},
	{PATHS("/v1/*"), "GET /v1/models/x", NULL, "!/egress/0", ""},
	{PATHS("/v1/*"), "GET /v1/models%2Fx", NULL, "!/egress/0", ""},
	{PATHS("/v1/*"), "GET /v1/..%2Fadmin", NULL, "!/egress/0", ""},
	{PATHS("/v1/**"), "GET /v1/a/b/c", NULL, "/egress/0", ""},
	{PATHS("/v1/**"), "GET /v1/a%2Fb", NULL, "/egress/0", ""},
	{PATHS("/v1/**"), "GET /v1/..%2F..%2Fadmin", NULL, "!/egress/0", ""},
	{PATHS("/v1/**"), "GET /v1/%5c..%5cadmin", NULL, "!/egress/0", ""},
	{PATHS("/v1/**"), "GET /v1/a%2F%2Fb", NULL, "!/egress/0", ""},
	{PATHS("/v1/**"), "GET /v1", NULL, "!/egress/0", ""},
	{PATHS("/a/b"), "GET /a%2Fb", NULL, "!/egress/0", ""},
	{PATHS("/a%2fb"), "GET /a%2Fb", NULL, "!/egress/0", ""},
	{ENTRY("\"paths\":[\"/a%2fb\",\"/a/b\"]"), "GET /a%2Fb", NULL, "/egress/0", ""},
	{PATHS("/@s/**"), "GET /@s%2Fname", NULL, "!/egress/0", ""},
	{PATHS("/@s**"), "GET /@s%2Fname", NULL, "/egress/0", ""},
	{PATHS("/*/x/**/y"), "GET /a/x/b/c/y", NULL, "/egress/0", ""},
	{PATHS("/*/x/**/y"), "GET /a/b/x/c/y", NULL, "!/egress/0", ""},
	{PATHS("**"), "OPTIONS ", NULL, "/egress/0", ""},
	{EGRESS(ANY), "OPTIONS ", NULL, "/egress/0", ""},
	{EGRESS(ANY), "GET /..%2F..", NULL, "/egress/0", ""},
	/* headers */
	{ENTRY("\"headers\":{\"X-A\":\"1\"}"), "GET /\nx-a:1", NULL, "/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":\"1\"}"), "GET /\nx-a:2", NULL, "!/egress/0",
	 "the header field x-a must be 1."},
	{ENTRY("\"headers\":{\"X-A\":\"1\"}"), "GET /", NULL, "!/egress/0", "x-a must be 1."},
	{ENTRY("\"headers\":{\"X-A\":null}"), "GET /", NULL, "/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":null}"), "GET /\nx-a:", NULL, "!/egress/0",
	 "x-a must be absent."},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",null]}"), "GET /", NULL, "/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",null]}"), "GET /\nx-a:2", NULL, "!/egress/0",
	 "x-a must be 1, or absent."},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",\"2\"]}"), "GET /\nx-a:2 ,1", NULL, "/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",\"2\"]}"), "GET /\nx-a:2\nX-A:1", NULL, "/egress/0",
	 ""},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",\"2\"]}"), "GET /\nx-a:2\nx-a:3", NULL, "!/egress/0",
	 ""},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",\"2\"]}"), "GET /\nx-a:1,3", NULL, "!/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":[\"1\",\"2\"]}"), "GET /\nx-a:1,", NULL, "!/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":\"a, b\"}"), "GET /\nx-a: a, b", NULL, "/egress/0", ""},
	{ENTRY("\"headers\":{\"X-A\":\"1\",\"x-b\":null}"), "GET /\nx-a:1\nx-b:1", NULL,
	 "!/egress/0", "x-b must be absent"},
	/* WebSockets */
	{EGRESS(ANY), "WS GET /", NULL, "!/egress/0", "\"websocket\": true"},
	{ENTRY("\"websocket\":true"), "WS GET /", NULL, "/egress/0", ""},
	{ENTRY("\"websocket\":true"), "GET /", NULL, "/egress/0", ""},
	{EGRESS(MESSAGES ",{\"host\":\"h.example\",\"paths\":[\"/ws\"],\"websocket\":true}"),
	 "WS GET /ws", NULL, "/egress/1", ""},
	/* What a WebSocket carries is no body that could be judged. */
	{EGRESS(MESSAGES "," SOCKETS), "WS GET /v1/other", NULL, "/egress/1", ""},
	{EGRESS(MESSAGES "," SOCKETS), "WS GET /v1/messages", NULL, "!/egress/0",
	 "`deny_body` judges what is sent there, and what a WebSocket carries cannot be judged"},
	{EGRESS(SOCKETS "," MESSAGES), "WS GET /V1/messages/", NULL, "!/egress/1", "`deny_body`"},
	{EGRESS(MESSAGES "," SOCKETS), "GET /v1/messages", NULL, "/egress/1", ""},
	/* a tunnel judges no request */
	{ENTRY("\"mode\":\"tunnel\""), "GET /", NULL, "!/egress/0", "by tunnel only"},
	/* the nearest entry is named, all are told */
	{EGRESS("{\"host\":\"h.example\",\"methods\":[\"GET\"],\"paths\":[\"/a\"]},"
		"{\"host\":\"h.example\",\"methods\":[\"POST\"],\"paths\":[\"/b\",\"/c\"]}"),
	 "POST /a", NULL, "!/egress/1",
	 "POST h.example/a is refused by rule /egress/1: the policy allows there GET of /a; "
	 "POST of /b, /c. Retrying will not help; if it is needed, ask the person you work for."},
	{PATHS("/a"), "GET /\x1b[2J", NULL, "!/egress/0", "\\x1b"},
	/* bodies */
	{EGRESS(MESSAGES), "POST /v1/messages", "{}", "/egress/0", ""},
	{EGRESS(MESSAGES), "POST /v1/messages", NULL, "/egress/0", ""},
	{EGRESS(MESSAGES), "POST /v1/messages", MCP, "!/egress/0/deny_body/0",
	 "The body of POST h.example/v1/messages is refused by rule /egress/0/deny_body/0: "
	 "the provider would call out (body.mcp_servers is there). Send the request without it"},
	{EGRESS(MESSAGES), "POST /v1/messages", "{\"mcp_servers\":null}", "!/egress/0/deny_body/0",
	 ""},
	{EGRESS(MESSAGES), "POST /v1/messages", "{\"MCP_Servers\":1}", "!/egress/0/deny_body/0",
	 ""},
	{EGRESS(MESSAGES), "POST /v1/messages",
	 "{\"mcp_\xc5\xbf"
	 "ervers\":1}",
	 "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES), "POST /v1/messages", "{\"mcp_server\xc5\xbf\":1}",
	 "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES), "POST /v1/messages", "{\"mcp_server\xc5\":1}", "/egress/0", ""},
	{EGRESS(MESSAGES), "POST /v1/messages", "{\"a\":{\"mcp_servers\":1}}", "/egress/0", ""},
	{EGRESS(MESSAGES), "POST /v1/messages", "[" MCP "]", "!/egress/0/deny_body/0",
	 "body.mcp_servers is not of the kind that can be judged"},
	{EGRESS(MESSAGES), "POST /v1/messages", "\"a\"", "!/egress/0/deny_body/0", ""},
	{TOOLS_DENY("prefix", "[\"web_\",\"mcp\"]"), "POST /",
	 "{\"tools\":[{\"type\":\"custom\"},{\"type\":\"web_search\"}]}", "!/egress/0/deny_body/0",
	 "body.tools[*].type begins with [\"web_\",\"mcp\"]."},
	{TOOLS_DENY("prefix", "[\"web_\",\"mcp\"]"), "POST /",
	 "{\"tools\":[{\"type\":\"custom\"},{\"name\":\"web_search\"}]}", "/egress/0", ""},
	{TOOLS_DENY("eq", "\"mcp\""), "POST /", "{\"tools\":[]}", "/egress/0", ""},
	{TOOLS_DENY("eq", "\"mcp\""), "POST /", "{\"tools\":null}", "!/egress/0/deny_body/0",
	 "not of the kind"},
	{TOOLS_DENY("eq", "\"mcp\""), "POST /", "{\"tools\":{\"type\":\"mcp\"}}",
	 "!/egress/0/deny_body/0", ""},
	{TOOLS_DENY("eq", "\"mcp\""), "POST /", "{\"tools\":[{\"type\":7}]}",
	 "!/egress/0/deny_body/0", ""},
	{TOOLS_DENY("eq", "\"mcp\""), "POST /", "{\"tools\":[[]]}", "!/egress/0/deny_body/0", ""},
	{OPTIONAL_DENY, "POST /", "{\"tools\":[{\"type\":7}]}", "/egress/0", ""},
	{OPTIONAL_DENY, "POST /", "{\"tools\":null}", "/egress/0", ""},
	{OPTIONAL_DENY, "POST /", "{\"tools\":[7,{\"type\":\"mcp\"}]}", "!/egress/0/deny_body/0",
	 ""},
	/* two members that are one when case is folded: both are judged */
	{TOOLS_DENY("eq", "\"mcp\""), "POST /",
	 "{\"tools\":[],\"Tools\":[{\"type\":\"x\",\"TYPE\":\"mcp\"}]}", "!/egress/0/deny_body/0",
	 ""},
	/* what one entry forbids, another does not allow; nor another spelling */
	{EGRESS(MESSAGES "," ANY), "POST /v1/messages", MCP, "!/egress/0/deny_body/0", ""},
	{EGRESS(ANY "," MESSAGES), "POST /v1/messages", MCP, "!/egress/1/deny_body/0", ""},
	{EGRESS(MESSAGES "," ANY), "post /v1/messages", MCP, "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES "," ANY), "POST /V1/Messages", MCP, "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES "," ANY), "POST /v1/messages/", MCP, "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES "," ANY), "POST /v1%2fmessages", MCP, "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES "," ANY), "POST /x/..%2Fv1/messages", MCP, "!/egress/0/deny_body/0", ""},
	{EGRESS(MESSAGES "," ANY), "POST /v1/other", MCP, "/egress/1", ""},
	{EGRESS(MESSAGES "," ANY), "GET /v1/messages", MCP, "/egress/1", ""},
	{ENTRY("\"headers\":{\"x-a\":\"1\"},\"deny_body\":[" EXISTS "]},{\"host\":\"h.example\""),
	 "POST /\nx-a: One", "{\"a\":1}", "!/egress/0/deny_body/0", ""},
	/* a head that is denied stays denied, whatever the body */
	{EGRESS(MESSAGES), "GET /v1/messages", "{}", "!/egress/0", "POST of /v1/"},
};

static bool is_judged(const struct judged *j)
{
	autopolicy struct policy *policy = load_text(j->policy);
	autojson json_t *body = j->body ? json_loads(j->body, JSON_DECODE_ANY, NULL) : NULL;
	bool websocket = !strncmp(j->head, "WS ", 3), denies = j->rule[0] == '!';
	const char *method = j->head + 3 * websocket, *target = strchr(method, ' ') + 1;
	autofree char *path = strndup(target, strcspn(target, "\n"));
	autofree char *fields = strdup(target);
	const struct policy_egress_request request = {
		.host = "h.example",
		.port = 443,
		.method = span_bytes(method, strcspn(method, " ")),
		.path = path,
		.websocket = websocket,
		.header = nth_field,
		.arg = fields,
	};
	struct policy_egress_decision head, whole;

	if (!policy)
		return false;
	policy_egress_decide(policy, &request, &head);
	policy_egress_decide_body(policy, &request, body, &whole);
	if (whole.verdict == (denies ? VERDICT_DENY : VERDICT_ALLOW) &&
	    !strcmp(whole.rule, j->rule + denies) && strstr(whole.reason, j->says) &&
	    /* what the body decides, the head has announced */
	    (head.verdict == whole.verdict || head.judges_body) && !whole.reason[0] == !denies)
		return true;
	print_error("%s\n  %s %s\n  expected %s: %s\n  got %d %s: %s\n", j->policy, j->head,
		    j->body ? j->body : "", j->rule, j->says, whole.verdict, whole.rule,
		    whole.reason);
	return false;
}

static void test_egress_judges_requests(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(judgements); i++)
		hold += is_judged(&judgements[i]);
	assert_int_equal(hold, ARRAY_SIZE(judgements));
}

/* Every order of four entries gives the same verdict. */
static void test_egress_does_not_depend_on_order(void **state)
{
	static const char *const entries[] = {
		MESSAGES, "{\"host\":\"h.example\",\"methods\":[\"GET\"]}",
		"{\"host\":\"*.example\",\"paths\":[\"/v1/**\"],\"deny_body\":[" EXISTS "]}",
		"{\"host\":\"h.example\",\"private_addresses\":true,\"paths\":[\"/x\"]}"};
	static const struct {
		const char *method, *path, *body;
		enum verdict verdict;
	} cases[] = {
		{"GET", "/", NULL, VERDICT_ALLOW},
		{"POST", "/", NULL, VERDICT_DENY},
		{"POST", "/v1/x", "{}", VERDICT_ALLOW},
		{"POST", "/v1/x", "{\"a\":1}", VERDICT_DENY},
		{"GET", "/v1/x", "{\"a\":1}", VERDICT_DENY},
		{"POST", "/v1/messages", "{\"b\":1}", VERDICT_ALLOW},
		{"POST", "/v1/messages", MCP, VERDICT_DENY},
		{"PUT", "/x", "{\"a\":1}", VERDICT_ALLOW},
	};

	(void)state;
	for (unsigned order = 0; order < 256; order++) {
		unsigned at[] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3};
		char text[2048];

		if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) != 15)
			continue;
		snprintf(text, sizeof(text), "{\"egress\":[%s,%s,%s,%s]}", entries[at[0]],
			 entries[at[1]], entries[at[2]], entries[at[3]]);
		for (char *p = text; (p = strstr(p, "*.example")); p++)
			memcpy(p, "h.example", 9);
		{
			autopolicy struct policy *policy = load_text(text);

			assert_non_null(policy);
			assert_true(policy_egress_may_be_private(
				policy_egress_find(policy, "h.example", 443)));
			for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
				autojson json_t *body =
					cases[i].body ? json_loads(cases[i].body, 0, NULL) : NULL;
				const struct policy_egress_request request = {
					.host = "h.example",
					.port = 443,
					.method = span_of(cases[i].method),
					.path = cases[i].path};
				struct policy_egress_decision decision;

				policy_egress_decide_body(policy, &request, body, &decision);
				assert_int_equal(decision.verdict, cases[i].verdict);
			}
		}
	}
}

/* A sentence is cut, never run over, whatever stands in it. */
static void test_egress_reasons_are_bounded(void **state)
{
	char text[8192], path[4097], method[300];
	size_t n = (size_t)sprintf(text, "{\"egress\":[{\"host\":\"h.example\",\"paths\":[");
	struct policy_egress_decision decision;
	autopolicy struct policy *policy = NULL;
	struct policy_egress_request request = {.host = "h.example", .port = 8443};

	(void)state;
	for (int i = 0; i < 8; i++)
		n += (size_t)sprintf(text + n, "%s\"/%d/%0500d\"", i ? "," : "", i, i);
	sprintf(text + n, "],\"ports\":[8443]}]}");
	policy = load_text(text);
	assert_non_null(policy);
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	memset(method, 'M', sizeof(method));
	request.method = span_bytes(method, sizeof(method));
	request.path = path;
	policy_egress_decide(policy, &request, &decision);
	assert_int_equal(decision.verdict, VERDICT_DENY);
	assert_non_null(memchr(decision.reason, '\0', sizeof(decision.reason)));
	assert_non_null(strstr(decision.reason, "h.example:8443/ppp"));
}

static void test_egress_takes_in_presets(void **state)
{
	autopolicy struct policy *policy = load_text(
		EGRESS("{\"host\":\"a.example\"},{\"preset\":\"github\"},{\"preset\":\"github\"}"));
	const struct policy_egress *found;
	const struct policy_egress_request request = {
		.host = "github.com", .port = 443, .method = span_of("GET"), .path = "/o/r"};
	struct policy_egress_decision decision;

	(void)state;
	assert_non_null(policy);
	found = policy_egress_find(policy, "github.com", 443);
	assert_non_null(found);
	assert_string_equal(policy_egress_rule(found), "/egress/1");
	policy_egress_decide(policy, &request, &decision);
	assert_string_equal(decision.rule, "/egress/1");
}

/* Any one byte changed: loads and judges, or is refused with a reason, and no more. */
static void test_egress_survives_any_changed_byte(void **state)
{
	char text[] =
		EGRESS("{\"preset\":\"github\"},{\"host\":\"*.h.example\",\"ports\":[1],"
		       "\"mode\":\"tunnel\"},{\"host\":\"h.example\",\"methods\":[\"GET\"],"
		       "\"paths\":[\"/a%2f/*\"],\"headers\":{\"x-a\":[\"1\",null]},"
		       "\"deny_body\":[{\"body.a[*].b\":{\"in\":[1,\"x\",[{}]]}}," EXISTS "]}");
	static const char bytes[] = "\0\n \"\\*.,:[]{}/%-0a\xff";
	autojson json_t *body = json_loads("{\"a\":[{\"b\":[{}]},7]}", 0, NULL);
	const struct policy_egress_request request = {
		.host = "h.example", .port = 443, .method = span_of("GET"), .path = "/a%2F/b"};

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char before = text[i];

		for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
			autopolicyerrors struct policy_errors errors = {.n = 0};
			autopolicy struct policy *policy = NULL;
			struct policy_egress_decision decision;
			int r;

			text[i] = bytes[k];
			r = policy_parse(text, sizeof(text) - 1, "p", &policy, &errors);
			assert_true(r == 0 || r == -EINVAL);
			assert_int_equal(r != 0, policy_errors_count(&errors) != 0);
			if (policy)
				policy_egress_decide_body(policy, &request, body, &decision);
		}
		text[i] = before;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_egress_loads_what_is_sound),
		cmocka_unit_test(test_egress_refuses_with_place_and_mend),
		cmocka_unit_test(test_egress_bounds_its_entries),
		cmocka_unit_test(test_egress_finds_hosts),
		cmocka_unit_test(test_egress_is_empty_also_where_tools_are_allowed),
		cmocka_unit_test(test_egress_judges_requests),
		cmocka_unit_test(test_egress_does_not_depend_on_order),
		cmocka_unit_test(test_egress_reasons_are_bounded),
		cmocka_unit_test(test_egress_takes_in_presets),
		cmocka_unit_test(test_egress_survives_any_changed_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
