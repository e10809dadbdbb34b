/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/targets.h - from the host and port that were asked for to what is dialled
 */
#ifndef MCPJAIL_DIAL_TARGETS_H
#define MCPJAIL_DIAL_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dial/addresses.h"
#include "ipc/messages.h"

#define TARGET_ADDRESSES_MAX 16        /* of one name */
#define HOSTS_BYTES_MAX      (1 << 20) /* of /etc/hosts */

enum target_kind {
	TARGET_BAD = 0, /* neither: odd characters, or a number in another form than its own */
	TARGET_NAME,
	TARGET_LITERAL,
};

/**
 * target_kind() - What a host is
 *
 * A name has labels of 1 to 63 letters, digits, hyphens and underscores, 253 bytes at
 * most. Its last label is not a number, as in "0x7f.1" or "1.2.3": resolvers and URL
 * parsers take those for addresses, each in its own way (WHATWG URL, "ends in a number").
 */
enum target_kind target_kind(const char *host);

/* One --connect-to, by value. */
struct connect_to {
	char host[IPC_HOST_MAX + 1];    /* "": any */
	uint16_t port;                  /* 0: any */
	char address[IPC_HOST_MAX + 1]; /* "": the requested host */
	uint16_t address_port;          /* 0: the requested port */
};

struct connect_to_list {
	struct connect_to entries[IPC_DIALTO_MAX];
	size_t n;
};

/**
 * connect_to_load() - Take over what the configuration lists
 *
 * Brackets around IPv6 literals are taken off, letters become lower case.
 *
 * Return: 0; -EINVAL with @err filled, for an address that is no target or a port over 65535
 */
int connect_to_load(const struct msg_dialer_config *config, struct connect_to_list *ret,
		    struct error *err);

/** struct target - What to dial for a request */
struct target {
	char host[IPC_HOST_MAX + 1]; /* name or literal */
	uint16_t port;
	bool is_listed; /* an entry of --connect-to is for it */
	bool is_chosen; /* and gives the address: also special ones may be dialled */
};

/**
 * connect_to_find() - The target of @host and @port
 * @host: Lower case
 *
 * The first entry that matches decides, as in curl. Where none matches, the target is what
 * was asked for.
 */
void connect_to_find(const struct connect_to_list *list, const char *host, uint16_t port,
		     struct target *ret);

/**
 * hosts_find() - Addresses of a name in the text of /etc/hosts (hosts(5))
 * @text: @n bytes
 * @name: Compared without regard to case
 * @ret:  Holds TARGET_ADDRESSES_MAX
 *
 * Return: how many were found; entries beyond the maximum, and those that are no address, are
 * left out
 */
size_t hosts_find(const char *text, size_t n, const char *name, uint16_t port, union address *ret);

#endif
