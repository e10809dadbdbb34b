/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/destination.h - a host and port as a person names them: HOST[:PORT]
 */
#ifndef MCPJAIL_COMMANDS_DESTINATION_H
#define MCPJAIL_COMMANDS_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ipc/messages.h"

#define DESTINATION_PORT       443
#define DESTINATION_ENTRY_MAX  (IPC_HOST_MAX + 64)
#define DESTINATION_TEXT_BYTES (IPC_HOST_MAX + 16)

struct destination {
	char host[IPC_HOST_MAX + 1]; /* as in a policy: lower case, "*.suffix" too, IPv6 bare */
	uint16_t port;
	bool has_port; /* it was written */
};

/**
 * destination_parse() - Read "example.org", "*.Example.org:8443", "[2001:db8::1]:443"
 *
 * @ret: Untouched on failure
 * @err: May be NULL; its where is the caller's to fill
 *
 * What no policy could allow is refused: a URL, the host's own loopback, a public suffix.
 *
 * Return: 0; -EINVAL with @err's what and mend filled; -ENOMEM
 */
int destination_parse(const char *text, struct destination *ret, struct error *err);

/** destination_is_loopback() - Whether a host is the jail's own, to whoever asks in the jail */
bool destination_is_loopback(const char *host);

/**
 * destination_entry() - The entry of a policy's `egress` that allows it
 * @ret: DESTINATION_ENTRY_MAX bytes; JSON, one line
 */
void destination_entry(const struct destination *d, char *ret);

/**
 * destination_text() - As it is written behind --allow: without port 443
 * @ret: DESTINATION_TEXT_BYTES
 */
void destination_text(const struct destination *d, char *ret);

#endif
