/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/placeholders.h - which sockets the agent holds instead of unconnected unix ones
 *
 * A placeholder is one end of a socketpair: to the kernel a connected socket, which it
 * connects nowhere else, whoever asks. They are known by inode. An entry that is forgotten
 * or mistaken does no harm: its descriptor can then not be connected, or one that could not
 * is replaced by a socket that is connected to what its holder may connect to anyway.
 *
 * Any thread may call these.
 */
#ifndef MCPJAIL_BROKER_PLACEHOLDERS_H
#define MCPJAIL_BROKER_PLACEHOLDERS_H

#include <stdint.h>

#include "broker/caller.h"
#include "broker/inet.h"

/*
 * Placeholders get numbers from FILTER_BROKERED_FD on, where the limit of the caller's allows
 * it: connect() with an address of any length then comes to us. Over TCP it stays in the kernel.
 */
#define PLACEHOLDERS_FDS 512 /* numbers at first: select() knows none from 1024 on */

#define PLACEHOLDERS_SETS 16384
#define PLACEHOLDERS_WAYS 4 /* of one set the oldest is forgotten */

struct placeholders;

/** placeholders_new() - NULL without memory */
struct placeholders *placeholders_new(void);
void placeholders_free(struct placeholders *p);

/** placeholders_remember() - @inode stands for a socket of @type */
void placeholders_remember(struct placeholders *p, uint64_t inode, int type);

/** placeholders_find() - The type of the socket that @inode stands for; 0: it is none */
int placeholders_find(struct placeholders *p, uint64_t inode);

/** placeholders_forget() - It was replaced */
void placeholders_forget(struct placeholders *p, uint64_t inode);

/**
 * placeholders_give() - Answer a socket(AF_UNIX), of SOCK_STREAM or SOCK_SEQPACKET, with a new one
 * @keeps: Keeps a descriptor of it, to read by what the caller sets on it; NULL: none
 *
 * Return: 0 if the call was answered; -errno that it fails with
 */
int placeholders_give(struct placeholders *p, struct caller *c, struct inet *keeps);

#endif
