/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/roles.h - entry points of the processes of a run
 *
 * Each role but the supervisor is this program, started again as
 * `mcpjail --role=NAME` with an empty environment, its channel to the supervisor at
 * descriptor 3, the way into its room, and nothing else. It takes its configuration from the first
 * message, confines itself, says that it is ready, and serves until a channel closes.
 */
#ifndef MCPJAIL_ROLES_ROLES_H
#define MCPJAIL_ROLES_ROLES_H

#include "sandbox/room.h"

#define ROLE_CHANNEL_FD    3
#define ROLE_ROOM_FD       4 /* this and the next, for keeper, dialer and proxy: struct room */
#define ROLE_ROOM_READY_FD 5
#define ROLE_ROOM          ((struct room){ROLE_ROOM_FD, ROLE_ROOM_READY_FD})

/** keeper_main() - Secrets, limits and the ledger. Return: exit status of the process */
int keeper_main(int supervisor_fd);

/** dialer_main() - The only one that resolves names and connects */
int dialer_main(int supervisor_fd);

/** proxy_main() - TLS, HTTP, MCP and decisions */
int proxy_main(int supervisor_fd);

/** broker_main() - Answers the system calls that the agent's filter hands over */
int broker_main(int supervisor_fd);

#endif
