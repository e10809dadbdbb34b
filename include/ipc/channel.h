/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ipc/channel.h - one SOCK_SEQPACKET socketpair between two roles
 *
 * One datagram is one message: a 16-bit type, then the payload (ipc/wire.h), with
 * descriptors beside it. ipc/messages.h's table says which role may send what to whom,
 * in which phase, how long and with how many descriptors. A message that breaks the
 * table is -EPROTO: the receiving role ends, and with it the run.
 */
#ifndef MCPJAIL_IPC_CHANNEL_H
#define MCPJAIL_IPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/messages.h"

#define CHANNEL_MESSAGE_MAX (112 * 1024) /* bytes, type included; under the default wmem */
#define CHANNEL_FDS_MAX     8

struct channel {
	int fd;          /* -1: closed. Owned */
	enum role self;  /* who reads here */
	enum role peer;  /* who writes here */
	unsigned phases; /* mask of enum ipc_phase bits reached so far by what was received */
	uint8_t *in;     /* CHANNEL_MESSAGE_MAX bytes for the message being read */
};

struct message {
	enum message_type type;
	const uint8_t *payload; /* borrowed until the next channel_receive() */
	size_t n;
	int fds[CHANNEL_FDS_MAX]; /* owned by the receiver; those left are closed by message_free()
				   */
	size_t n_fds;
};

/** channel_pair() - Two connected ends, CLOEXEC, blocking. Return: 0; -errno */
int channel_pair(int ret_fds[2]);

/** channel_open() - Take @fd as this role's end. Return: 0; -ENOMEM */
int channel_open(struct channel *ch, int fd, enum role self, enum role peer);
void channel_close(struct channel *ch);

/**
 * channel_send() - Encode @value by the type's table entry and send it
 * @value: The struct that ipc/messages.h names for @type; NULL for an empty payload
 *
 * Return: 0; -EAGAIN on a full non-blocking socket; -EPIPE when the peer is gone;
 * -EMSGSIZE; -EINVAL if the table does not let this role send @type to this peer
 */
int channel_send(struct channel *ch, enum message_type type, const void *value);
int channel_send_fds(struct channel *ch, enum message_type type, const void *value, const int *fds,
		     size_t n_fds);

/**
 * channel_receive() - Read and check one message
 *
 * Return: 1 with a message; 0 when the peer is gone; -EAGAIN; -EPROTO when the message
 * breaks the table (its descriptors are closed already)
 */
int channel_receive(struct channel *ch, struct message *ret);

/** message_decode() - Decode the payload by its type's table. Return: 0; -EPROTO */
int message_decode(const struct message *m, void *ret_value);

/** message_take_fd() - Take over descriptor @i; -1 if there is none */
int message_take_fd(struct message *m, size_t i);
void message_free(struct message *m);

#endif
