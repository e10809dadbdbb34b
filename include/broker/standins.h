/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/standins.h - which sockets the agent holds instead of unconnected unix ones
 *
 * A stand-in is one end of a socketpair: to the kernel a connected socket, which it
 * connects nowhere else, whoever asks. They are known by inode. An entry that is forgotten
 * or mistaken does no harm: its descriptor can then not be connected, or one that could not
 * is replaced by a socket that is connected to what its holder may connect to anyway.
 *
 * Any thread may call these.
 */
#ifndef MCPJAIL_BROKER_STANDINS_H
#define MCPJAIL_BROKER_STANDINS_H

#include <stdint.h>

#include "broker/caller.h"
#include "broker/inet.h"

/*
 * Stand-ins get numbers from FILTER_BROKERED_FD on, where the limit of the caller's allows
 * it: connect() with an address of any length then comes to us. Over TCP it stays in the kernel.
 */
#define STANDINS_FDS 512 /* numbers at first: select() knows none from 1024 on */

#define STANDINS_SETS 16384
#define STANDINS_WAYS 4 /* of one set the oldest is forgotten */

struct standins;

/** standins_new() - NULL without memory */
struct standins *standins_new(void);
void standins_free(struct standins *p);

/** standins_remember() - @inode stands for a socket of @type */
void standins_remember(struct standins *p, uint64_t inode, int type);

/** standins_find() - The type of the socket that @inode stands for; 0: it is none */
int standins_find(struct standins *p, uint64_t inode);

/** standins_forget() - It was replaced */
void standins_forget(struct standins *p, uint64_t inode);

/**
 * standins_give() - Answer a socket(AF_UNIX), of SOCK_STREAM or SOCK_SEQPACKET, with a new one
 * @keeps: Keeps a descriptor of it, to read by what the caller sets on it; NULL: none
 *
 * Return: 0 if the call was answered; -errno that it fails with
 */
int standins_give(struct standins *p, struct caller *c, struct inet *keeps);

#endif
