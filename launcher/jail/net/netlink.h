/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/net/netlink.h - build netlink messages in a fixed buffer, send them, await the answer
 *
 * What does not fit sets @overflow, and netlink_transact() refuses to send: callers need
 * not look at each step.
 */
#ifndef MCPJAIL_JAIL_NETLINK_H
#define MCPJAIL_JAIL_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_BATCH_BYTES 4096

struct netlink_batch {
	_Alignas(4) uint8_t bytes[NETLINK_BATCH_BYTES];
	size_t len;
	size_t message; /* offset of the message being built */
	uint32_t seq;   /* of the last message begun */
	unsigned acks;  /* messages that asked for an acknowledgement */
	bool overflow;
};

/**
 * netlink_begin() - Begin a message
 * @header: The family's fixed header, @n bytes
 *
 * NLM_F_REQUEST is added to @flags. Ends the message before.
 */
void netlink_begin(struct netlink_batch *b, uint16_t type, uint16_t flags, const void *header,
		   size_t n);
void netlink_attr(struct netlink_batch *b, uint16_t type, const void *value, size_t n);
void netlink_attr_string(struct netlink_batch *b, uint16_t type, const char *value);
void netlink_attr_u32be(struct netlink_batch *b, uint16_t type, uint32_t value);

/** netlink_nest() - Open a nested attribute. Return: what netlink_nest_end() takes */
size_t netlink_nest(struct netlink_batch *b, uint16_t type);
void netlink_nest_end(struct netlink_batch *b, size_t nest);

/** netlink_open() - A bound, non-blocking socket of @protocol. Return: it; -errno */
int netlink_open(int protocol);

/**
 * netlink_transact() - Send the batch and wait for all its acknowledgements
 *
 * Return: 0; the first error the kernel answered; -EOVERFLOW; -errno
 */
int netlink_transact(int fd, struct netlink_batch *b);

#endif
