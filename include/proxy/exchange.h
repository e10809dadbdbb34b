/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/exchange.h - one MCP request: judged, recorded, forwarded, answered
 *
 * The order is the promise: the record of a tools/call is written before its answer, and
 * before the first byte of it leaves. What leaves is written anew from what was judged.
 */
#ifndef MCPJAIL_PROXY_EXCHANGE_H
#define MCPJAIL_PROXY_EXCHANGE_H

#include "proxy/conn.h"

#define EXCHANGE_ERROR_BODY_MAX (64 * 1024)       /* of a 4xx or 5xx from the server */
#define EXCHANGE_EVENT_MAX      (4 * 1024 * 1024) /* of one server-sent event */
#define EXCHANGE_SEND_MS        60000             /* for the server to take the request */
#define EXCHANGE_FIRST_BYTE_MS  300000            /* from the request sent to the answer's head */
#define EXCHANGE_BODY_MS        120000            /* for a body that is not a stream */

/**
 * exchange_start() - Take a whole request whose route is ROUTE_MCP
 *
 * The head, the body and the route are the connection's and stay until the answer is
 * finished. May answer before it returns.
 */
void exchange_start(struct conn *c);

#endif
