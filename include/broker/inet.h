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

/** inet_has() - Whether the inode is that of a socket that is kept */
bool inet_has(struct inet *inet, uint64_t inode);

/*
 * Where the system lets nobody copy another's descriptors, what the agent has set on a stand-in
 * (broker/standins.h) can be read from a descriptor of our own:
 *
 * inet_keep() - Keep one of @fd's socket, until inet_forget() or until the agent has closed its.
 *	Return: 0; -errno
 * inet_copy() - Return: another one, to be closed; -ENOENT
 */
int inet_keep(struct inet *inet, int fd);
int inet_copy(struct inet *inet, uint64_t inode);
void inet_forget(struct inet *inet, uint64_t inode);

/*
 * Judge a call, as a broker_call does. The first is for the families AF_INET and AF_INET6; the
 * next two for a descriptor of which inet_has() is true; listen for every one.
 */
int64_t inet_socket(struct broker *b, struct caller *c);
int64_t inet_connect(struct broker *b, struct caller *c, const struct caller_fd *fd,
		     const struct caller_address *to);
int64_t inet_bind(struct broker *b, struct caller *c, const struct caller_fd *fd,
		  const struct caller_address *to);
int64_t inet_listen(struct broker *b, struct caller *c);
int64_t inet_sendto(struct broker *b, struct caller *c);

#endif
