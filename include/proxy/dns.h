/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/dns.h - answers to the jail's DNS queries, out of thin air
 *
 * Nothing is ever resolved for the agent. Each name gets one synthetic address in
 * either family, for the rest of the run, and the connection that arrives for the
 * address tells the name. Pure functions, no I/O.
 */
#ifndef MCPJAIL_PROXY_DNS_H
#define MCPJAIL_PROXY_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/buf.h"

#define DNS_NAMES_MAX       16384 /* names of a run; then SERVFAIL. A few MB at the very worst */
#define DNS_QUERY_MAX       4096  /* bytes of a query; longer ones are dropped */
#define DNS_REPLY_MAX       1024  /* no reply is longer; most are below 512, as plain UDP wants */
#define DNS_TTL_SECONDS     60
#define DNS_TCP_PENDING_MAX 16384 /* good bounds for the buffers of a TCP connection */

struct dns_names;

/**
 * dns_names_new() - An empty table
 * @max: At most DNS_NAMES_MAX
 *
 * Addresses count up from 198.18.0.1 and fd6d:6370:6a61:696c::1, never reused.
 *
 * Return: 0; -EINVAL; -ENOMEM
 */
int dns_names_new(size_t max, struct dns_names **ret_names);
void dns_names_free(struct dns_names *names);

/**
 * dns_names_find_address() - The name that an address was given out for
 * @address: AF_INET or AF_INET6, also v4-mapped, as from getsockname(); the port is ignored
 *
 * Return: normalised name, valid until dns_names_free(); NULL if it was never given out
 */
const char *dns_names_find_address(const struct dns_names *names, const struct sockaddr *address);

/**
 * dns_answer() - The reply to one query
 * @ret_reply: DNS_REPLY_MAX bytes
 *
 * A and AAAA of any host name get its synthetic address; localhost its own. Other
 * types of a name are empty, HTTPS and SVCB among them (no ECH, no port hints). PTR
 * is answered from the table. NXDOMAIN for what is no host name, for invalid., onion.
 * and the rest of arpa.; SERVFAIL when the table is full.
 *
 * Return: bytes of the reply; 0 if there is nothing to reply to
 */
size_t dns_answer(struct dns_names *names, const void *query, size_t n, void *ret_reply);

/**
 * dns_answer_stream() - Answer all whole queries of a TCP connection, RFC 1035 §4.2.2
 * @in:  Queries with their lengths in front; whole ones are consumed
 * @out: Replies are appended; queries wait in @in while it is full
 *
 * Return: 0; -EPROTO if the connection should be closed; -ENOMEM
 */
int dns_answer_stream(struct dns_names *names, struct buf *in, struct buf *out);

#endif
