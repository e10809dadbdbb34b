// SPDX-License-Identifier: Apache-2.0
/* Connections of an agent over loopback, and what the keeper is told about them. */
#include "proxy/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define ROUNDS_MAX 50

static const char policy_text[] = "{\"version\":\"1\",\"default\":\"deny\",\"server\":{\"url\":"
				  "\"https://promptfax.app/mcp\"},\"tools\":{\"get_status\":{}}}";

struct rig {
	struct loop loop;
	struct channel proxy, keeper;
	struct recorder recorder;
	struct upstreams upstreams;
	struct conns conns;
	struct policy *policy;
	struct certs *certs;
	struct tls_server *tls;
	struct dns_names *names;
};

static void on_room(void *arg)
{
	(void)arg;
}

static void on_tick(void *arg)
{
	(void)arg;
}

static void on_round(void *arg)
{
	struct rig *rig = arg;

	rig->loop.stop = true;
}

static void add_leaf(struct certs *certs, const char *host)
{
	EVP_PKEY *key = certs_key(certs);
	X509 *cert = X509_new();
	unsigned char *der = NULL;
	int n;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	n = i2d_X509(cert, &der);
	assert_int_equal(certs_add(certs, host, der, (size_t)n), 0);
	OPENSSL_free(der);
	X509_free(cert);
}

static int rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	autopolicyerrors struct policy_errors errors = {0};
	int fds[2];

	assert_int_equal(channel_pair(fds), 0);
	assert_int_equal(channel_open(&rig->proxy, fds[0], ROLE_PROXY, ROLE_KEEPER), 0);
	assert_int_equal(channel_open(&rig->keeper, fds[1], ROLE_KEEPER, ROLE_PROXY), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(loop_init(&rig->loop), 0);
	rig->loop.on_round = on_round;
	rig->loop.on_tick = on_tick;
	rig->loop.arg = rig;
	recorder_init(&rig->recorder, &rig->proxy, &rig->loop);
	assert_int_equal(
		policy_parse(policy_text, strlen(policy_text), "policy", &rig->policy, &errors), 0);
	assert_int_equal(tls_init(), 0);
	assert_int_equal(certs_new(&rig->certs), 0);
	assert_int_equal(tls_server_new(rig->certs, &rig->tls), 0);
	assert_int_equal(dns_names_new(8, &rig->names), 0);
	add_leaf(rig->certs, "evil.example");
	rig->upstreams.loop = &rig->loop;
	rig->conns = (struct conns){
		.loop = &rig->loop,
		.recorder = &rig->recorder,
		.keeper = &rig->proxy,
		.policy = rig->policy,
		.certs = rig->certs,
		.tls = rig->tls,
		.names = rig->names,
		.upstreams = &rig->upstreams,
		.on_room = on_room,
	};
	*state = rig;
	return 0;
}

static int rig_free(void **state)
{
	struct rig *rig = *state;

	conns_close(&rig->conns);
	loop_close(&rig->loop);
	dns_names_free(rig->names);
	tls_server_free(rig->tls);
	certs_free(rig->certs);
	policy_free(rig->policy);
	channel_close(&rig->proxy);
	channel_close(&rig->keeper);
	free(rig);
	return 0;
}

/* The agent's end of a connection that it takes for one to 192.0.2.7 */
static int agent_connect(struct rig *rig, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	union {
		struct sockaddr_in in;
		struct sockaddr_storage storage;
	} to = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
	socklen_t n = sizeof(at);
	autoclose int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int agent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "192.0.2.7", &to.in.sin_addr);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(connect(agent, (struct sockaddr *)&at, n), 0);
	conn_accept(&rig->conns, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
		    &(struct conn_ends){.destination = to.storage}, false);
	return agent;
}

static void agent_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void agent_reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void one_round(struct rig *rig)
{
	rig->loop.stop = false;
	rig->loop.ticking = true; /* wait no longer than a tick */
	assert_int_equal(loop_run(&rig->loop), 0);
}

/* "protocol host address port rule: reason", of each net.denied in turn */
static unsigned records(struct rig *rig, char *ret, size_t size)
{
	struct msg_event e;
	struct message m;
	unsigned n = 0;

	ret[0] = '\0';
	while (channel_receive(&rig->keeper, &m) == 1) {
		if (m.type == MSG_EVENT) {
			assert_int_equal(message_decode(&m, &e), 0);
			assert_int_equal(e.kind, EVENT_NET_DENIED);
			snprintf(ret, size, "%.*s %.*s %.*s %u %.*s: %.*s", (int)e.protocol.n,
				 e.protocol.p, (int)e.host.n, e.host.p, (int)e.address.n,
				 e.address.p, e.port, (int)e.rule.n, e.rule.p, (int)e.reason.n,
				 e.reason.p);
			n++;
		}
		message_free(&m);
	}
	return n;
}

static void expect_one_record(struct rig *rig, const char *expected)
{
	char got[1024];
	unsigned n;

	for (int i = 0; i < ROUNDS_MAX && rig->conns.all; i++)
		one_round(rig);
	assert_null(rig->conns.all);
	n = records(rig, got, sizeof(got));
	if (n != 1 || !strstr(got, expected))
		fail_msg("%u records, the last: %s", n, got);
}

static void test_a_connection_that_says_nothing_is_recorded(void **state)
{
	struct rig *rig = *state;

	close(agent_connect(rig, 443));
	expect_one_record(rig, "tcp  192.0.2.7 443 /default: closed before it said anything");
	agent_reset(agent_connect(rig, 22));
	expect_one_record(rig, "tcp  192.0.2.7 22 /default: closed before it said anything");
}

/* Clients connect ahead of their need; where they may go, that is no attempt at anything. */
static void test_silence_towards_a_listed_host_is_no_denial(void **state)
{
	struct rig *rig = *state;
	char got[1024];
	int agent = agent_connect(rig, 3128);

	agent_say(agent, "CONNECT promptfax.app:443 HTTP/1.1\r\nHost: promptfax.app:443\r\n\r\n");
	one_round(rig);
	close(agent);
	for (int i = 0; i < ROUNDS_MAX && rig->conns.all; i++)
		one_round(rig);
	assert_null(rig->conns.all);
	assert_int_equal(records(rig, got, sizeof(got)), 0);
}

static void test_connections_open_at_the_end_are_recorded(void **state)
{
	struct rig *rig = *state;
	autoclose int agent = agent_connect(rig, 443);

	conns_close(&rig->conns);
	expect_one_record(rig, "tcp  192.0.2.7 443 /default: closed before it said anything");
}

static void test_a_request_cut_short_is_recorded(void **state)
{
	static const char *const requests[] = {
		"GET /secret",
		"POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\nX: ",
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int agent = agent_connect(rig, 80);

		agent_say(agent, requests[i]);
		one_round(rig);
		agent_reset(agent);
		expect_one_record(rig, "http  192.0.2.7 80 : the request ends within its head");
	}
}

static void test_a_refused_request_is_recorded_once(void **state)
{
	struct rig *rig = *state;
	int agent = agent_connect(rig, 80);

	agent_say(agent, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	one_round(rig);
	close(agent);
	expect_one_record(rig, "http evil.example 192.0.2.7 80 /default: evil.example:80");
}

static void test_a_tunnel_without_a_request_is_recorded(void **state)
{
	struct rig *rig = *state;
	char got[1024];
	int agent = agent_connect(rig, 3128);

	agent_say(agent, "CONNECT evil.example:8443 HTTP/1.1\r\nHost: evil.example:8443\r\n\r\n");
	one_round(rig);
	close(agent);
	expect_one_record(rig, "tcp evil.example 192.0.2.7 8443 /default: closed before it said");

	/* So is one behind a request that has its own record. */
	agent = agent_connect(rig, 3128);
	agent_say(agent, "GET http://one.example/ HTTP/1.1\r\nHost: one.example\r\n\r\n");
	one_round(rig);
	assert_int_equal(records(rig, got, sizeof(got)), 1);
	agent_say(agent, "CONNECT evil.example:8443 HTTP/1.1\r\nHost: evil.example:8443\r\n\r\n");
	one_round(rig);
	close(agent);
	expect_one_record(rig, "tcp evil.example 192.0.2.7 8443 /default: closed before it said");
}

static SSL *agent_tls(struct rig *rig, int fd, const char *sni)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	int r = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, sni);
	for (int i = 0; i < ROUNDS_MAX && r != 1; i++) {
		r = SSL_connect(ssl);
		if (r != 1)
			one_round(rig);
	}
	assert_int_equal(r, 1);
	SSL_CTX_free(ctx);
	return ssl;
}

static void test_a_tls_handshake_without_a_request_is_recorded(void **state)
{
	static const struct {
		bool resets;
		bool says_goodbye;
	} cases[] = {{false, false}, {false, true}, {true, false}};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int agent = agent_connect(rig, 443);
		SSL *ssl = agent_tls(rig, agent, "evil.example");

		if (cases[i].says_goodbye)
			SSL_shutdown(ssl);
		SSL_free(ssl);
		if (cases[i].resets)
			agent_reset(agent);
		else
			close(agent);
		expect_one_record(rig, "tls evil.example 192.0.2.7 443 /default: closed before a "
				       "request");
	}
}

static void test_a_question_that_is_not_asked_is_no_attempt(void **state)
{
	struct rig *rig = *state;
	char got[1024];

	close(agent_connect(rig, 53));
	for (int i = 0; i < ROUNDS_MAX && rig->conns.all; i++)
		one_round(rig);
	assert_null(rig->conns.all);
	assert_int_equal(records(rig, got, sizeof(got)), 0);
}

/* One agent that sends without end must not keep the others, and the clock, waiting. */
static void test_a_connection_gives_the_others_their_turn(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
	enum { REQUESTS = 100 };
	struct rig *rig = *state;
	char got[1024], many[REQUESTS * sizeof(request)];
	int agent = agent_connect(rig, 80);
	unsigned n;

	for (size_t i = 0; i < REQUESTS; i++)
		memcpy(many + i * strlen(request), request, sizeof(request));
	agent_say(agent, many);
	one_round(rig);
	n = records(rig, got, sizeof(got));
	assert_in_range(n, 1, CONN_TURN_STEPS);
	assert_int_equal(rig->loop.n_again, 1);
	for (int i = 0; i < ROUNDS_MAX && n < REQUESTS; i++) {
		one_round(rig);
		n += records(rig, got, sizeof(got));
	}
	assert_int_equal(n, REQUESTS);
	close(agent);
}

static void test_what_follows_the_last_answer_is_dropped_in_turns(void **state)
{
	struct rig *rig = *state;
	char got[1024], *flood = calloc(1, CONN_TURN_BYTES);
	int agent = agent_connect(rig, 80), on = 1;
	size_t before;

	fcntl(agent, F_SETFL, O_NONBLOCK);
	setsockopt(agent, SOL_SOCKET, SO_SNDBUF, &(int){4 * CONN_TURN_BYTES}, sizeof(on));
	agent_say(agent, "GET / HTTP/1.1\r\n\r\n");
	one_round(rig);
	assert_int_equal(rig->conns.all->state, CONN_LINGER);
	/* As if a turn had all but ended: the next read is the last of it. */
	assert_true(send(agent, flood, CONN_TURN_BYTES, MSG_NOSIGNAL) > 8192);
	rig->conns.all->turn_bytes = before = CONN_TURN_BYTES - 1;
	conn_run(rig->conns.all);
	assert_in_range(rig->conns.all->turn_bytes, before, before + 4096);
	assert_int_equal(rig->loop.n_again, 1);
	close(agent);
	for (int i = 0; i < ROUNDS_MAX && rig->conns.all; i++)
		one_round(rig);
	assert_null(rig->conns.all);
	records(rig, got, sizeof(got));
	free(flood);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_connection_that_says_nothing_is_recorded),
		TEST(test_silence_towards_a_listed_host_is_no_denial),
		TEST(test_connections_open_at_the_end_are_recorded),
		TEST(test_a_request_cut_short_is_recorded),
		TEST(test_a_refused_request_is_recorded_once),
		TEST(test_a_tunnel_without_a_request_is_recorded),
		TEST(test_a_tls_handshake_without_a_request_is_recorded),
		TEST(test_a_question_that_is_not_asked_is_no_attempt),
		TEST(test_a_connection_gives_the_others_their_turn),
		TEST(test_what_follows_the_last_answer_is_dropped_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
