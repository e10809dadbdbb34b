/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/control_socket.h - where a run listens to its user's other commands
 *
 * A SOCK_SEQPACKET, 0600, in the run's directory for as long as the command runs. One datagram
 * is one message of ipc/messages.h, of those between ROLE_CONTROL and the supervisor; ipc/channel.h
 * speaks it. Processes of the jail are not listened to, wherever they got it from.
 */
#ifndef MCPJAIL_ROLES_CONTROL_SOCKET_H
#define MCPJAIL_ROLES_CONTROL_SOCKET_H

#define CONTROL_NAME "control"

#endif
