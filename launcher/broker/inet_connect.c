// SPDX-License-Identifier: Apache-2.0
/*
 * connect() of TCP. What the agent means is told to the proxy, by the address that the connection
 * comes from; then the connection is made, to the proxy. Each comes from an address of its own in
 * 127/8, so that a thousand a second find a port.
 *
 * On the loopback the agent reaches what it serves itself. That the listener there is its own is
 * asked of the kernel before the connection and after it (inet_await.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/diag.h"
#include "inet_internal.h"

#define TELL_MS 200 /* between two refusals on the loopback that are told */
#define TICK_MS 20  /* that a connect() which was made to block stays in the kernel */

/* --- whose listener it is ------------------------------------------------------------ */

void inet_note_listener(struct inet *inet, uint64_t inode)
{
	pthread_mutex_lock(&inet->lock);
	inet->listeners[inet->next_listener] = inode;
	inet->next_listener = (inet->next_listener + 1) % INET_LISTENERS_MAX;
	pthread_mutex_unlock(&inet->lock);
}

/* With the lock held. Return: the inode of who would be connected to; 0: nobody */
static uint64_t find_listener(int diag, const struct inet_end *at)
{
	bool is4 = inet_is_ipv4(&at->address);
	struct inet_diag_req_v2 request = {
		.sdiag_family = is4 ? AF_INET : AF_INET6,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1u << TCP_LISTEN,
		.id = {.idiag_sport = htons(at->port),
		       .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
	};
	const struct inet_diag_msg *told;
	union diag_answer answer;

	memcpy(request.id.idiag_src, at->address.s6_addr + (is4 ? 12 : 0), is4 ? 4 : 16);
	if (diag_ask(diag, &request, sizeof(request), sizeof(*told), &answer))
		return 0;
	told = NLMSG_DATA(&answer.head);
	if (told->idiag_state != TCP_LISTEN || told->id.idiag_sport != htons(at->port))
		return 0;
	return told->idiag_inode;
}

bool inet_has_listener(struct inet *inet, const struct inet_end *at)
{
	bool has = false;
	uint64_t inode;

	pthread_mutex_lock(&inet->lock);
	inode = find_listener(inet->diag, at);
	for (size_t i = 0; inode && !has && i < INET_LISTENERS_MAX; i++)
		has = inet->listeners[i] == inode;
	pthread_mutex_unlock(&inet->lock);
	return has;
}

/* --- connecting --------------------------------------------------------------------- */

/* By an earlier call, that a signal interrupted, or by another thread's. */
static bool has_begun(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) && info.tcpi_state != TCP_CLOSE;
}

static void on_tick(int nr)
{
	(void)nr;
}

int inet_catch_ticks(void)
{
	/* Not SA_RESTART: what is interrupted is to end. */
	const struct sigaction catch = {.sa_handler = on_tick};

	return sigaction(SIGALRM, &catch, NULL) ? -errno : 0;
}

/* The calling thread's timer, again and again: it may come before the call that it is to end. */
static int tick(long ms)
{
	static _Thread_local timer_t timer;
	static _Thread_local bool has_timer;
	const struct timespec every = {0, ms * 1000000};
	const struct itimerspec when = {every, every};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};

	event._sigev_un._tid = gettid();
	if (!has_timer && timer_create(CLOCK_MONOTONIC, &event, &timer))
		return -errno;
	has_timer = true;
	return timer_settime(timer, 0, &when, NULL) ? -errno : 0;
}

/* Whether the socket blocks is the agent's to change, also between the two calls. */
static int connect_at_once(int fd, const union inet_name *name, socklen_t n)
{
	int flags = fcntl(fd, F_GETFL), now, r;
	bool waits = flags >= 0 && !(flags & O_NONBLOCK);

	if (waits)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	r = connect(fd, &name->head, n) ? -errno : 0;
	now = waits ? fcntl(fd, F_GETFL) : -1;
	if (now >= 0)
		fcntl(fd, F_SETFL, now & ~O_NONBLOCK);
	return r == -EINTR ? -EINPROGRESS : r;
}

/* In the kernel for no longer than TICK_MS, whatever the agent does to the socket meanwhile. */
static int begin(const struct inet_socket *s, const struct inet_end *to)
{
	union inet_name name;
	socklen_t n = inet_name_of(to, s->family, &name);
	int r;

	if (!n)
		return -ENETUNREACH;
	if (has_begun(s->fd))
		return -EALREADY;
	r = tick(TICK_MS);
	if (!r)
		r = connect_at_once(s->fd, &name, n);
	(void)tick(0);
	return r;
}

/* --- to the proxy ---------------------------------------------------------------------- */

/* Which of the proxy's listeners a socket can reach. */
static int choose_listener(const struct inet *inet, const struct inet_socket *s,
			   const struct inet_end *own, struct inet_end *ret)
{
	int only = 0;
	socklen_t n = sizeof(only);

	if (s->family == AF_INET6 && own->port && !inet_is_ipv4(&own->address))
		only = 1;
	else if (s->family == AF_INET6 && getsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &n))
		return -errno;
	*ret = (struct inet_end){inet_loopback(!only),
				 only ? inet->facts.proxy_port6 : inet->facts.proxy_port};
	return ret->port ? 0 : -ENETUNREACH;
}

/* 127.0.0.0 and 127.255.255.255 are no hosts'. */
static struct in6_addr some_loopback(bool is_ipv4)
{
	struct in6_addr address = inet_loopback(is_ipv4);

	if (!is_ipv4 || getrandom(address.s6_addr + 13, 3, 0) != 3)
		return inet_loopback(is_ipv4);
	if (address.s6_addr[15] == 0 || address.s6_addr[15] == 255)
		address.s6_addr[15] = 1;
	return address;
}

static int bind_source(const struct inet_socket *s, struct in6_addr address, struct inet_end *own)
{
	const struct inet_end from = {address, 0};
	union inet_name name;
	socklen_t n = inet_name_of(&from, s->family, &name);

	/* After a connect that failed the port is told still, but the address is anybody's. */
	if (own->port && inet_is_loopback(&own->address))
		return 0;
	if (!n || bind(s->fd, &name.head, n))
		return n ? -errno : -EINVAL;
	return inet_own_name(s->fd, own);
}

static int announce(struct broker *b, const struct caller *c, const struct inet_end *from,
		    const struct inet_end *to)
{
	struct in6_addr meant =
		to->port == INET_DNS_PORT ? inet_resolver_of(b->inet, &to->address) : to->address;
	char agent[INET6_ADDRSTRLEN], address[INET6_ADDRSTRLEN];
	autobuf struct buf exec = BUF_INIT(IPC_EXEC_MAX);
	struct msg_destination m = {.agent_port = from->port, .port = to->port};

	inet_text(&from->address, agent);
	inet_text(&meant, address);
	m.agent = span_of(agent);
	m.address = span_of(address);
	if (!owner_describe(&b->owners, c->call.tid, &exec))
		m.exec = span_bytes(exec.data, exec.len);
	return channel_send(&b->proxy, MSG_DESTINATION, &m);
}

static int begin_by_proxy(struct broker *b, const struct caller *c, const struct inet_socket *s,
			  struct inet_end *to)
{
	struct inet_end own, listener;
	int r = inet_own_name(s->fd, &own);

	if (!r)
		r = choose_listener(b->inet, s, &own, &listener);
	if (!r)
		r = bind_source(s, some_loopback(inet_is_ipv4(&listener.address)), &own);
	if (!r && !has_begun(s->fd))
		r = announce(b, c, &own, to);
	if (r)
		return r;
	*to = listener;
	return begin(s, to);
}

/* --- on the loopback ---------------------------------------------------------------------- */

/* A few times a second, as in tier A the kernel's log does: it is a hint for the summary. */
static bool may_tell(struct inet *inet)
{
	uint64_t now = clock_mono_ms();
	bool may;

	pthread_mutex_lock(&inet->lock);
	may = !inet->told_ms || now - inet->told_ms >= TELL_MS;
	if (may)
		inet->told_ms = now;
	pthread_mutex_unlock(&inet->lock);
	return may;
}

static void tell_loopback(struct broker *b, const struct inet_end *to)
{
	char address[INET6_ADDRSTRLEN];
	struct msg_event event = {
		.kind = EVENT_LOOPBACK_REFUSED, .protocol = span_of("loopback"), .port = to->port};

	if (!may_tell(b->inet))
		return;
	inet_text(&to->address, address);
	event.address = span_of(address);
	/* A keeper that is gone ends the run. */
	(void)channel_send(&b->keeper, MSG_BROKER_EVENT, &event);
}

/* Where both families were meant a server of the agent's has one of them: inet_bind.c. */
static int begin_within(struct broker *b, const struct inet_socket *s, struct inet_end *to)
{
	struct inet_end own;
	int r;

	if (inet_is_any(&to->address))
		to->address = inet_loopback(inet_is_ipv4(&to->address));
	if (!inet_is_ipv4(&to->address) && !inet_has_listener(b->inet, to))
		to->address = inet_loopback(true);
	if (!inet_has_listener(b->inet, to)) {
		tell_loopback(b, to);
		return -ECONNREFUSED;
	}
	/* A source on the loopback keeps it there, whatever the socket was told before. */
	r = inet_own_name(s->fd, &own);
	if (!r)
		r = bind_source(s, inet_loopback(inet_is_ipv4(&to->address)), &own);
	return r ? r : begin(s, to);
}

/* --- the call ---------------------------------------------------------------------------- */

static int64_t connect_stream(struct broker *b, struct caller *c, const struct caller_fd *fd,
			      struct inet_socket *s, struct inet_end *to)
{
	int r;

	if (!to->port)
		return -ECONNREFUSED;
	/* A resolver on the loopback, as systemd-resolved or Docker have it, is the jail's. */
	if (to->port != INET_DNS_PORT &&
	    (inet_is_any(&to->address) || inet_is_loopback(&to->address)))
		r = begin_within(b, s, to);
	else if (inet_is_for_many(&to->address))
		return -ENETUNREACH;
	else
		r = begin_by_proxy(b, c, s, to);
	if (inet_is_under_way(r) && (!(fd->flags & O_NONBLOCK) || !inet_is_proxy(b->inet, to)))
		return inet_await(b, c, fd, s, to);
	return inet_settle(b->inet, s->fd, fd->inode, to, r);
}

int64_t inet_connect(struct broker *b, struct caller *c, const struct caller_fd *fd,
		     const struct caller_address *to)
{
	struct inet_socket s;
	struct inet_end end;
	int64_t r = inet_hold(b->inet, fd->inode, &s);

	if (r)
		return r == -ENOENT ? -EISCONN : r;
	if (s.family == AF_UNIX) {
		fd_close(&s.fd);
		return 0; /* it leads where it is to lead */
	}
	if (to->n >= sizeof(to->head.sa_family) && to->head.sa_family == AF_UNSPEC) {
		r = inet_undo(s.fd);
	} else {
		r = inet_end_of(to, s.family, &end);
		if (!r && s.type == SOCK_DGRAM)
			r = inet_connect_datagrams(b, c, fd, &s, &end);
		else if (!r)
			r = connect_stream(b, c, fd, &s, &end);
	}
	fd_close(&s.fd);
	return r;
}
