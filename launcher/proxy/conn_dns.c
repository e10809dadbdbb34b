// SPDX-License-Identifier: Apache-2.0
/* DNS over TCP: queries in, synthetic answers out, from the same table as over UDP. */
#include "proxy/conn.h"

#include <errno.h>

enum conn_step conn_step_dns(struct conn *c)
{
	for (;;) {
		ssize_t n;

		if (dns_answer_stream(c->conns->names, &c->in, &c->out))
			return CONN_END;
		if (conn_push(c))
			return CONN_WAIT;
		if (c->stream.broken || c->in.len >= DNS_TCP_PENDING_MAX)
			return CONN_END;
		n = conn_read(c);
		if (n == -EAGAIN)
			return CONN_WAIT;
		if (n <= 0)
			return CONN_END;
	}
}
