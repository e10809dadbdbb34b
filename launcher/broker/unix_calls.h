/* SPDX-License-Identifier: Apache-2.0 */
/**
 * unix_calls.h - what the agent does with unix sockets (private to broker/)
 */
#ifndef MCPJAIL_BROKER_UNIX_CALLS_H
#define MCPJAIL_BROKER_UNIX_CALLS_H

#include "broker/broker.h"

/* A connect() or bind() of a stand-in. */
struct unix_call {
	int fd;                /* the caller's number */
	struct caller_fd info; /* what is there */
	int type;              /* of the socket that it stands for */
	struct caller_address address;
};

/** unix_socket() - socket(AF_UNIX, STREAM or SEQPACKET): a stand-in */
int64_t unix_socket(struct broker *b, struct caller *c);

/** unix_pair() - socketpair(AF_UNIX, DGRAM): one of SEQPACKET */
int64_t unix_pair(struct broker *b, struct caller *c);

/** unix_connect() - Connect to what was made inside or is listed */
int64_t unix_connect(struct broker *b, struct caller *c, const struct unix_call *call);

/** unix_bind() - Make a listener, and note that it was made inside */
int64_t unix_bind(struct broker *b, struct caller *c, const struct unix_call *call);

/** unix_kind_of() - What an address of AF_UNIX names */
enum unix_kind {
	UNIX_NOTHING = 0, /* it is none */
	UNIX_UNNAMED,     /* bind() then invents an abstract name */
	UNIX_ABSTRACT,
	UNIX_PATH,
};

enum unix_kind unix_kind_of(const struct caller_address *address);

/** unix_path_of() - The path, which ends with a NUL or with the address */
const char *unix_path_of(const struct caller_address *address);

/** unix_open_path() - Pin what a path leads to, in the calling thread's root. Return: it; -errno */
int unix_open_path(const char *path, int flags);

/**
 * unix_copy_options() - Give a new socket what the caller has set on the stand-in
 *
 * What the system does not let us see stays as it is.
 *
 * Return: milliseconds that a connect may take; 0: any time
 */
uint64_t unix_copy_options(struct broker *b, const struct caller *c, const struct unix_call *call,
			   int to);

/**
 * unix_replace() - Put a socket where the stand-in is
 *
 * Return: 0; -EBADF if something else is there by now; -errno
 */
int unix_replace(struct broker *b, struct caller *c, int fd, const struct caller_fd *info,
		 int socket);

/** unix_attempt_connect(), unix_attempt_finish() - For broker/parked.h */
int unix_attempt_connect(struct broker *b, const struct attempt *a);
void unix_attempt_finish(struct broker *b, struct attempt *a, int r);

#endif
