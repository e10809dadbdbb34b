// SPDX-License-Identifier: Apache-2.0
/*
 * A dial by the caller's HTTP proxy: connected to it, ask for a tunnel, read the head of the
 * answer, hand the socket out.
 *
 * The proxy is the caller's own choice and trusted with the way, with nothing else: what it
 * answers is bounded in size and time, shown to people with its control characters escaped,
 * and never followed; a status of 2xx is the only one that counts. Of the socket that is
 * handed out no byte behind that head has been read: the tunnel begins there, and the proxy
 * role verifies the server's certificate in it as in any other connection. So an odd answer
 * can spoil a connection, and not stand for a server's.
 *
 * The caller's user and password go into the request and nowhere else. Which hosts may be
 * asked for has been judged before; the name is sent as the policy lists it, so that it
 * cannot end the line.
 */
#include "dials_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/text.h"

void dial_end_by_proxy(struct dial *dial, enum dial_status status, const char *what)
{
	char reason[DIAL_REASON_BYTES];

	snprintf(reason, sizeof(reason), "the proxy %s:%u %s", dial->route.proxy->host,
		 dial->route.proxy->port, what);
	dial_end(dial, status, reason);
}

void dial_ask_proxy(struct dial *dial)
{
	char request[HTTP_CONNECT_REQUEST_MAX];
	size_t n = http_connect_request(dial->route.target.host, dial->route.target.port,
					dial->route.proxy->credentials, request);
	ssize_t sent = send(dial->fd, request + dial->sent, n - dial->sent, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN) {
		dial_end_by_proxy(dial, DIAL_UNREACHABLE, "closed the connection");
		return;
	}
	dial->sent += sent > 0 ? (size_t)sent : 0;
	if (dial_watch(dial, dial->sent < n ? EPOLLOUT : EPOLLIN))
		dial_end_by_proxy(dial, DIAL_UNREACHABLE, "cannot be heard: out of memory");
}

static void end_refused_by_proxy(struct dial *dial)
{
	char line[4 * HTTP_CONNECT_LINE_MAX], what[sizeof(line) + 128];

	text_escape_terminal(dial->answer.line, strlen(dial->answer.line), line, sizeof(line));
	snprintf(what, sizeof(what), "answered \"%s\"%s", line,
		 dial->answer.status != 407 ? ""
		 : dial->route.proxy->credentials[0]
			 ? ": it does not take the user and password of HTTPS_PROXY"
			 : ": it wants a user and password; give them as "
			   "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT");
	dial_end_by_proxy(dial, DIAL_UNREACHABLE, what);
}

/*
 * What stands behind the head is the tunnel's: it is looked at first, and only what belongs
 * to the head is then taken out of the socket.
 */
void dial_hear_proxy(struct dial *dial)
{
	char bytes[1024];
	ssize_t n = recv(dial->fd, bytes, sizeof(bytes), MSG_PEEK);
	ssize_t taken = n > 0 ? http_connect_answer_take(&dial->answer, bytes, (size_t)n) : 0;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		dial_end_by_proxy(dial, DIAL_UNREACHABLE,
				  "closed the connection without an answer");
	else if (taken == -EMSGSIZE)
		dial_end_by_proxy(dial, DIAL_UNREACHABLE, "answered with too long a head");
	else if (taken < 0)
		dial_end_by_proxy(dial, DIAL_UNREACHABLE,
				  "did not answer as an HTTP proxy does (is that its port?)");
	else if (recv(dial->fd, bytes, (size_t)taken, 0) != taken)
		dial_end_by_proxy(dial, DIAL_UNREACHABLE, "closed the connection");
	else if (dial->answer.is_whole && dial->answer.status / 100 == 2)
		dial_succeed(dial);
	else if (dial->answer.is_whole)
		end_refused_by_proxy(dial);
}
