// SPDX-License-Identifier: Apache-2.0
/*
 * The role that reads what strangers send. It prepares everything that needs a file
 * (policy, roots, OpenSSL's algorithms), confines itself, and only then gets the sockets
 * of the jail. From there on it holds no secret but the keys of its own leaves, and can
 * do nothing but talk: to the agent, to servers that the dialer connected, to the keeper.
 *
 * Four channels lead out. If one of them ends or says what it must not, the process
 * ends, and the run with it: nothing is forwarded that nobody records.
 *
 * Longer than most: the loop, its channels and the order of its start are one thing to read.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "jail/jail.h"
#include "policy/policy.h"
#include "proxy/certs.h"
#include "proxy/conn.h"
#include "proxy/dns.h"
#include "proxy/loop.h"
#include "proxy/recorder.h"
#include "proxy/tls.h"
#include "proxy/trust_store.h"
#include "proxy/upstream.h"
#include "proxy_sockets.h"
#include "roles/role_policy.h"
#include "roles/roles.h"
#include "sandbox/confine.h"

#define TRIM_AFTER 32 /* connections that went idle, before the heap is asked for their pages */
/* Descriptors beside one pair for each connection. */
#define SPARE_FDS  (UPSTREAM_IDLE_MAX + ANSWERS_MAX + 32)

struct peer {
	struct source source; /* first */
	struct proxy *proxy;
	struct channel channel;
	int (*on_message)(struct proxy *proxy, struct message *m);
};

/* Everything of this process; its parts know only what they were given of it. */
struct proxy {
	struct loop loop;
	struct peer supervisor, keeper, dialer, broker;
	struct policy *policy;                   /* in force */
	struct policy *earlier[IPC_RELOADS_MAX]; /* what began under them ends under them */
	char *grant;                             /* the run's */
	struct trust_store *trust;
	struct certs *certs;
	struct tls_server *tls_server;
	struct tls_client *tls_client;
	struct dns_names *names;
	struct recorder recorder;
	struct upstreams upstreams;
	struct conns conns;
	struct proxy_sockets sockets;
	bool is_over;   /* the run has come to its end */
	bool is_broken; /* ended by a fault, not because another part has gone */
};

/* --- messages ---------------------------------------------------------------------- */

static int on_keeper_message(struct proxy *proxy, struct message *m)
{
	struct msg_call_verdict verdict;
	struct msg_leaf leaf;

	if (m->type == MSG_CALL_VERDICT)
		return message_decode(m, &verdict)
			       ? -EPROTO
			       : recorder_on_verdict(&proxy->recorder, &verdict);
	if (m->type == MSG_LEAF)
		return message_decode(m, &leaf) ? -EPROTO : conns_on_leaf(&proxy->conns, &leaf);
	return -EPROTO;
}

static int on_dialer_message(struct proxy *proxy, struct message *m)
{
	struct msg_dialed dialed;

	if (m->type != MSG_DIALED || message_decode(m, &dialed))
		return -EPROTO;
	return upstreams_on_dialed(&proxy->upstreams, &dialed, message_take_fd(m, 0));
}

static int on_destination(struct proxy *proxy, struct message *m)
{
	struct msg_destination destination;

	if (!proxy->sockets.destinations || message_decode(m, &destination))
		return -EPROTO;
	return proxy_destinations_add(proxy->sockets.destinations, &destination,
				      proxy->loop.now_ms);
}

static int on_resolver(struct proxy *proxy, struct message *m)
{
	struct msg_resolver resolver;

	if (!proxy->sockets.destinations || message_decode(m, &resolver))
		return -EPROTO;
	return proxy_resolvers_add(&proxy->sockets.resolvers, message_take_fd(m, 0), &resolver);
}

static int on_broker_message(struct proxy *proxy, struct message *m)
{
	struct msg_process process;

	if (m->type == MSG_DESTINATION)
		return on_destination(proxy, m);
	if (m->type == MSG_RESOLVER)
		return on_resolver(proxy, m);
	if (m->type != MSG_PROCESS || message_decode(m, &process))
		return -EPROTO;
	return attribution_on_process(&proxy->conns.attribution, &process);
}

/* Without a connection nothing is left that began under them. */
static void forget_earlier(struct proxy *proxy)
{
	if (proxy->conns.all || proxy->upstreams.all)
		return;
	for (uint32_t i = 0; i < proxy->conns.policy_number; i++) {
		policy_free(proxy->earlier[i]);
		proxy->earlier[i] = NULL;
	}
}

/* The keeper hears of it before the first call that is judged by it. */
static int put_in_force(struct proxy *proxy, struct policy *policy)
{
	const struct msg_policy_in_force in_force = {
		.number = proxy->conns.policy_number + 1,
		.sha256 = span_bytes(policy_sha256(policy), 32),
	};
	int r = channel_send(&proxy->keeper.channel, MSG_POLICY_IN_FORCE, &in_force);

	if (r)
		return r;
	proxy->earlier[proxy->conns.policy_number++] = proxy->policy;
	proxy->policy = policy;
	proxy->conns.policy = policy;
	forget_earlier(proxy);
	return 0;
}

static int on_supervisor_message(struct proxy *proxy, struct message *m)
{
	autoclose int fd = m->type == MSG_PROXY_POLICY ? message_take_fd(m, 0) : -1;
	struct error err = {.what = ""};
	struct policy *policy = NULL;
	int r = proxy->conns.policy_number < IPC_RELOADS_MAX ? 0 : -ENOSPC;

	if (m->type != MSG_PROXY_POLICY)
		return -EPROTO;
	if (!r)
		r = role_policy_load(fd, &policy, &err);
	if (!r && put_in_force(proxy, policy)) {
		policy_free(policy);
		return -EPIPE;
	}
	return r ? role_policy_answer(&proxy->supervisor.channel, MSG_PROXY_POLICY_REFUSED, r, &err)
		 : 0;
}

static void on_peer_ready(struct source *source, uint32_t events)
{
	struct peer *peer = (struct peer *)source;
	struct pollfd fd = {.fd = peer->channel.fd, .events = POLLIN};
	struct message m;
	int r;

	(void)events;
	/* What was told of has been read since, if it was an announcement (read_announcements()).
	 */
	if (poll(&fd, 1, 0) != 1)
		return;
	r = channel_receive(&peer->channel, &m);
	if (r == -EAGAIN)
		return;
	if (r == 1) {
		r = peer->on_message(peer->proxy, &m);
		message_free(&m);
		if (!r)
			return;
	}
	if (r)
		log_error("proxy: the %s broke the protocol", role_name(peer->channel.peer));
	else
		log_protocol("proxy: the %s is gone", role_name(peer->channel.peer));
	peer->proxy->is_broken = r != 0;
	/* The supervisor closes its end when the agent has gone: the run's normal end. */
	peer->proxy->is_over = !r && peer == &peer->proxy->supervisor;
	if (peer->proxy->is_over)
		proxy_sockets_drain(&peer->proxy->sockets);
	peer->proxy->loop.stop = true;
}

/* What the broker has sent by now; no more of them than can be announced at once. */
static void read_announcements(void *arg)
{
	struct proxy *proxy = arg;

	for (int i = 0; i < DESTINATIONS_MAX && !proxy->loop.stop; i++) {
		struct pollfd fd = {.fd = proxy->broker.channel.fd, .events = POLLIN};

		if (poll(&fd, 1, 0) != 1)
			return;
		on_peer_ready(&proxy->broker.source, EPOLLIN);
	}
}

static int peer_open(struct proxy *proxy, struct peer *peer, int fd, enum role role)
{
	peer->source.on_ready = on_peer_ready;
	peer->proxy = proxy;
	return channel_open(&peer->channel, fd, ROLE_PROXY, role);
}

static int peer_watch(struct proxy *proxy, struct peer *peer)
{
	return loop_add(&proxy->loop, peer->channel.fd, &peer->source, LOOP_LEVEL);
}

/* --- before confinement --------------------------------------------------------------- */

static int fail(const struct error *err)
{
	char line[1400];

	error_format(err, line, sizeof(line));
	log_error("proxy: %s", line);
	return -EINVAL;
}

static int load_policy(struct proxy *proxy, int memfd)
{
	autobuf struct buf text = BUF_INIT(POLICY_BYTES_MAX);
	autopolicyerrors struct policy_errors errors = {0};
	ssize_t n = 1;
	int r;

	lseek(memfd, 0, SEEK_SET);
	while (n > 0) {
		size_t room = text.max - text.len < 65536 ? text.max - text.len : 65536;
		void *to = room ? buf_reserve(&text, room) : NULL;

		n = to ? read(memfd, to, room) : 0;
		if (n > 0)
			buf_commit(&text, (size_t)n);
	}
	if (n < 0)
		return -errno;
	r = policy_parse((const char *)text.data, text.len, "policy", &proxy->policy, &errors);
	if (r && policy_errors_count(&errors))
		fail(policy_errors_at(&errors, 0));
	return r;
}

static int load_trust(struct proxy *proxy, const int roots[IPC_ROOTS_MAX])
{
	struct error err = {.what = ""};
	int r = tls_init();

	if (!r)
		r = trust_store_new(&proxy->trust);
	if (r)
		return r;
	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		if (roots[i] >= 0 && trust_store_add_roots(proxy->trust, roots[i], &err))
			return fail(&err);
	/* Without a bundle nothing but these verifies, and each failure says so. */
	if (trust_store_load_system(proxy->trust, &err) && roots[0] < 0)
		fail(&err);
	return 0;
}

/*
 * OpenSSL's beginnings are look-ups in what is loaded, milliseconds of them, and need no file.
 * They wait until the agent talks to anybody, or until there is nothing to do while it starts: a
 * command that is over by then has not waited for them.
 */
static int prepare_tls(struct proxy *proxy)
{
	struct error err = {.what = ""};
	int r = certs_new(&proxy->certs);

	if (!r)
		r = tls_server_new(proxy->certs, &proxy->tls_server);
	if (!r)
		r = tls_client_new(proxy->trust, &proxy->tls_client);
	if (!r && tls_warm_up(proxy->tls_server, proxy->tls_client, &err))
		r = fail(&err);
	if (r)
		return r;
	proxy->conns.certs = proxy->certs;
	proxy->conns.tls = proxy->tls_server;
	proxy->upstreams.client = proxy->tls_client;
	trust_store_index(proxy->trust);
	return 0;
}

static void on_first(void *arg)
{
	struct proxy *proxy = arg;

	proxy->loop.on_idle = NULL;
	proxy->sockets.on_first = NULL;
	proxy->is_broken = prepare_tls(proxy);
	proxy->loop.stop |= proxy->is_broken;
}

static void on_tick(void *arg)
{
	struct proxy *proxy = arg;

	conns_on_tick(&proxy->conns);
	upstreams_on_tick(&proxy->upstreams);
	proxy_sockets_on_tick(&proxy->sockets);
	forget_earlier(proxy);
	/* With nothing open there is nothing to wake up for, and much to give back. */
	proxy->loop.ticking = proxy->conns.all || proxy->upstreams.all || proxy->sockets.log_losses;
	if (!proxy->loop.ticking || proxy->conns.slimmed >= TRIM_AFTER) {
		malloc_trim(0);
		proxy->conns.slimmed = 0;
	}
}

static void on_alarm(void *arg)
{
	struct proxy *proxy = arg;

	attribution_on_alarm(&proxy->conns.attribution);
}

static void on_round(void *arg)
{
	struct proxy *proxy = arg;

	recorder_flush(&proxy->recorder);
}

static void on_room(void *arg)
{
	struct proxy *proxy = arg;

	proxy_sockets_on_room(&proxy->sockets);
}

/* A message with a descriptor that does not fit would be lost: leave room for both sides. */
static size_t connections_for_limit(void)
{
	struct rlimit limit = {0, 0};
	size_t fds;

	getrlimit(RLIMIT_NOFILE, &limit);
	fds = limit.rlim_max < CONFINE_FDS_MAX ? (size_t)limit.rlim_max : CONFINE_FDS_MAX;
	fds = fds > SPARE_FDS + 4 ? (fds - SPARE_FDS) / 2 : 2;
	return fds < CONNS_MAX ? fds : CONNS_MAX;
}

static int wire_parts(struct proxy *proxy)
{
	int r = dns_names_new(DNS_NAMES_MAX, &proxy->names);

	recorder_init(&proxy->recorder, &proxy->keeper.channel, &proxy->loop);
	proxy->upstreams = (struct upstreams){
		.loop = &proxy->loop,
		.dialer = &proxy->dialer.channel,
		.recorder = &proxy->recorder,
	};
	proxy->conns = (struct conns){
		.loop = &proxy->loop,
		.recorder = &proxy->recorder,
		.keeper = &proxy->keeper.channel,
		.policy = proxy->policy,
		.grant = proxy->grant,
		.names = proxy->names,
		.upstreams = &proxy->upstreams,
		.on_room = on_room,
		.arg = proxy,
	};
	attribution_init(&proxy->conns.attribution, &proxy->broker.channel, &proxy->loop);
	proxy->sockets.loop = &proxy->loop;
	proxy->sockets.conns = &proxy->conns;
	proxy->sockets.recorder = &proxy->recorder;
	proxy->sockets.conns_max = connections_for_limit();
	proxy->sockets.read_announcements = read_announcements;
	proxy->sockets.on_first = on_first;
	proxy->sockets.arg = proxy;
	proxy->loop.on_idle = on_first;
	proxy->loop.on_tick = on_tick;
	proxy->loop.on_alarm = on_alarm;
	proxy->loop.on_round = on_round;
	proxy->loop.arg = proxy;
	return r;
}

static int receive(struct proxy *proxy, enum message_type type, struct message *ret)
{
	int r = channel_receive(&proxy->supervisor.channel, ret);

	if (r != 1)
		return r ? r : -EPIPE;
	if (ret->type == type)
		return 0;
	message_free(ret);
	return -EPROTO;
}

static int configure(struct proxy *proxy)
{
	struct msg_proxy_config config;
	struct message m;
	autoclose int policy = -1, keeper = -1, dialer = -1, broker = -1;
	int roots[IPC_ROOTS_MAX];
	int r = receive(proxy, MSG_PROXY_CONFIG, &m);

	if (r)
		return r;
	policy = message_take_fd(&m, 0);
	keeper = message_take_fd(&m, 1);
	dialer = message_take_fd(&m, 2);
	broker = message_take_fd(&m, 3);
	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		roots[i] = message_take_fd(&m, 4 + i);
	r = message_decode(&m, &config);
	if (!r) {
		log_set_level((enum log_level)config.log_level);
		proxy->sockets.is_tier_b = config.tier == JAIL_TIER_B;
		proxy->grant = strndup(config.grant.n ? config.grant.p : "", config.grant.n);
		r = proxy->grant ? 0 : -ENOMEM;
	}
	message_free(&m);
	if (!r)
		r = peer_open(proxy, &proxy->keeper, fd_take(&keeper), ROLE_KEEPER);
	if (!r)
		r = peer_open(proxy, &proxy->dialer, fd_take(&dialer), ROLE_DIALER);
	if (!r)
		r = peer_open(proxy, &proxy->broker, fd_take(&broker), ROLE_BROKER);
	if (!r)
		r = load_policy(proxy, policy);
	if (!r)
		r = load_trust(proxy, roots);
	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		fd_close(&roots[i]);
	return r ? r : wire_parts(proxy);
}

/* --- serving ------------------------------------------------------------------------------ */

static int open_sockets(struct proxy *proxy)
{
	struct message m;
	int fds[4] = {-1, -1, -1, -1};
	int r = receive(proxy, MSG_LISTENERS, &m);

	if (r)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = message_take_fd(&m, i);
	message_free(&m);
	return proxy_sockets_open(&proxy->sockets, fds);
}

static int serve(struct proxy *proxy)
{
	struct error err = {.what = ""};
	int r = proxy->sockets.is_tier_b ? confine_role_bare(CONFINE_PROXY, &ROLE_ROOM, &err)
					 : confine_role(CONFINE_PROXY, &ROLE_ROOM, &err);

	if (r) {
		fail(&err);
		return r;
	}
	r = open_sockets(proxy);
	if (!r)
		r = peer_watch(proxy, &proxy->supervisor);
	if (!r)
		r = peer_watch(proxy, &proxy->keeper);
	if (!r)
		r = peer_watch(proxy, &proxy->dialer);
	if (!r)
		r = peer_watch(proxy, &proxy->broker);
	if (!r)
		r = channel_send(&proxy->supervisor.channel, MSG_PROXY_READY, NULL);
	return r ? r : loop_run(&proxy->loop);
}

static void proxy_free(struct proxy *proxy)
{
	conns_close(&proxy->conns);
	if (proxy->recorder.keeper)
		recorder_flush(&proxy->recorder);
	upstreams_close(&proxy->upstreams);
	/*
	 * Only the end of the process closes it elsewhere: the supervisor kills a role whose
	 * channel has ended, and would tell of that instead of how the role ended by itself.
	 */
	if (proxy->is_over)
		channel_close(&proxy->supervisor.channel);
	proxy->supervisor.channel.fd = -1;
	channel_close(&proxy->supervisor.channel);
	proxy_sockets_close(&proxy->sockets);
	loop_close(&proxy->loop);
	dns_names_free(proxy->names);
	tls_client_free(proxy->tls_client);
	tls_server_free(proxy->tls_server);
	certs_free(proxy->certs);
	trust_store_free(proxy->trust);
	policy_free(proxy->policy);
	free(proxy->grant);
	for (uint32_t i = 0; i < proxy->conns.policy_number; i++)
		policy_free(proxy->earlier[i]);
	channel_close(&proxy->keeper.channel);
	channel_close(&proxy->dialer.channel);
	channel_close(&proxy->broker.channel);
	free(proxy);
}

int proxy_main(int supervisor_fd)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int r;

	if (!proxy)
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN); /* stderr may go away; sockets are written with MSG_NOSIGNAL */
	proxy->keeper.channel.fd = proxy->dialer.channel.fd = proxy->supervisor.channel.fd = -1;
	proxy->broker.channel.fd = -1;
	proxy->sockets.tcp.fd = proxy->sockets.tcp6.fd = proxy->sockets.dns_tcp.fd = -1;
	proxy->sockets.dns_udp = proxy->sockets.log = -1;
	proxy->keeper.on_message = on_keeper_message;
	proxy->dialer.on_message = on_dialer_message;
	proxy->broker.on_message = on_broker_message;
	proxy->supervisor.on_message = on_supervisor_message;
	r = loop_init(&proxy->loop);
	if (!r)
		r = peer_open(proxy, &proxy->supervisor, supervisor_fd, ROLE_SUPERVISOR);
	if (!r)
		r = configure(proxy);
	if (!r)
		r = serve(proxy);
	/* A supervisor that has gone has said why. */
	if (r && r != -EPIPE)
		log_error("proxy: cannot go on: %s", strerror(-r));
	r = r || proxy->is_broken;
	proxy_free(proxy);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
