/* SPDX-License-Identifier: Apache-2.0 */
/**
 * inet_internal.h - the parts of broker/inet.h (private to broker/)
 *
 *	inet.c           the sockets that are known, socket()
 *	inet_address.c   addresses, whatever the family
 *	inet_collect.c   which of them the agent has given up
 *	inet_connect.c   connect() of TCP; to whom a listener belongs
 *	inet_await.c     the end of such a connect()
 *	inet_bind.c      bind(), listen()
 *	inet_datagrams.c connect() and sendto() of UDP, the way to the DNS
 */
#ifndef MCPJAIL_BROKER_INET_INTERNAL_H
#define MCPJAIL_BROKER_INET_INTERNAL_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>

#include "broker/broker.h"
#include "broker/inet.h"

#define INET_RESOLVERS_MAX 8 /* of /etc/resolv.conf that are known */
#define INET_DNS_PORT      53

/* Of the agent's, neither connected nor listening. */
struct inet_socket {
	uint64_t inode; /* 0: this one is free */
	int fd;         /* ours, of the same open socket */
	/* AF_UNIX: a way to the DNS that is used by sendto(); AF_UNSPEC: kept by inet_keep() */
	int family, type;
	bool is_given; /* the agent has it, or had, and the kernel has done with giving it */
};

struct inet {
	struct inet_facts facts;
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t given; /* an is_given has changed */
	struct inet_socket sockets[INET_SOCKETS_MAX];
	uint64_t listeners[INET_LISTENERS_MAX]; /* inodes */
	size_t next_listener;
	uint64_t told_ms; /* when a refusal on the loopback was last told; 0: never */
	int diag;
	struct in6_addr resolvers[INET_RESOLVERS_MAX];
	size_t n_resolvers;
};

/* --- inet.c --------------------------------------------------------------------- */

/**
 * inet_hold() - A descriptor of a known socket, for the caller alone
 * @ret: Its .fd is to be closed
 *
 * Waits until it has been given, which does not depend on the agent.
 *
 * Return: 0; -ENOENT; -errno
 */
int inet_hold(struct inet *inet, uint64_t inode, struct inet_socket *ret);

/** inet_add() - Keep @fd, which is taken over on success. Return: 0; -ENFILE; -errno */
int inet_add(struct inet *inet, int fd, int family, int type, uint64_t *ret_inode);

/** inet_gave() - The agent has got it */
void inet_gave(struct inet *inet, uint64_t inode);

/** inet_drop() - It is connected, listens, or was replaced: the kernel can judge it alone now */
void inet_drop(struct inet *inet, uint64_t inode);

/** inet_collect() - Drop those that no process of ours has open any more */
void inet_collect(struct inet *inet);

/* --- inet_address.c --------------------------------------------------------------- */

/* A destination; IPv4 as ::ffff:a.b.c.d. */
struct inet_end {
	struct in6_addr address;
	uint16_t port;
};

/**
 * inet_end_of() - Read an address that was given for a socket of @family
 *
 * Return: 0; -EINVAL for one that is too short; -EAFNOSUPPORT for another family's
 */
int inet_end_of(const struct caller_address *address, int family, struct inet_end *ret);

bool inet_is_ipv4(const struct in6_addr *address);
bool inet_is_any(const struct in6_addr *address);
bool inet_is_loopback(const struct in6_addr *address);

/** inet_is_for_many() - Multicast, broadcast, and what else TCP goes nowhere by */
bool inet_is_for_many(const struct in6_addr *address);

/** inet_loopback() - 127.0.0.1, mapped, or ::1 */
struct in6_addr inet_loopback(bool is_ipv4);

void inet_text(const struct in6_addr *address, char ret[INET6_ADDRSTRLEN]);

union inet_name {
	struct sockaddr head;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/**
 * inet_name_of() - As bind() and connect() of a socket of @family take it
 *
 * Return: its length; 0 if such a socket cannot have it
 */
socklen_t inet_name_of(const struct inet_end *end, int family, union inet_name *ret);

/** inet_own_name() - What a socket is bound to; port 0: nothing. Return: 0; -errno */
int inet_own_name(int fd, struct inet_end *ret);

/* --- inet_connect.c ----------------------------------------------------------------- */

/** inet_note_listener() - A socket of the agent's listens from now on */
void inet_note_listener(struct inet *inet, uint64_t inode);

/** inet_catch_ticks() - Of the process, before any connect(): SIGALRM ends one. Return: 0; -errno
 */
int inet_catch_ticks(void);

/** inet_has_listener() - Whether what listens at a loopback address is the agent's */
bool inet_has_listener(struct inet *inet, const struct inet_end *at);

/* --- inet_await.c -------------------------------------------------------------------- */

/** inet_is_proxy() - Whether a connection to there ends at the proxy, whoever waits for it */
bool inet_is_proxy(const struct inet *inet, const struct inet_end *to);

/** inet_undo() - What connect() to AF_UNSPEC does; what has arrived is lost. Return: 0; -errno */
int inet_undo(int fd);

/** inet_is_under_way() - Of what connect() returned: it has begun, and not ended */
static inline bool inet_is_under_way(int r)
{
	return r == -EINPROGRESS || r == -EALREADY;
}

/**
 * inet_settle() - Judge a connect() again, that was made or begun
 * @fd: The socket, by a descriptor of ours
 * @to: Where it was connected to, in fact
 * @r:  What that returned
 *
 * Return: what the agent's call returns
 */
int inet_settle(struct inet *inet, int fd, uint64_t inode, const struct inet_end *to, int r);

/**
 * inet_await() - Await the end of one that has begun
 * @s: Its .fd is taken over, where this is not to be known soon
 *
 * To the proxy: in the place of a socket that blocks. To a listener of the agent's: of any. What
 * has not ended before the kernel would ask there again is undone.
 *
 * Return: what the agent's call returns; BROKER_ANSWERED
 */
int64_t inet_await(struct broker *b, struct caller *c, const struct caller_fd *fd,
		   struct inet_socket *s, const struct inet_end *to);

/* --- inet_datagrams.c ---------------------------------------------------------------- */

int64_t inet_connect_datagrams(struct broker *b, struct caller *c, const struct caller_fd *fd,
			       const struct inet_socket *s, const struct inet_end *to);

/** inet_try_datagrams() - Whether a socket that is shut down sends none. Return: 0; -EPERM */
int inet_try_datagrams(struct error *err);

/**
 * inet_resolver_of() - What the proxy is told of a resolver that is asked
 *
 * One of the machine's own is the jail's here, where /etc/resolv.conf cannot be another.
 */
struct in6_addr inet_resolver_of(const struct inet *inet, const struct in6_addr *address);

/** inet_read_resolvers() - Those of /etc/resolv.conf */
void inet_read_resolvers(struct inet *inet);

#endif
