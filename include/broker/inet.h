/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/inet.h - tier B: the agent's internet sockets, in a network that is the machine's
 *
 * Every socket() of AF_INET and AF_INET6 is answered with a socket that the broker made, of
 * which it keeps a descriptor until it is connected or listens. They are known by inode:
 * what the agent names by a number of its own is acted on through the broker's descriptor,
 * so that it does not matter what the number means a moment later.
 *
 *	connect	TCP: to the proxy's listener, which is told beforehand where it was meant to
 *		go (MSG_DESTINATION); to the loopback only where a socket of the agent's own
 *		listens. UDP: port 53 becomes a connection to the proxy's DNS; any other is
 *		made, and nothing can be sent by it
 *	bind	to the loopback: the wildcard address means it here
 *	listen	on what is bound there; what is not bound is bound first
 *	sendto	UDP with an address: port 53 as by connect; else refused and recorded
 *
 * A UDP socket is shut down for writing before the agent gets it, which nothing undoes: the
 * kernel itself then sends no datagram, whichever call asks. Its place is taken by an end of
 * a socketpair once it is connected to a resolver.
 *
 * Any thread may call these.
 */
#ifndef MCPJAIL_BROKER_INET_H
#define MCPJAIL_BROKER_INET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "broker/caller.h"
#include "broker/parked.h"

#define INET_SOCKETS_MAX   512  /* of the agent's that are neither connected nor listen */
#define INET_LISTENERS_MAX 1024 /* of the agent's that are remembered */

struct broker;
struct inet;

struct inet_facts {
	uint16_t proxy_port;  /* of its listener at 127.0.0.1 */
	uint16_t proxy_port6; /* of that at ::1; 0: there is none */
	int proc_fd;          /* as in struct broker; borrowed */
};

/**
 * inet_new() - With sockets of the calling thread's network, to ask the kernel by
 *
 * Tries whether datagrams are held as said above.
 *
 * Return: 0; -EPERM if they are not, -errno; always with @err filled
 */
int inet_new(const struct inet_facts *facts, struct inet **ret, struct error *err);
void inet_free(struct inet *inet);

/** inet_has() - Whether the inode, that of a caller_fd, is that of a socket that is kept */
bool inet_has(struct inet *inet, uint64_t inode);

/*
 * Where the system lets nobody copy another's descriptors, what the agent has set on a stand-in
 * (broker/standins.h) can be read from a descriptor of our own:
 */

/**
 * inet_keep() - Keep a descriptor of @fd's socket, until inet_forget() or until the agent has
 * closed its own
 * @fd: The caller's still; it is duplicated
 *
 * Return: 0; -ENFILE with INET_SOCKETS_MAX kept; -errno
 */
int inet_keep(struct inet *inet, int fd);

/** inet_copy() - Return: a descriptor of it, owned by the caller, CLOEXEC; -ENOENT; -errno */
int inet_copy(struct inet *inet, uint64_t inode);

/** inet_forget() - Close what is kept; nothing, if nothing is */
void inet_forget(struct inet *inet, uint64_t inode);

/*
 * Judge a call, as a broker_call does: the value is the call's, a negative errno its failure. What
 * the kernel itself would refuse has the kernel's errno; -ESRCH is for a caller that is gone. Which
 * addresses lead where is said above.
 */

/**
 * inet_socket() - socket() of AF_INET or AF_INET6
 *
 * Return: BROKER_ANSWERED, with the socket given; -EPROTONOSUPPORT for MPTCP; -ENFILE with
 * INET_SOCKETS_MAX that are neither connected nor listen; -errno of socket(2)
 */
int64_t inet_socket(struct broker *b, struct caller *c);

/**
 * inet_connect() - connect() of a descriptor of which inet_has() is true
 * @to: As it was read, once; its form is not checked yet
 *
 * A blocking stream waits until the proxy has it, as long as the kernel would: it is the proxy
 * that connects further. The agent's own listener has any stream soon, or not at all.
 *
 * Return: 0; -EINPROGRESS; -ECONNREFUSED on the loopback where nothing of the agent's listens, or
 * has room; -EAGAIN when too many wait;
 * -ENETUNREACH for broadcast and multicast; -EISCONN if it is connected meanwhile; -EINTR;
 * -ETIMEDOUT; -EINVAL or -EAFNOSUPPORT for what is no address of its family
 */
int64_t inet_connect(struct broker *b, struct caller *c, const struct caller_fd *fd,
		     const struct caller_address *to);

/**
 * inet_bind() - bind() of such a descriptor
 *
 * Return: 0; -EADDRNOTAVAIL for an address that is neither the loopback's nor the wildcard;
 * -EINVAL if it is connected or no address; -errno of bind(2)
 */
int64_t inet_bind(struct broker *b, struct caller *c, const struct caller_fd *fd,
		  const struct caller_address *to);

/**
 * inet_listen() - listen() of any descriptor
 *
 * Return: 0; -EINVAL for a unix socket that is not bound; -ENOTSOCK; -EOPNOTSUPP for UDP; -EACCES
 * if another thread took it off the loopback meanwhile, and then it is shut down
 */
int64_t inet_listen(struct broker *b, struct caller *c);

/**
 * inet_sendto() - sendto() with an address
 *
 * Return: the bytes that the jail's DNS took; -ECONNREFUSED for any other port, recorded;
 * -EPIPE for TCP, which is not connected; -EISCONN for what is connected
 */
int64_t inet_sendto(struct broker *b, struct caller *c);

/* For broker/parked.h: a connect() of TCP that waits for its end. */
int inet_attempt_connect(const struct attempt *a);
void inet_attempt_finish(struct broker *b, struct attempt *a, int r);

#endif
