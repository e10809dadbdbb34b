/* SPDX-License-Identifier: Apache-2.0 */
/**
 * server_dial.h - a dialer of one's own: connected sockets, outside of any run
 */
#ifndef MCPJAIL_COMMANDS_SERVER_DIAL_H
#define MCPJAIL_COMMANDS_SERVER_DIAL_H

#include "base/buf.h"
#include "base/error.h"
#include "ipc/channel.h"
#include "policy/policy.h"
#include "roles/nursery.h"

struct server_dialer {
	struct channel supervisor, proxy; /* ours: what these roles say to it */
	struct nursery nursery;
	pid_t pid;
	uint64_t last_id;
};

#define SERVER_DIALER_NONE                                                                         \
	((struct server_dialer){                                                                   \
		.supervisor = {.fd = -1}, .proxy = {.fd = -1}, .nursery = NURSERY_NONE})

/**
 * server_dialer_start() - Start it, confined, with leave to reach what a policy names
 * @policy: The policy's text
 * @config: What --connect-to and the caller's proxy settings say
 * @ret:    To be given to server_dialer_stop(), also after a failure
 *
 * Return: 0; -errno with @err filled
 */
int server_dialer_start(const struct buf *policy, const struct msg_dialer_config *config,
			struct server_dialer *ret, struct error *err);

/** server_dialer_stop() - End it. Harmless to repeat */
void server_dialer_stop(struct server_dialer *dialer);

/** server_dial() - Return: a connected, non-blocking socket; -errno with @err filled */
int server_dial(struct server_dialer *dialer, const struct policy_server *server,
		struct error *err);

#endif
