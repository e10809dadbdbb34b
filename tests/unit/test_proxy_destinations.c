// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "roles/proxy_destinations.h"

#define NOW 5000

static struct proxy_destinations table;

static int clear(void **state)
{
	(void)state;
	proxy_destinations_free(&table);
	table.next = 0;
	return 0;
}

static struct msg_destination message(const char *agent, uint32_t port, const char *to)
{
	return (struct msg_destination){.agent = span_of(agent),
					.agent_port = port,
					.address = span_of(to),
					.port = 443,
					.exec = span_of("{}")};
}

static int add(const char *agent, uint32_t port, const char *to)
{
	struct msg_destination m = message(agent, port, to);

	return proxy_destinations_add(&table, &m, NOW);
}

/* Return: the destination's address as text, or "" */
static const char *take(const char *agent, uint16_t port, uint64_t now_ms)
{
	static char text[INET6_ADDRSTRLEN];
	union {
		struct sockaddr head;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} from = {.room = {0}}, to = {.room = {0}};
	autofree char *exec = NULL;
	bool is6 = strchr(agent, ':') != NULL;

	from.head.sa_family = is6 ? AF_INET6 : AF_INET;
	from.v6.sin6_port = htons(port);
	assert_int_equal(inet_pton(from.head.sa_family, agent,
				   is6 ? (void *)&from.v6.sin6_addr : (void *)&from.v4.sin_addr),
			 1);
	if (!proxy_destinations_take(&table, &from.head, now_ms, &to.room, &exec))
		return "";
	assert_string_equal(exec, "{}");
	assert_int_equal(ntohs(to.v6.sin6_port), 443);
	return inet_ntop(to.head.sa_family,
			 to.head.sa_family == AF_INET6 ? (void *)&to.v6.sin6_addr
						       : (void *)&to.v4.sin_addr,
			 text, sizeof(text));
}

static void test_destinations_are_found_once_by_source(void **state)
{
	(void)state;
	assert_int_equal(add("127.1.2.3", 4000, "192.0.2.1"), 0);
	assert_int_equal(add("::1", 4000, "2001:db8::1"), 0);
	assert_string_equal(take("127.1.2.3", 4001, NOW), "");
	assert_string_equal(take("127.1.2.4", 4000, NOW), "");
	assert_string_equal(take("127.1.2.3", 4000, NOW), "192.0.2.1");
	assert_string_equal(take("127.1.2.3", 4000, NOW), "");
	assert_string_equal(take("::1", 4000, NOW), "2001:db8::1");
}

static void test_destinations_know_mapped_addresses(void **state)
{
	(void)state;
	assert_int_equal(add("127.1.2.3", 4000, "192.0.2.1"), 0);
	assert_string_equal(take("::ffff:127.1.2.3", 4000, NOW), "192.0.2.1");
}

static void test_destinations_prefer_the_newest(void **state)
{
	(void)state;
	assert_int_equal(add("127.1.2.3", 4000, "192.0.2.1"), 0);
	assert_int_equal(add("127.1.2.3", 4000, "192.0.2.2"), 0);
	assert_string_equal(take("127.1.2.3", 4000, NOW), "192.0.2.2");
}

static void test_destinations_age(void **state)
{
	(void)state;
	assert_int_equal(add("127.1.2.3", 4000, "192.0.2.1"), 0);
	assert_string_equal(take("127.1.2.3", 4000, NOW + DESTINATIONS_MS + 1), "");
	assert_string_equal(take("127.1.2.3", 4000, NOW + DESTINATIONS_MS), "192.0.2.1");
}

static void test_destinations_forget_the_oldest(void **state)
{
	(void)state;
	for (uint32_t i = 0; i <= DESTINATIONS_MAX; i++)
		assert_int_equal(add("127.1.2.3", 1000 + i, "192.0.2.1"), 0);
	assert_string_equal(take("127.1.2.3", 1000, NOW), "");
	assert_string_equal(take("127.1.2.3", 1001, NOW), "192.0.2.1");
	assert_string_equal(take("127.1.2.3", 1000 + DESTINATIONS_MAX, NOW), "192.0.2.1");
}

static void test_destinations_refuse_what_is_no_address(void **state)
{
	static const struct {
		const char *agent;
		uint32_t port;
		const char *to;
	} rows[] = {
		{"", 4000, "192.0.2.1"},     {"127.0.0.1", 0, "192.0.2.1"},
		{"127.0.0.1", 65536, "::1"}, {"127.0.0.1", 4000, ""},
		{"localhost", 4000, "::1"},  {"127.0.0.1", 4000, "192.0.2.1.5"},
		{"127.0.0.1 ", 4000, "::1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(add(rows[i].agent, rows[i].port, rows[i].to), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_destinations_are_found_once_by_source, clear),
		cmocka_unit_test_teardown(test_destinations_know_mapped_addresses, clear),
		cmocka_unit_test_teardown(test_destinations_prefer_the_newest, clear),
		cmocka_unit_test_teardown(test_destinations_age, clear),
		cmocka_unit_test_teardown(test_destinations_forget_the_oldest, clear),
		cmocka_unit_test_teardown(test_destinations_refuse_what_is_no_address, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
