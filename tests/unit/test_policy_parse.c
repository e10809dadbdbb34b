// SPDX-License-Identifier: Apache-2.0
/*
 * Loading: what is sound loads; what is wrong is refused with every problem at its place.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/policy.h"

#define PUBLISHED                                                                                  \
	"{\"version\":\"1\",\"default\":\"deny\",\"tools\":{\"start_session\":{\"limits\":[{"      \
	"\"counter\":\"start_session_rate\",\"window\":\"minute\",\"max\":10,"                     \
	"\"scope\":\"grant\"}]}}}"

#define LIMIT(rest)  "{\"tools\":{\"t\":{\"limits\":[{\"counter\":\"c\"," rest "}]}}}"
#define SERVER(url)  "{\"server\":{\"url\":\"" url "\"}}"
#define RULE(inside) "{\"tools\":{\"t\":{" inside "}}}"
#define CALLS        "{\"counter\":\"c\",\"window\":\"minute\",\"max\":1}"
#define CALLS_4      CALLS "," CALLS "," CALLS "," CALLS
#define LONG_64      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const sound[] = {
	PUBLISHED,
	"{}",
	" \r\n\t{ \"version\" : \"1\" } \n",
	"{\"version\":\"1\",\"default\":\"allow\",\"mode\":\"enforce\",\"state\":\"local\"}",
	"{\"tools\":{}}",
	"{\"tools\":{\"t\":{}}}",
	"{\"tools\":{\"" LONG_64 "\":{}}}",
	"{\"tools\":{\"a.b-c_D9\":{}}}",
	"{\"hide\":[]}",
	"{\"hide\":\"*\"}",
	"{\"hide\":[\"a\",\"a\",\"*\"]}",
	"{\"all_tools\":{}}",
	"{\"all_tools\":{\"rate_limit\":\"10/minute\"}}",
	SERVER("https://promptfax.app/mcp"),
	RULE("\"action\":\"allow\""),
	RULE("\"action\":\"deny\",\"reason\":\"no\""),
	RULE("\"action\":\"require_approval\",\"on_deny\":\"no\""),
	RULE("\"class\":\"paid\",\"durable\":false"),
	RULE("\"redact\":[\"args\",\"args.a.b\",\"args.f[0].url\",\"args.f[*][1]\"]"),
	RULE("\"rate_limit\":{\"max\":10,\"window\":60}"),
	RULE("\"rate_limit\":\"0/day\""),
	RULE("\"rate_limit\":\"5/90\""),
	RULE("\"rate_limit\":\"10/week\""),
	RULE("\"once\":{\"key\":[\"args.n\"],\"window\":\"day\"}"),
	RULE("\"limits\":[]"),
	RULE("\"limits\":[" CALLS_4 "," CALLS_4 "," CALLS_4 "," CALLS_4 "]"),
	LIMIT("\"window\":\"second\",\"max\":0"),
	LIMIT("\"window\":86400,\"max\":9007199254740992"),
	LIMIT("\"window\":\"3600\",\"max\":1"),
	LIMIT("\"window\":\"day\",\"max\":1,\"scope\":\"global\",\"algorithm\":\"sliding\""),
	LIMIT("\"window\":\"day\",\"max\":1,\"increment\":0"),
	LIMIT("\"window\":\"hour\",\"max\":3,\"scope\":\"session\",\"increment\":2"),
	/* the same counter in another scope is another counter */
	"{\"tools\":{\"t\":{\"limits\":["
	"{\"counter\":\"c\",\"window\":1,\"max\":1,\"scope\":\"run\",\"increment\":2},"
	"{\"counter\":\"c\",\"window\":1,\"max\":1,\"scope\":\"grant\"}]}}}",
	"{\"ver\\u0073ion\":\"1\",\"tools\":{\"\\u0074\":{\"reason\":\"\\ud83d\\ude00 \\\" ok\"}}}",
};

struct wrong {
	const char *text;
	const char *where; /* line:column pointer */
	const char *says;  /* in what or mend */
};

static const struct wrong wrongs[] = {
	/* not JSON */
	{"", ":1:1", "nothing in it"},
	{" \n ", ":1:1", "nothing in it"},
	{"\xef\xbb\xbf{}", ":1:1", "byte order mark"},
	{"{\"a\xff\":1}", ":1:4", "not UTF-8"},
	{"{\"version\":\"1\",}", ":1:15", "a comma before `}`"},
	{"{\"hide\":[\"a\",]}", ":1:13 /hide", "a comma before `]`"},
	{"{\"version\":\"1\"\n \"default\":\"deny\"}", ":2:2", "a `,` or `}` is missing"},
	{"{\"version\" \"1\"}", ":1:12 /version", "a `:` is missing"},
	{"{\"version\":}", ":1:12 /version", "a value is missing here, found `}`"},
	{"{version:\"1\"}", ":1:2", "a key in double quotes or `}` is missing"},
	{"{'version':'1'}", ":1:2", "double quotes"},
	{"{\"version\":'1'}", ":1:12 /version", "double quotes"},
	{"{\"default\":deny}", ":1:12 /default", "`deny` is no JSON value; text goes into"},
	{"{\"default\":True}", ":1:12 /default", "lower case"},
	{"{// why\n}", ":1:2", "no comments"},
	{"{\"tools\":{},\n# why\n\"hide\":[]}", ":2:1", "no comments"},
	{"{\"tools\":{", ":1:11 /tools", "found the end"},
	{"{\"tools\":{}", ":1:12", "what opens in line 1 never closes"},
	{"{\"hide\":[\"a\"", ":1:13 /hide", "a `]` is missing"},
	{"{\"default\":\"deny\n\"}", ":1:12 /default", "does not end on its line"},
	{"{\"default\":\"deny", ":1:12 /default", "does not end on its line"},
	{"{\"default\":\"a\tb\"}", ":1:14 /default", "control character 0x09"},
	{"{\"default\":\"\\x\"}", ":1:13 /default", "is no escape"},
	{"{\"default\":\"\\u12g4\"}", ":1:15 /default", "four hexadecimal digits"},
	{"{\"default\":\"\\u00", ":1:15 /default", "four hexadecimal digits"},
	{"{\"default\":\"\\u0000\"}", ":1:13 /default", "U+0000"},
	{"{\"a\\u0000b\":1}", ":1:4", "U+0000"},
	{"{\"default\":\"\\ud800\"}", ":1:13 /default", "half of a surrogate pair"},
	{"{\"default\":\"\\udc00\\ud800\"}", ":1:13 /default", "half of a surrogate pair"},
	{"{\"default\":\"\\ud800\\u0041\"}", ":1:13 /default", "half of a surrogate pair"},
	{LIMIT("\"max\":01"), " /tools/t/limits/0/max", "leading zeros"},
	{LIMIT("\"max\":1."), " /tools/t/limits/0/max", "digits after its point"},
	{LIMIT("\"max\":1e"), " /tools/t/limits/0/max", "digits in its exponent"},
	{LIMIT("\"max\":-"), " /tools/t/limits/0/max", "a digit here"},
	{LIMIT("\"max\":+1"), " /tools/t/limits/0/max", "begins with a digit"},
	{LIMIT("\"max\":99999999999999999999"), ":1:", "too big integer"},
	{LIMIT("\"max\":1e999"), "/tools/t/limits/0/max", "readers of JSON would change"},
	{LIMIT("\"max\":0.1234567890123456789"), "/tools/t/limits/0/max", "would change"},
	{LIMIT("\"max\":9007199254740993.0"), "/tools/t/limits/0/max", "would change"},
	{"{} {}", ":1:4", "after the end of the JSON"},
	{"{}\n}", ":2:1", "after the end of the JSON"},
	{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ":1:33 ", "nested more than 32 deep"},
	/* duplicate keys */
	{"{\"default\":\"deny\",\n\"default\":\"allow\"}", ":2:1 /default",
	 "duplicate key, the first is in line 1"},
	{"{\"tools\":{\"t\":{},\"\\u0074\":{}}}", ":1:18 /tools/t", "duplicate key"},
	/* the top level */
	{"[]", ":1:1", "must be an object, is an array"},
	{"\n  []", ":2:3", "must be an object, is an array"},
	{"\"deny\"", ":1:1", "must be an object, is a string"},
	{"null", ":1:1", "must be an object, is `null`"},
	{"{\"version\":1}", ":1:12 /version", "must be a string, is a number; put it into"},
	{"{\"version\":\"2\"}", ":1:12 /version", "unknown value `2`; one of: 1"},
	{"{\"default\":\"dney\"}", ":1:12 /default", "did you mean `deny`?"},
	{"{\"default\":true}", ":1:12 /default", "must be a string, is `true`"},
	{"{\"default\":\"Deny\"}", ":1:12 /default", "did you mean `deny`?"},
	{"{\"mode\":\"obsrve\"}", ":1:9 /mode", "did you mean `observe`?"},
	{"{\"mode\":\"enforced\"}", ":1:9 /mode", "did you mean `enforce`?"},
	{"{\"state\":\"rediss://h/0\"}", ":1:10 /state", "not supported by this version yet"},
	{"{\"state\":\"lokal\"}", ":1:10 /state", "unknown store"},
	{"{\"toolz\":{}}", ":1:2 /toolz", "unknown key, did you mean `tools`?"},
	{"{\"Default\":\"deny\"}", ":1:2 /Default", "did you mean `default`?"},
	{"{\"xyzzy\":1}", ":1:2 /xyzzy", "unknown key; a policy has: version, default"},
	{"{\"a/b~c\":1}", ":1:2 /a~1b~0c", "unknown key"},
	{"{\"\":1}", ":1:2 /", "unknown key"},
	{"{\"hide\":[\"a\"],\"\xc3\xa4\xc3\xb6\":1}", ":1:15 /\xc3\xa4\xc3\xb6", "unknown key"},
	{RULE("\"reason\":\"\xc3\xa4\xf0\x9f\x98\x80\",\"x\":1"), ":1:30 /tools/t/x",
	 "unknown key"},
	{"{\"limits\":[]}", ":1:2 /limits", "it belongs in a tool's rule"},
	{"{\"url\":\"https://h/\"}", ":1:2 /url", "it belongs in `server`"},
	{"{\"grants\":[]}", " /grants", "must be an object, is an array"},
	{"{\"servers\":{}}", ":1:12 /servers", "0 servers; 1 to 64"},
	{"{\"servers\":{\"a\":{}}}", ":1:17 /servers/a", "`url` is missing"},
	{"{\"servers\":{\"a b\":{\"url\":\"https://h/\"}}}", ":1:13 /servers/a b",
	 "is no name for a server"},
	{"{\"servers\":{\"a\":{\"url\":\"https://h/\"}},\"tools\":{}}", ":1:39 /tools",
	 "each server has its own; write it in /servers/NAME"},
	{"{\"servers\":{\"a\":{\"url\":\"https://h/\"},\"b\":{\"url\":\"https://H:443/\"}}}",
	 " /servers/b/url", "`a` has the same url"},
	{"{\"servers\":{\"a\":{\"url\":\"https://h/\",\"pin\":{}}}}", " /servers/a/pin",
	 "not supported by this version yet"},
	{"{\"servers\":{\"a\":{\"url\":\"https://h/\",\"tools\":{\"t\":{\"limits\":[" CALLS
	 ",{\"counter\":\"c\",\"window\":1,\"max\":1,\"increment\":2}]}}}}}",
	 " /servers/a/tools/t/limits/1/increment", "both 2 and, by /servers/a/tools/t/limits/0, 1"},
	{"{\"servers\":{\"a\":{\"url\":\"https://h.example/"
	 "\"}},\"egress\":[{\"host\":\"h.example\"}]}",
	 " /egress/0/host", "the host of the MCP server"},
	{"{\"resources\":{}}", ":1:2 /resources", "not supported by this version yet"},
	{"{\"server_requests\":{\"roots\":\"allow\"}}", " /server_requests/roots",
	 "not supported by this version"},
	{"{\"server_requests\":{\"root\":\"deny\"}}", " /server_requests/root",
	 "did you mean `roots`"},
	{"{\"tests\":{}}", ":1:10 /tests", "must be an array"},
	{"{\"tests\":[{\"expect\":\"allow\"}]}", ":1:11 /tests/0", "`call` is missing"},
	{"{\"tests\":[{\"call\":{},\"expect\":\"allow\"}]}", ":1:19 /tests/0/call",
	 "`tool` is missing"},
	{"{\"tests\":[{\"call\":{\"tool\":\"a\",\"earlier\":[{\"tool\":\"a\"}]},"
	 "\"expect\":\"allow\"}]}",
	 ":1:42 /tests/0/call/earlier/0", "`result` is missing"},
	/* server */
	{"{\"server\":\"https://h/\"}", ":1:11 /server",
	 "must be an object, is a string; {\"url\""},
	{"{\"server\":{}}", ":1:11 /server", "`url` is missing"},
	{"{\"server\":{\"url\":7}}", ":1:18 /server/url", "must be a string"},
	{"{\"server\":{\"url\":\"https://h/\",\"pin\":{}}}", ":1:31 /server/pin", "not supported"},
	{SERVER("http://promptfax.app/mcp"), ":1:18 /server/url", "use https://"},
	{SERVER("https://a@h/"), ":1:18 /server/url", "a user or password"},
	/* tools, hide */
	{"{\"tools\":[]}", ":1:10 /tools", "must be an object, is an array"},
	{"{\"tools\":{\"t\":true}}", ":1:15 /tools/t", "must be an object, is `true`; {} allows"},
	{"{\"tools\":{\"*\":{}}}", ":1:11 /tools/*", "`all_tools`"},
	{"{\"tools\":{\"\":{}}}", ":1:11 /tools/", "no tool can have the name"},
	{"{\"tools\":{\"a b\":{}}}", ":1:11 /tools/a b", "no tool can have the name `a b`"},
	{"{\"tools\":{\"" LONG_64 "a\":{}}}", ":1:11 /tools/aaa", "no tool can have the name"},
	{"{\"hide\":\"send_fax\"}", ":1:9 /hide", "must be an array, is a string; [\"send_fax\"]"},
	{"{\"hide\":[\"a\",1]}", ":1:14 /hide/1", "must be a string"},
	{"{\"hide\":[\"send_*\"]}", ":1:10 /hide/0", "no tool can have the name"},
	/* a rule */
	{RULE("\"action\":\"alow\""), " /tools/t/action", "did you mean `allow`?"},
	{RULE("\"action\":\"approve\""), " /tools/t/action", "one of: allow, deny, require_appro"},
	{RULE("\"actoin\":\"deny\""), ":1:16 /tools/t/actoin", "did you mean `action`?"},
	{RULE("\"hide\":true"), ":1:16 /tools/t/hide", "it belongs at the top level"},
	{RULE("\"max\":1"), ":1:16 /tools/t/max", "it belongs in an entry of `limits`"},
	{RULE("\"reason\":\"\""), " /tools/t/reason", "1 to 512 bytes"},
	{RULE("\"reason\":\"a\",\"on_deny\":\"b\""), ":1:29 /tools/t/on_deny", "mean the same"},
	{RULE("\"class\":\"pay\""), " /tools/t/class", "one of: read, write, destructive, paid"},
	{RULE("\"durable\":\"yes\""), " /tools/t/durable", "must be true or false, is a string"},
	{RULE("\"require\":{}"), " /tools/t/require", "must be an array, is an object"},
	{RULE("\"deny_if\":[7]"), " /tools/t/deny_if/0", "must be an object, is a number"},
	{RULE("\"deny_if\":[{\"path\":\"body.a\",\"op\":\"eq\",\"value\":1}]"),
	 " /tools/t/deny_if/0/path", "a path begins with `args`"},
	{RULE("\"args\":7"), " /tools/t/args", "must be an object, is a number"},
	{RULE("\"bind\":[]"), ":1:16 /tools/t/bind", "not supported by this version yet"},
	{RULE("\"approval\":{}"), ":1:16 /tools/t/approval", "not supported by this version yet"},
	{RULE("\"response\":{}"), ":1:16 /tools/t/response", "not supported by this version yet"},
	{RULE("\"redact\":\"args\""), " /tools/t/redact", "must be an array"},
	{RULE("\"redact\":[1]"), " /tools/t/redact/0", "must be a string"},
	{RULE("\"redact\":[\"a.b\"]"), " /tools/t/redact/0", "begins with `args`"},
	{RULE("\"redact\":[\"args\",\"args.a[x]\"]"), " /tools/t/redact/1", "`[*]`"},
	{"{\"all_tools\":{\"limit\":[]}}", ":1:15 /all_tools/limit", "did you mean `limits`?"},
	/* limits */
	{RULE("\"limits\":{}"), " /tools/t/limits", "must be an array, is an object"},
	{RULE("\"limits\":[5]"), " /tools/t/limits/0", "must be an object, is a number"},
	{LIMIT("\"windw\":1,\"max\":1"), ":1:41 /tools/t/limits/0/windw",
	 "unknown key, did you mean `window`?"},
	{LIMIT("\"max\":1"), ":1:26 /tools/t/limits/0", "`window` is missing"},
	{LIMIT("\"window\":1"), ":1:26 /tools/t/limits/0", "`max` is missing"},
	{RULE("\"limits\":[{\"window\":1,\"max\":1}]"), " /tools/t/limits/0",
	 "`counter` is missing"},
	{RULE("\"limits\":[{\"counter\":\"\",\"window\":1,\"max\":1}]"),
	 " /tools/t/limits/0/counter", "1 to 128 bytes"},
	{RULE("\"limits\":[{\"counter\":\"a\\nb\",\"window\":1,\"max\":1}]"),
	 " /tools/t/limits/0/counter", "control character"},
	{RULE("\"limits\":[{\"counter\":\"rate_limit:t\",\"window\":1,\"max\":1}]"),
	 " /tools/t/limits/0/counter", "belong to `rate_limit`"},
	{LIMIT("\"window\":1,\"max\":-1"), " /tools/t/limits/0/max", "must not be negative"},
	{LIMIT("\"window\":1,\"max\":1.5"), " /tools/t/limits/0/max", "must be a whole number"},
	{LIMIT("\"window\":1,\"max\":1e1"), " /tools/t/limits/0/max", "must be a whole number"},
	{LIMIT("\"window\":1,\"max\":\"1\""), " /tools/t/limits/0/max", "is a string"},
	{LIMIT("\"window\":1,\"max\":9007199254740993"), " /tools/t/limits/0/max", "2^53"},
	{LIMIT("\"window\":\"minutes\",\"max\":1"), "/window", "did you mean `minute`?"},
	{LIMIT("\"window\":0,\"max\":1"), "/window", "must be at least 1"},
	{LIMIT("\"window\":\"0\",\"max\":1"), "/window", "1 to 31622400 seconds"},
	{LIMIT("\"window\":31622401,\"max\":1"), "/window", "1 to 31622400 seconds"},
	{LIMIT("\"window\":-60,\"max\":1"), "/window", "must not be negative"},
	{LIMIT("\"window\":1.0,\"max\":1"), "/window", "a whole number of seconds"},
	{LIMIT("\"window\":1,\"max\":1,\"scope\":\"grants\""), "/scope", "did you mean `grant`?"},
	{LIMIT("\"window\":1,\"max\":1,\"increment\":-1"), "/increment", "must not be negative"},
	{LIMIT("\"window\":1,\"max\":1,\"increment\":0.99"), "/increment",
	 "must be a whole number"},
	{LIMIT("\"window\":1,\"max\":1,\"increment\":\"args.n[*]\""), "/increment",
	 "several values"},
	{LIMIT("\"window\":1,\"max\":1,\"increment\":\"n\""), "/increment", "begins with `args`"},
	{RULE("\"limits\":[" CALLS
	      ",{\"counter\":\"c\",\"window\":1,\"max\":9,\"increment\":\"args.n\"}]"),
	 " /tools/t/limits/1/increment", "otherwise than by /tools/t/limits/0"},
	{RULE("\"limits\":[" CALLS_4 "," CALLS_4 "," CALLS_4 "," CALLS_4 "," CALLS "]"),
	 " /tools/t/limits", "17 limits; a rule has at most 16"},
	{RULE("\"rate_limit\":\"1/day\",\"limits\":[" CALLS_4 "," CALLS_4 "," CALLS_4 "," CALLS_4
	      "]"),
	 " /tools/t", "17 limits apply to one call"},
	{"{\"all_tools\":{\"rate_limit\":\"1/day\"},\n\"tools\":{\"t\":{\"limits\":[" CALLS_4
	 "," CALLS_4 "," CALLS_4 "," CALLS_4 "]}}}",
	 ":2:14 /tools/t", "17 limits apply to one call, all_tools' included"},
	{"{\"all_tools\":{\"limits\":[" CALLS "]},\n\"tools\":{\"t\":{\"limits\":[{\"counter\":"
	 "\"c\",\"window\":1,\"max\":9,\"increment\":3}]}}}",
	 ":2:71 /tools/t/limits/0/increment", "both 3 and, by /all_tools/limits/0, 1"},
	{RULE("\"limits\":[{\"counter\":\"c\",\"window\":1,\"max\":9,\"increment\":3}," CALLS "]"),
	 " /tools/t/limits/1/increment", "both 1 and, by /tools/t/limits/0, 3"},
	/* rate_limit */
	{RULE("\"rate_limit\":10"), " /tools/t/rate_limit", "must be an object or a string"},
	{RULE("\"rate_limit\":\"ten/minute\""), " /tools/t/rate_limit", "is no rate; {\"max\""},
	{RULE("\"rate_limit\":\"-1/minute\""), " /tools/t/rate_limit", "is no rate"},
	{RULE("\"rate_limit\":\"10 per minute\""), " /tools/t/rate_limit", "is no rate"},
	{RULE("\"rate_limit\":\"10/\""), " /tools/t/rate_limit", "unknown value ``"},
	{RULE("\"rate_limit\":\"10/minut\""), " /tools/t/rate_limit", "did you mean `minute`?"},
	{RULE("\"rate_limit\":{\"max\":1}"), " /tools/t/rate_limit", "`window` is missing"},
	{RULE("\"rate_limit\":{\"max\":1,\"window\":60,\"scope\":\"run\"}"),
	 " /tools/t/rate_limit/scope", "it belongs in an entry of `limits`"},
};

static int load(const char *text, struct policy_errors *errors)
{
	autopolicy struct policy *policy = NULL;

	return policy_parse(text, strlen(text), "p.json", &policy, errors);
}

static void test_parse_accepts_what_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sound); i++) {
		autopolicyerrors struct policy_errors errors = {.n = 0};

		if (load(sound[i], &errors)) {
			print_error("%s\n  %s: %s\n", sound[i], policy_errors_at(&errors, 0)->where,
				    policy_errors_at(&errors, 0)->what);
			fail();
		}
		assert_int_equal(policy_errors_count(&errors), 0);
	}
}

static bool is_told(const struct wrong *w)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	int r = load(w->text, &errors);
	size_t n = policy_errors_count(&errors);
	char line[1300] = "";

	for (size_t i = 0; i < n; i++) {
		const struct error *e = policy_errors_at(&errors, i);

		error_format(e, line, sizeof(line));
		if (!strncmp(line, "p.json:", 7) && strstr(e->where, w->where) &&
		    strstr(line, w->says))
			break;
		line[0] = '\0';
	}
	if (r == -EINVAL && n == 1 && line[0])
		return true;
	print_error("%s\n  expected once: %s: %s\n  got %d with %zu errors\n", w->text, w->where,
		    w->says, r, n);
	for (size_t i = 0; i < n; i++) {
		error_format(policy_errors_at(&errors, i), line, sizeof(line));
		print_error("  %s\n", line);
	}
	return false;
}

static void test_parse_names_place_and_problem(void **state)
{
	size_t told = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		told += is_told(&wrongs[i]);
	assert_int_equal(told, ARRAY_SIZE(wrongs));
}

static void test_parse_reports_every_problem_in_order(void **state)
{
	static const char text[] = "{\"version\":\"9\",\n"
				   " \"tools\":{\"a\":{\"limits\":[{\"windw\":1,\"max\":-1}]},\n"
				   "  \"b c\":{\"acton\":\"deny\"},\n"
				   "  \"a\":{\"redact\":[\"x\"]}},\n"
				   " \"hide\":[1,2],\n"
				   " \"mode\":\"observ\",\"server\":{\"url\":\"ftp://x\"}}";
	static const char *const pointers[] = {
		"/version",          "/tools/b c", "/tools/b c/acton", "/tools/a",
		"/tools/a/redact/0", "/hide/0",    "/hide/1",          "/mode",
		"/server/url",
	};
	autopolicyerrors struct policy_errors errors = {.n = 0};

	(void)state;
	assert_int_equal(load(text, &errors), -EINVAL);
	assert_int_equal(policy_errors_count(&errors), ARRAY_SIZE(pointers));
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		assert_string_equal(policy_errors_place(&errors, i).pointer, pointers[i]);
	assert_null(policy_errors_at(&errors, ARRAY_SIZE(pointers)));
	assert_int_equal(policy_errors_place(&errors, 7).line, 6);
	assert_int_equal(policy_errors_place(&errors, 7).column, 9);
}

/* jansson keeps the last of two keys, so that is the one whose value is looked at. */
static void test_parse_places_errors_at_the_last_duplicate(void **state)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};

	(void)state;
	assert_int_equal(load("{\"hide\":7,\n\n\"hide\":8}", &errors), -EINVAL);
	assert_int_equal(policy_errors_count(&errors), 2);
	assert_int_equal(policy_errors_place(&errors, 1).line, 3);
	assert_int_equal(policy_errors_place(&errors, 1).column, 8);
}

static void test_parse_counts_errors_beyond_the_bound(void **state)
{
	autobuf struct buf text = BUF_INIT(65536);
	autopolicyerrors struct policy_errors errors = {.n = 0};

	(void)state;
	buf_puts(&text, "{\"hide\":[1");
	for (size_t i = 1; i < POLICY_ERRORS_MAX + 7; i++)
		buf_puts(&text, ",1");
	buf_append(&text, "]}", 3);
	assert_int_equal(load((const char *)text.data, &errors), -EINVAL);
	assert_int_equal(policy_errors_count(&errors), POLICY_ERRORS_MAX);
	assert_int_equal(errors.omitted, 7);
}

static void test_parse_works_without_a_list_of_errors(void **state)
{
	(void)state;
	assert_int_equal(load("{\"x\":1,\"x\":2}", NULL), -EINVAL);
	assert_int_equal(load("{", NULL), -EINVAL);
	assert_int_equal(load("{}", NULL), 0);
}

static void test_parse_leaves_the_policy_alone_on_failure(void **state)
{
	struct policy *untouched = (struct policy *)&untouched;
	struct policy *policy = untouched;

	(void)state;
	assert_int_equal(policy_parse("[]", 2, "p", &policy, NULL), -EINVAL);
	assert_ptr_equal(policy, untouched);
}

static void test_parse_refuses_a_text_that_is_too_long(void **state)
{
	autofree char *text = malloc(POLICY_BYTES_MAX + 1);
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', POLICY_BYTES_MAX + 1);
	memcpy(text, "{}", 2);
	assert_int_equal(policy_parse(text, POLICY_BYTES_MAX + 1, "p", &policy, &errors), -EINVAL);
	assert_non_null(strstr(policy_errors_at(&errors, 0)->what, "mebibyte"));
	assert_int_equal(policy_parse(text, POLICY_BYTES_MAX, "p", &policy, NULL), 0);
}

static void test_parse_keeps_line_and_pointer_under_a_long_name(void **state)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	char name[400];

	(void)state;
	memset(name, 'd', sizeof(name));
	strcpy(name + sizeof(name) - 13, "/policy.json");
	assert_int_equal(policy_parse("{\"x\":1}", 7, name, &policy, &errors), -EINVAL);
	assert_memory_equal(policy_errors_at(&errors, 0)->where, "...ddd", 6);
	assert_non_null(strstr(policy_errors_at(&errors, 0)->where, "ddd/policy.json:1:2 /x"));
}

/* Every prefix of a policy, ending where the next byte may not be read. */
static void test_parse_never_reads_past_the_end(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = sizeof(PUBLISHED) - 1;
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t i = 0; i <= n; i++) {
		autopolicyerrors struct policy_errors errors = {.n = 0};
		autopolicy struct policy *policy = NULL;
		char *text = pages + page - i;

		memcpy(text, PUBLISHED, i);
		assert_int_equal(policy_parse(text, i, "p", &policy, &errors), i < n ? -EINVAL : 0);
		assert_int_equal(policy_errors_count(&errors), i < n ? 1 : 0);
	}
	munmap(pages, 2 * page);
}

/* Any one byte changed: loads or is refused with a reason, and no more. */
static void test_parse_survives_any_changed_byte(void **state)
{
	char text[sizeof(PUBLISHED)] = PUBLISHED;

	(void)state;
	for (size_t i = 0; i < sizeof(PUBLISHED) - 1; i++) {
		for (int c = 0; c < 256; c++) {
			autopolicyerrors struct policy_errors errors = {.n = 0};
			autopolicy struct policy *policy = NULL;
			int r;

			text[i] = (char)c;
			r = policy_parse(text, sizeof(PUBLISHED) - 1, "p", &policy, &errors);
			assert_true(r == 0 || r == -EINVAL);
			assert_int_equal(r != 0, policy_errors_count(&errors) != 0);
		}
		text[i] = PUBLISHED[i];
	}
}

static void test_builtin_policy_loads(void **state)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	size_t n;
	const char *text = policy_builtin(&n);

	(void)state;
	assert_int_equal(policy_parse(text, n, "builtin", &policy, &errors), 0);
	assert_int_equal(policy_tool_count(policy), 8);
	assert_string_equal(policy_server_at(policy, 0)->url, "https://promptfax.app/mcp");
}

static void test_parse_hashes_the_text(void **state)
{
	autopolicy struct policy *policy = NULL;
	char hex[65];

	(void)state;
	assert_int_equal(policy_parse("{}", 2, "p", &policy, NULL), 0);
	text_hex(policy_sha256(policy), 32, hex);
	assert_string_equal(hex,
			    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

static void test_server_is_found_by_host_and_port(void **state)
{
	static const char text[] = SERVER("HTTPS://Fax.Example.COM:8443/Mcp/v1");
	autopolicy struct policy *policy = NULL;
	const struct policy_server *server;

	(void)state;
	assert_int_equal(policy_parse(text, strlen(text), "p", &policy, NULL), 0);
	assert_int_equal(policy_server_count(policy), 1);
	server = policy_server_at(policy, 0);
	assert_string_equal(server->url, "https://fax.example.com:8443/Mcp/v1");
	assert_string_equal(server->path, "/Mcp/v1");
	assert_ptr_equal(policy_server_find(policy, "fax.example.com", 8443), server);
	assert_null(policy_server_find(policy, "fax.example.com", 443));
	assert_null(policy_server_find(policy, "promptfax.app", 8443));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_accepts_what_is_sound),
		cmocka_unit_test(test_parse_names_place_and_problem),
		cmocka_unit_test(test_parse_reports_every_problem_in_order),
		cmocka_unit_test(test_parse_places_errors_at_the_last_duplicate),
		cmocka_unit_test(test_parse_counts_errors_beyond_the_bound),
		cmocka_unit_test(test_parse_works_without_a_list_of_errors),
		cmocka_unit_test(test_parse_leaves_the_policy_alone_on_failure),
		cmocka_unit_test(test_parse_refuses_a_text_that_is_too_long),
		cmocka_unit_test(test_parse_keeps_line_and_pointer_under_a_long_name),
		cmocka_unit_test(test_parse_never_reads_past_the_end),
		cmocka_unit_test(test_parse_survives_any_changed_byte),
		cmocka_unit_test(test_builtin_policy_loads),
		cmocka_unit_test(test_parse_hashes_the_text),
		cmocka_unit_test(test_server_is_found_by_host_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
