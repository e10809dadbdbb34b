// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/channel.h"

struct ends {
	struct channel proxy, keeper; /* the proxy's end towards the keeper, and the other way */
};

static struct ends open_ends(enum role a, enum role b)
{
	struct ends ends;
	int fds[2];

	assert_int_equal(channel_pair(fds), 0);
	assert_int_equal(channel_open(&ends.proxy, fds[0], a, b), 0);
	assert_int_equal(channel_open(&ends.keeper, fds[1], b, a), 0);
	return ends;
}

static void close_ends(struct ends *ends)
{
	channel_close(&ends->proxy);
	channel_close(&ends->keeper);
}

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_a_call_arrives_as_it_was_sent(void **state)
{
	struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);
	struct msg_call sent = {
		.call_id = UINT64_MAX - 1,
		.verdict = 1,
		.tool = span_of("start_session"),
		.args = span_of("{\"a\":1}"),
		.n_charges = 2,
		.charges = {{.counter = span_of("c"), .scope = SCOPE_RUN, .max = 10},
			    {.counter = span_of("d"), .window_ms = 60000}}};
	struct msg_call got;
	struct message m;

	(void)state;
	assert_int_equal(channel_send(&ends.proxy, MSG_CALL, &sent), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), 1);
	assert_int_equal(message_decode(&m, &got), 0);
	assert_true(got.call_id == UINT64_MAX - 1);
	assert_true(span_equals(got.tool, "start_session"));
	assert_true(span_equals(got.args, "{\"a\":1}"));
	assert_int_equal(got.n_charges, 2);
	assert_int_equal(got.charges[0].scope, SCOPE_RUN);
	assert_true(span_equals(got.charges[1].counter, "d"));
	assert_int_equal(got.charges[1].window_ms, 60000);
	message_free(&m);
	close_ends(&ends);
}

static void test_every_cut_and_every_addition_is_refused(void **state)
{
	struct msg_outcome sent = {.call_id = 7, .detail = span_of("why")}, got;
	autobuf struct buf b = BUF_INIT(4096);

	(void)state;
	assert_int_equal(wire_encode(message_rule(MSG_OUTCOME)->payload, &sent, &b), 0);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(wire_decode(message_rule(MSG_OUTCOME)->payload, b.data, n, &got),
				 -EBADMSG);
	assert_int_equal(buf_append(&b, "x", 1), 0);
	assert_int_equal(wire_decode(message_rule(MSG_OUTCOME)->payload, b.data, b.len, &got),
			 -EBADMSG);
}

static void test_a_span_over_its_maximum_is_neither_sent_nor_taken(void **state)
{
	char long_host[IPC_HOST_MAX + 2];
	struct msg_dial sent = {.host = span_bytes(long_host, sizeof(long_host) - 1)}, got;
	autobuf struct buf b = BUF_INIT(4096);

	(void)state;
	memset(long_host, 'a', sizeof(long_host));
	assert_int_equal(wire_encode(message_rule(MSG_DIAL)->payload, &sent, &b), -EMSGSIZE);
	buf_clear(&b);
	sent.host.n = IPC_HOST_MAX;
	assert_int_equal(wire_encode(message_rule(MSG_DIAL)->payload, &sent, &b), 0);
	b.data[8] = (uint8_t)(IPC_HOST_MAX + 1); /* the count behind the 8 bytes of dial_id */
	assert_int_equal(wire_decode(message_rule(MSG_DIAL)->payload, b.data, b.len, &got),
			 -EBADMSG);
}

static void test_a_list_longer_than_its_array_is_refused(void **state)
{
	struct msg_dialer_config sent = {.n_dial_to = 1}, *got = calloc(1, sizeof(*got));
	autobuf struct buf b = BUF_INIT(4096);

	(void)state;
	assert_int_equal(wire_encode(message_rule(MSG_DIALER_CONFIG)->payload, &sent, &b), 0);
	b.data[0] = IPC_DIALTO_MAX + 1;
	assert_int_equal(wire_decode(message_rule(MSG_DIALER_CONFIG)->payload, b.data, b.len, got),
			 -EBADMSG);
	free(got);
}

static void send_raw(struct channel *ch, unsigned type, size_t payload, const int *fds, size_t n)
{
	uint8_t bytes[64] = {(uint8_t)type, (uint8_t)(type >> 8)};
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct iovec iov = {bytes, 2 + payload};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	assert_true(sendmsg(ch->fd, &msg, 0) >= 0);
}

static void test_what_the_table_does_not_allow_is_refused(void **state)
{
	static const struct {
		const char *what;
		unsigned type;
		size_t payload, fds;
	} rows[] = {
		{"no such type", 999, 0, 0},
		{"type nought", 0, 0, 0},
		{"a type of the other direction", MSG_CALL_VERDICT, 0, 0},
		{"a type of another pair", MSG_DIAL, 0, 0},
		{"a descriptor too many", MSG_OUTCOME, 0, 1},
		{"nine descriptors", MSG_OUTCOME, 0, 9},
		{"twelve descriptors", MSG_OUTCOME, 0, 12},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);
		size_t before = count_fds();
		int fds[16] = {0};
		struct message m;

		send_raw(&ends.proxy, rows[i].type, rows[i].payload, fds, rows[i].fds);
		assert_int_equal(channel_receive(&ends.keeper, &m), -EPROTO);
		assert_int_equal(count_fds(), before);
		close_ends(&ends);
	}
}

static void test_a_message_too_short_for_a_type_is_refused(void **state)
{
	struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);
	struct message m;

	(void)state;
	assert_int_equal(send(ends.proxy.fd, "x", 1, 0), 1);
	assert_int_equal(channel_receive(&ends.keeper, &m), -EPROTO);
	close_ends(&ends);
}

static void test_configuration_comes_once_and_first(void **state)
{
	struct ends ends = open_ends(ROLE_SUPERVISOR, ROLE_PROXY);
	struct msg_proxy_config config = {.log_level = 0};
	int fds[] = {0, 0, 0, 0};
	struct message m;

	(void)state;
	assert_int_equal(channel_send_fds(&ends.proxy, MSG_LISTENERS, NULL, fds, 3), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), -EPROTO);
	assert_int_equal(channel_send_fds(&ends.proxy, MSG_PROXY_CONFIG, &config, fds, 4), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), 1);
	message_free(&m);
	assert_int_equal(channel_send_fds(&ends.proxy, MSG_PROXY_CONFIG, &config, fds, 4), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), -EPROTO);
	assert_int_equal(channel_send_fds(&ends.proxy, MSG_LISTENERS, NULL, fds, 3), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), 1);
	message_free(&m);
	assert_int_equal(channel_send_fds(&ends.proxy, MSG_LISTENERS, NULL, fds, 3), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), -EPROTO);
	close_ends(&ends);
}

static void test_a_role_cannot_send_what_is_not_its_own(void **state)
{
	struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);

	(void)state;
	assert_int_equal(channel_send(&ends.proxy, MSG_DIALER_READY, NULL), -EINVAL);
	assert_int_equal(channel_send(&ends.proxy, MSG_CALL, NULL), -EINVAL);
	close_ends(&ends);
}

static void test_the_largest_message_fits_a_default_socket(void **state)
{
	struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);
	char *tools = malloc(IPC_TOOLS_MAX);
	struct msg_tools_served sent = {.tools = span_bytes(tools, IPC_TOOLS_MAX)};
	struct message m;

	(void)state;
	memset(tools, 'x', IPC_TOOLS_MAX);
	assert_int_equal(channel_send(&ends.proxy, MSG_TOOLS_SERVED, &sent), 0);
	assert_int_equal(channel_receive(&ends.keeper, &m), 1);
	assert_true(m.n > IPC_TOOLS_MAX);
	message_free(&m);
	free(tools);
	close_ends(&ends);
}

static void test_the_end_of_the_peer_is_the_end(void **state)
{
	struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);
	struct message m;

	(void)state;
	channel_close(&ends.proxy);
	assert_int_equal(channel_receive(&ends.keeper, &m), 0);
	assert_int_equal(channel_send(&ends.keeper, MSG_CALL_VERDICT,
				      &(struct msg_call_verdict){.call_id = 1}),
			 -EPIPE);
	close_ends(&ends);
}

static void test_last_words_are_heard_from_a_peer_that_left_ours_unread(void **state)
{
	struct ends ends = open_ends(ROLE_PROXY, ROLE_KEEPER);
	struct msg_call_verdict verdict = {.call_id = 1};
	struct msg_event event = {.kind = EVENT_NET_DENIED};
	struct message m;

	(void)state;
	assert_int_equal(channel_send(&ends.keeper, MSG_CALL_VERDICT, &verdict), 0);
	assert_int_equal(channel_send(&ends.proxy, MSG_EVENT, &event), 0);
	channel_close(&ends.proxy);
	assert_int_equal(channel_receive(&ends.keeper, &m), 1);
	assert_int_equal(m.type, MSG_EVENT);
	message_free(&m);
	assert_int_equal(channel_receive(&ends.keeper, &m), 0);
	close_ends(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_call_arrives_as_it_was_sent),
		cmocka_unit_test(test_every_cut_and_every_addition_is_refused),
		cmocka_unit_test(test_a_span_over_its_maximum_is_neither_sent_nor_taken),
		cmocka_unit_test(test_a_list_longer_than_its_array_is_refused),
		cmocka_unit_test(test_what_the_table_does_not_allow_is_refused),
		cmocka_unit_test(test_a_message_too_short_for_a_type_is_refused),
		cmocka_unit_test(test_configuration_comes_once_and_first),
		cmocka_unit_test(test_a_role_cannot_send_what_is_not_its_own),
		cmocka_unit_test(test_the_largest_message_fits_a_default_socket),
		cmocka_unit_test(test_the_end_of_the_peer_is_the_end),
		cmocka_unit_test(test_last_words_are_heard_from_a_peer_that_left_ours_unread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
