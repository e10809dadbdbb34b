/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/diag.h - questions to the kernel about sockets (sock_diag)
 *
 * It knows those of one network namespace: the one that the asking socket was made in.
 */
#ifndef MCPJAIL_BROKER_DIAG_H
#define MCPJAIL_BROKER_DIAG_H

#include <linux/netlink.h>
#include <stddef.h>

#define DIAG_REQUEST_MAX 64 /* bytes */
#define DIAG_ANSWER_MAX  4096

/* What is told of one socket. */
union diag_answer {
	struct nlmsghdr head; /* its length is that of what was received */
	char bytes[DIAG_ANSWER_MAX];
};

/** diag_open() - Return: a socket to ask the calling thread's network by, CLOEXEC; -errno */
int diag_open(void);

/**
 * diag_ask() - Ask about one socket
 * @diag:    One question at a time
 * @request: A family's, of @n bytes
 * @size:    Of what the family tells first of a socket, which is in every answer
 *
 * Return: 0; -ENOENT if there is no such socket; -EPROTO; -errno
 */
int diag_ask(int diag, const void *request, size_t n, size_t size, union diag_answer *ret);

#endif
