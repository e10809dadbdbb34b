/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/ssh.h - how an ssh client is told that it will not get through
 */
#ifndef MCPJAIL_PROXY_SSH_H
#define MCPJAIL_PROXY_SSH_H

#include "base/buf.h"

#define SSH_TEXT_MAX 400 /* bytes of a reason that OpenSSH's client shows */

/**
 * ssh_write_refusal() - A server's greeting, and its farewell before any key exchange
 * @text: Printable ASCII, cut to SSH_TEXT_MAX
 *
 * Clients print the text of an SSH_MSG_DISCONNECT (RFC 4253 §11.1), and not what a server
 * says before its greeting.
 *
 * Return: 0; -EMSGSIZE; -ENOMEM
 */
int ssh_write_refusal(struct buf *out, const char *text);

#endif
