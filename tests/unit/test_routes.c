// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "dial/routes.h"

static const char policy_text[] =
	"{\"version\": \"1\", \"default\": \"deny\", "
	"\"server\": {\"url\": \"https://server.example/mcp\"}, \"egress\": ["
	"{\"host\": \"inspect.example\"}, {\"host\": \"private.example\", \"private_addresses\": "
	"true}, {\"host\": \"10.1.2.3\", \"private_addresses\": true}, "
	"{\"host\": \"tunnel.example\", \"mode\": \"tunnel\"}, "
	"{\"host\": \"host.mcpjail.internal\", \"ports\": [8000], \"mode\": \"tunnel\"}]}";

static struct routes load_routes(const struct policy *policy,
				 const struct msg_dialer_config *config)
{
	struct error err = {.what = ""};
	struct routes routes = {.policy = NULL};

	assert_int_equal(routes_load(policy, config, &routes, &err), 0);
	return routes;
}

static struct policy *load_policy(void)
{
	struct policy *policy = NULL;

	assert_int_equal(
		policy_parse(policy_text, sizeof(policy_text) - 1, "policy", &policy, NULL), 0);
	return policy;
}

#define NOWHERE ((enum route_way) - 1)

static const struct {
	const char *connect_to, *no_proxy; /* NULL: none; no proxy */
	const char *host;
	uint16_t port;
	enum route_way way;
	enum address_reach reach;
	bool avoids_servers;
} rows[] = {
	{NULL, NULL, "server.example", 443, ROUTE_DIRECT, REACH_PUBLIC, false},
	{NULL, NULL, "inspect.example", 443, ROUTE_DIRECT, REACH_PUBLIC, false},
	{NULL, NULL, "private.example", 443, ROUTE_DIRECT, REACH_PRIVATE, false},
	{NULL, NULL, "10.1.2.3", 443, ROUTE_DIRECT, REACH_METADATA, false},
	{NULL, NULL, "tunnel.example", 443, ROUTE_DIRECT, REACH_PUBLIC, true},
	{NULL, NULL, "host.mcpjail.internal", 8000, ROUTE_LOOPBACK, REACH_ANY, false},
	{NULL, NULL, "server.example", 8443, NOWHERE, REACH_PUBLIC, false},
	{NULL, NULL, "inspect.example", 80, NOWHERE, REACH_PUBLIC, false},
	{NULL, NULL, "other.example", 443, NOWHERE, REACH_PUBLIC, false},
	{NULL, NULL, "host.mcpjail.internal", 443, NOWHERE, REACH_PUBLIC, false},
	{NULL, "", "server.example", 443, ROUTE_PROXY, REACH_PUBLIC, false},
	{NULL, "", "tunnel.example", 443, ROUTE_PROXY, REACH_PUBLIC, true},
	{NULL, "", "host.mcpjail.internal", 8000, ROUTE_LOOPBACK, REACH_ANY, false},
	{NULL, "", "other.example", 443, NOWHERE, REACH_PUBLIC, false},
	{NULL, ".example", "server.example", 443, ROUTE_DIRECT, REACH_PUBLIC, false},
	{NULL, "*", "other.example", 443, NOWHERE, REACH_PUBLIC, false},
	{"127.0.0.1", "", "server.example", 443, ROUTE_DIRECT, REACH_ANY, false},
	{"127.0.0.1", "", "tunnel.example", 443, ROUTE_DIRECT, REACH_ANY, true},
	{"127.0.0.1", "", "host.mcpjail.internal", 8000, ROUTE_DIRECT, REACH_ANY, true},
	{"", "", "server.example", 443, ROUTE_DIRECT, REACH_PUBLIC, false},
	{"127.0.0.1", "", "other.example", 443, NOWHERE, REACH_PUBLIC, false},
};

static void test_route_find_chooses_the_way(void **state)
{
	autopolicy struct policy *policy = load_policy();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct msg_dialer_config config = {.log_level = 0};
		struct routes routes;
		struct route route = {.way = ROUTE_DIRECT};
		bool found;

		if (rows[i].connect_to)
			config.dial_to[config.n_dial_to++] = (struct msg_dial_to){
				span_of(""), 0, span_of(rows[i].connect_to), 0};
		if (rows[i].no_proxy) {
			config.proxy_host = span_of("proxy.example");
			config.proxy_port = 3128;
			config.no_proxy = span_of(rows[i].no_proxy);
		}
		routes = load_routes(policy, &config);
		found = route_find(&routes, rows[i].host, rows[i].port, &route);
		if (found != (rows[i].way != NOWHERE))
			fail_msg("row %zu, %s: found is %d", i, rows[i].host, found);
		if (found && (route.way != rows[i].way || route.reach != rows[i].reach ||
			      route.avoids_servers != rows[i].avoids_servers ||
			      (route.proxy != NULL) != (route.way == ROUTE_PROXY)))
			fail_msg("row %zu, %s: way %d, reach %d, avoids %d", i, rows[i].host,
				 route.way, route.reach, route.avoids_servers);
	}
}

static void test_routes_load_refuses_what_is_no_proxy(void **state)
{
	static const struct {
		const char *host;
		uint32_t port;
		size_t userinfo_bytes, no_proxy_bytes;
		bool is_fine;
	} proxies[] = {
		{"proxy.example", 3128, 0, 0, true},
		{"[2001:db8::1]", 3128, 0, 0, true},
		{"2001:db8::1", 3128, 0, 0, true},
		{"10.1.2.3", 65535, HTTP_CONNECT_USERINFO_MAX, IPC_NOPROXY_MAX, true},
		{"", 0, 0, 0, true},
		{"proxy.example", 0, 0, 0, false},
		{"proxy.example", 65536, 0, 0, false},
		{"proxy example", 3128, 0, 0, false},
		{"0x7f.1", 3128, 0, 0, false},
		{"proxy.example", 3128, HTTP_CONNECT_USERINFO_MAX + 1, 0, false},
		{"proxy.example", 3128, 0, IPC_NOPROXY_MAX + 1, false},
	};
	static char filler[4096];
	autopolicy struct policy *policy = load_policy();

	(void)state;
	memset(filler, 'a', sizeof(filler));
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		const struct msg_dialer_config config = {
			.proxy_host = span_of(proxies[i].host),
			.proxy_port = proxies[i].port,
			.proxy_userinfo = span_bytes(filler, proxies[i].userinfo_bytes),
			.no_proxy = span_bytes(filler, proxies[i].no_proxy_bytes),
		};
		struct error err = {.what = ""};
		struct routes routes = {.policy = NULL};
		int r = routes_load(policy, &config, &routes, &err);

		if (r != (proxies[i].is_fine ? 0 : -EINVAL) || !err.what[0] != !r)
			fail_msg("row %zu: %d, %s", i, r, err.what);
		if (strstr(err.what, "aaaa"))
			fail_msg("row %zu: a password shows", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_find_chooses_the_way),
		cmocka_unit_test(test_routes_load_refuses_what_is_no_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
