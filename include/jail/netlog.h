/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/netlog.h - read the log of what the jail sent that no listener of ours takes
 *
 * The jail's packet rules hand the head of each such packet (UDP but to port 53, SCTP,
 * ICMP, …; never TCP, never to 127/8 or ::1) to a netlink socket, before the kernel
 * answers the sender with "connection refused" or the like. They also hand over, a few times
 * a second at most, the kernel's answer to a TCP connection to 127/8 or ::1 that nothing in
 * the jail listens for. The socket was made in the
 * jail's network namespace and is non-blocking. One recv() of NETLOG_READ_BYTES yields a
 * whole number of netlink messages; a longer datagram is cut and its tail ignored. recv()
 * fails with ENOBUFS when the jail sent faster than it was read: some attempts are lost,
 * and reading goes on.
 */
#ifndef MCPJAIL_JAIL_NETLOG_H
#define MCPJAIL_JAIL_NETLOG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLOG_READ_BYTES 8192
#define NETLOG_SNAP_BYTES 128 /* of each packet: the IP header and the ports */

#define NETLOG_REFUSED_PREFIX "refused" /* of messages about the jail's own loopback */

struct netlog_attempt {
	uint8_t protocol;        /* IPPROTO_UDP, … */
	bool is_loopback;        /* TCP within the jail, refused because nothing listens */
	struct in6_addr address; /* that was asked for; IPv4 as ::ffff:a.b.c.d */
	uint16_t port;           /* host byte order; 0 where the protocol has none */
};

/**
 * netlog_parse() - Take the next attempt out of what recv() yielded
 * @bytes: At the start of a netlink message
 *
 * Messages that tell of no attempt (acknowledgements, packets too damaged to have a
 * destination) are skipped.
 *
 * Return: bytes consumed, with @ret filled; 0 when no attempt is left
 */
size_t netlog_parse(const void *bytes, size_t n, struct netlog_attempt *ret);

/** netlog_protocol_name() - "udp", "icmp", …; "ip" for one without a name here */
const char *netlog_protocol_name(uint8_t protocol);

#endif
