// SPDX-License-Identifier: Apache-2.0
/* Connections that wait to hear which process made them, with the test as the broker. */
#include "proxy/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmocka_all.h"

#define CURL "{\"id\":\"5-1-2\",\"pid\":5,\"exe\":\"/usr/bin/curl\"}"
#define NODE "{\"id\":\"6-1-2\",\"pid\":6,\"exe\":\"/usr/bin/node\"}"

static const char policy_text[] = "{\"version\":\"1\",\"default\":\"deny\",\"server\":{\"url\":"
				  "\"https://promptfax.app/mcp\"},\"tools\":{\"get_status\":{}}}";

struct rig {
	struct loop loop;
	struct channel to_keeper, keeper, to_broker, broker;
	struct recorder recorder;
	struct upstreams upstreams;
	struct conns conns;
	struct policy *policy;
	struct dns_names *names;
};

static void do_nothing(void *arg)
{
	(void)arg;
}

static void on_round(void *arg)
{
	struct rig *rig = arg;

	rig->loop.stop = true;
}

static void on_alarm(void *arg)
{
	struct rig *rig = arg;

	attribution_on_alarm(&rig->conns.attribution);
}

static void open_pair(struct channel *a, enum role self, struct channel *b, enum role peer)
{
	int fds[2];

	assert_int_equal(channel_pair(fds), 0);
	assert_int_equal(channel_open(a, fds[0], self, peer), 0);
	assert_int_equal(channel_open(b, fds[1], peer, self), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
}

static int rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	autopolicyerrors struct policy_errors errors = {0};

	open_pair(&rig->to_keeper, ROLE_PROXY, &rig->keeper, ROLE_KEEPER);
	open_pair(&rig->to_broker, ROLE_PROXY, &rig->broker, ROLE_BROKER);
	assert_int_equal(loop_init(&rig->loop), 0);
	rig->loop.on_round = on_round;
	rig->loop.on_tick = do_nothing;
	rig->loop.on_alarm = on_alarm;
	rig->loop.arg = rig;
	recorder_init(&rig->recorder, &rig->to_keeper, &rig->loop);
	assert_int_equal(
		policy_parse(policy_text, strlen(policy_text), "policy", &rig->policy, &errors), 0);
	assert_int_equal(dns_names_new(8, &rig->names), 0);
	rig->upstreams.loop = &rig->loop;
	rig->conns = (struct conns){
		.loop = &rig->loop,
		.recorder = &rig->recorder,
		.keeper = &rig->to_keeper,
		.policy = rig->policy,
		.names = rig->names,
		.upstreams = &rig->upstreams,
		.on_room = do_nothing,
	};
	attribution_init(&rig->conns.attribution, &rig->to_broker, &rig->loop);
	*state = rig;
	return 0;
}

static int rig_free(void **state)
{
	struct rig *rig = *state;

	conns_close(&rig->conns);
	loop_close(&rig->loop);
	dns_names_free(rig->names);
	policy_free(rig->policy);
	channel_close(&rig->to_keeper);
	channel_close(&rig->keeper);
	channel_close(&rig->to_broker);
	channel_close(&rig->broker);
	free(rig);
	return 0;
}

/* The agent's end of a connection that it takes for one to 192.0.2.7 */
static int agent_connect(struct rig *rig, uint16_t port, const char *exec)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	union {
		struct sockaddr_in in;
		struct sockaddr_storage storage;
	} to = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
	struct conn_ends ends = {.exec = span_of(exec)};
	socklen_t n = sizeof(at), size = sizeof(ends.agent);
	autoclose int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int agent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	inet_pton(AF_INET, "192.0.2.7", &to.in.sin_addr);
	ends.destination = to.storage;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(connect(agent, (struct sockaddr *)&at, n), 0);
	fd = accept4(listener, (struct sockaddr *)&ends.agent, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	conn_accept(&rig->conns, fd, &ends, false);
	return agent;
}

static void agent_ask(int fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

static void one_round(struct rig *rig)
{
	rig->loop.stop = false;
	rig->loop.ticking = true; /* wait no longer than a tick */
	assert_int_equal(loop_run(&rig->loop), 0);
}

/* The next record's exec. Return: false if there is none */
static bool next_record(struct rig *rig, char *ret, size_t size)
{
	struct msg_event e;
	struct message m;

	if (channel_receive(&rig->keeper, &m) != 1)
		return false;
	assert_int_equal(m.type, MSG_EVENT);
	assert_int_equal(message_decode(&m, &e), 0);
	assert_true(span_copy(e.exec, ret, size));
	return true;
}

static void expect_record(struct rig *rig, const char *exec)
{
	char got[512];

	assert_true(next_record(rig, got, sizeof(got)));
	assert_string_equal(got, exec);
	assert_false(next_record(rig, got, sizeof(got)));
}

/* The question that was put to the broker. Return: the connection's number; 0: none */
static uint64_t next_question(struct rig *rig, struct msg_who *ret)
{
	struct message m;

	if (channel_receive(&rig->broker, &m) != 1)
		return 0;
	assert_int_equal(m.type, MSG_WHO);
	assert_int_equal(message_decode(&m, ret), 0);
	return ret->conn;
}

static int answer(struct rig *rig, uint64_t conn, const char *exec)
{
	return attribution_on_process(&rig->conns.attribution,
				      &(struct msg_process){conn, span_of(exec)});
}

static void test_nothing_is_read_before_the_process_is_known(void **state)
{
	struct rig *rig = *state;
	autoclose int agent = agent_connect(rig, 80, "");
	struct sockaddr_in own;
	socklen_t n = sizeof(own);
	struct msg_who who;
	char got[512];

	agent_ask(agent);
	one_round(rig);
	assert_false(next_record(rig, got, sizeof(got)));
	assert_int_equal(next_question(rig, &who), 1);
	assert_int_equal(getsockname(agent, (struct sockaddr *)&own, &n), 0);
	assert_true(span_equals(who.agent, "127.0.0.1"));
	assert_int_equal(who.agent_port, ntohs(own.sin_port));
	assert_true(span_equals(who.destination, "192.0.2.7"));
	assert_int_equal(who.destination_port, 80);
	assert_int_equal(answer(rig, 1, CURL), 0);
	expect_record(rig, CURL);
	assert_int_equal(rig->loop.alarm_ms, 0);
	/* Nor is anything asked again for a second request. */
	agent_ask(agent);
	one_round(rig);
	expect_record(rig, CURL);
	assert_int_equal(next_question(rig, &who), 0);
}

static void test_an_answer_that_does_not_come_is_not_waited_for(void **state)
{
	struct rig *rig = *state;
	autoclose int agent = agent_connect(rig, 80, "");
	uint64_t before_ms = clock_mono_ms(), after_ms;
	char got[512];

	agent_ask(agent);
	for (int i = 0; i < 10 && rig->conns.attribution.waiting; i++)
		one_round(rig);
	after_ms = clock_mono_ms();
	assert_in_range(after_ms - before_ms, ATTRIBUTION_MS - 5, 20 * ATTRIBUTION_MS);
	expect_record(rig, "{\"unknown\":\"the answer took more than 50 ms\"}");
	/* When it does come, it changes nothing, and a second one is a lie. */
	assert_int_equal(answer(rig, 1, CURL), 0);
	assert_false(next_record(rig, got, sizeof(got)));
	assert_int_equal(answer(rig, 1, CURL), -EPROTO);
}

static void test_answers_may_come_in_any_order(void **state)
{
	static const int orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		int agents[3];

		for (int k = 0; k < 3; k++) {
			agents[k] = agent_connect(rig, 80, "");
			agent_ask(agents[k]);
		}
		for (int k = 0; k < 3; k++) {
			uint64_t id = 3 * i + (uint64_t)orders[i][k];
			const char *exec = orders[i][k] == 2 ? NODE : CURL;

			assert_int_equal(answer(rig, id, exec), 0);
			expect_record(rig, exec);
		}
		assert_null(rig->conns.attribution.waiting);
		for (int k = 0; k < 3; k++)
			close(agents[k]);
		for (int k = 0; k < 10 && rig->conns.all; k++)
			one_round(rig);
		assert_null(rig->conns.all);
	}
}

static void test_who_hangs_up_at_once_is_told_nevertheless(void **state)
{
	struct rig *rig = *state;
	char got[512];

	close(agent_connect(rig, 443, ""));
	one_round(rig);
	assert_false(next_record(rig, got, sizeof(got)));
	assert_int_equal(answer(rig, 1, CURL), 0);
	expect_record(rig, CURL);
	assert_null(rig->conns.all);
}

static void test_the_end_of_the_run_waits_for_no_answer(void **state)
{
	struct rig *rig = *state;
	autoclose int agent = agent_connect(rig, 443, "");

	conns_close(&rig->conns);
	expect_record(rig, "{\"unknown\":\"the connection was over before the answer\"}");
	assert_null(rig->conns.attribution.waiting);
	assert_int_equal(answer(rig, 1, CURL), 0);
}

static void test_more_questions_than_fit_are_not_asked(void **state)
{
	struct rig *rig = *state;
	int agents[ATTRIBUTION_IN_FLIGHT_MAX + 1];
	struct msg_who who;
	uint64_t asked = 0;

	for (size_t i = 0; i < ARRAY_SIZE(agents); i++)
		agents[i] = agent_connect(rig, 80, "");
	agent_ask(agents[ATTRIBUTION_IN_FLIGHT_MAX]);
	/* Those before it fill a round or two of their own. */
	for (size_t i = 0; i <= ATTRIBUTION_IN_FLIGHT_MAX / LOOP_EVENTS_MAX; i++)
		one_round(rig);
	expect_record(rig, "{\"unknown\":\"too many connections were made at a time\"}");
	while (next_question(rig, &who))
		asked++;
	assert_int_equal(asked, ATTRIBUTION_IN_FLIGHT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(agents); i++)
		close(agents[i]);
}

static void test_what_is_known_is_not_asked(void **state)
{
	struct rig *rig = *state;
	autoclose int agent = agent_connect(rig, 80, NODE);
	struct msg_who who;

	agent_ask(agent);
	one_round(rig);
	expect_record(rig, NODE);
	assert_int_equal(next_question(rig, &who), 0);
}

static void test_names_are_answered_without_asking(void **state)
{
	struct rig *rig = *state;
	autoclose int agent = agent_connect(rig, 53, "");
	struct msg_who who;

	assert_int_equal(next_question(rig, &who), 0);
	assert_false(rig->conns.all->awaits_exec);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_read_before_the_process_is_known),
		TEST(test_an_answer_that_does_not_come_is_not_waited_for),
		TEST(test_answers_may_come_in_any_order),
		TEST(test_who_hangs_up_at_once_is_told_nevertheless),
		TEST(test_the_end_of_the_run_waits_for_no_answer),
		TEST(test_more_questions_than_fit_are_not_asked),
		TEST(test_what_is_known_is_not_asked),
		TEST(test_names_are_answered_without_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
