/* SPDX-License-Identifier: Apache-2.0 */
/**
 * caller_proxy.h - the HTTP proxy that the caller's environment names
 *
 * https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY: the first that is set and not empty; and
 * no_proxy or NO_PROXY, of which `*` is for all hosts.
 */
#ifndef MCPJAIL_COMMANDS_CALLER_PROXY_H
#define MCPJAIL_COMMANDS_CALLER_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ipc/messages.h"

#define CALLER_PROXY_USERINFO 512 /* bytes; as MSG_DIALER_CONFIG takes them */
#define CALLER_PROXY_WORDS    (IPC_HOST_MAX + CALLER_PROXY_USERINFO + 64)

struct caller_proxy {
	const char *variable;        /* that names it; NULL: none is used */
	char host[IPC_HOST_MAX + 1]; /* "": none */
	uint16_t port;
	char userinfo[CALLER_PROXY_USERINFO + 1]; /* "user:password", unescaped: a secret */
	const char *no_proxy;                     /* borrowed from the environment; "": none */
};

/**
 * caller_proxy_read() - Find out which proxy is meant
 *
 * Return: 0; -EINVAL with @err filled, which never repeats a password
 */
int caller_proxy_read(struct caller_proxy *ret, struct error *err);

/** caller_proxy_forget() - Take the variables that name one out of this process's environment */
void caller_proxy_forget(void);

/**
 * caller_proxy_words() - "ada@proxy.example:3128, from HTTPS_PROXY", without the password
 * @p:   One that is used
 * @ret: CALLER_PROXY_WORDS bytes
 */
void caller_proxy_words(const struct caller_proxy *p, char *ret);

#endif
