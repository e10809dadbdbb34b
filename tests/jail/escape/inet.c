// SPDX-License-Identifier: Apache-2.0
/* Ways to another machine: each kind of socket that could carry a byte there. */
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

#define PROTOCOL_MPTCP 262 /* newer than some headers */
#define FAMILY_SMC     43

static int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0)
		stopped("socket");
	return fd;
}

/* What is sent says which probe it was, for the log of whoever gets it. */
static const char *question_of(const struct probe *probe)
{
	static char text[128];

	snprintf(text, sizeof(text), "probe %s\n", probe->name);
	return text;
}

static _Noreturn void connect_with(const struct probe *probe, int type, int protocol)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, type, protocol);

	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	answered(fd, question_of(probe));
}

static void try_tcp(const struct probe *probe)
{
	connect_with(probe, SOCK_STREAM, 0);
}

static void try_mptcp(const struct probe *probe)
{
	connect_with(probe, SOCK_STREAM, PROTOCOL_MPTCP);
}

static void try_sctp(const struct probe *probe)
{
	connect_with(probe, SOCK_STREAM, IPPROTO_SCTP);
}

static void try_sctp_seqpacket(const struct probe *probe)
{
	connect_with(probe, SOCK_SEQPACKET, IPPROTO_SCTP);
}

static void try_dccp(const struct probe *probe)
{
	connect_with(probe, SOCK_DCCP, IPPROTO_DCCP);
}

static void try_udp(const struct probe *probe)
{
	connect_with(probe, SOCK_DGRAM, 0);
}

static void try_udplite(const struct probe *probe)
{
	connect_with(probe, SOCK_DGRAM, IPPROTO_UDPLITE);
}

/* By sendto on a socket that was never connected. */
static void try_udp_sendto(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_DGRAM, 0);
	const char *text = question_of(probe);

	if (sendto(fd, text, strlen(text), 0, address_of(&to), to.size) < 0)
		stopped("sendto");
	answered(fd, NULL);
}

static void try_udp_sendmmsg(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_DGRAM, 0);
	const char *text = question_of(probe);
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &to.bytes,
					.msg_namelen = to.size,
					.msg_iov = &iov,
					.msg_iovlen = 1}};

	if (sendmmsg(fd, &m, 1, 0) < 0)
		stopped("sendmmsg");
	answered(fd, NULL);
}

static void try_udp_to_many(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_DGRAM, 0), one = 1;
	const char *text = question_of(probe);

	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	if (sendto(fd, text, strlen(text), 0, address_of(&to), to.size) < 0)
		stopped("sendto");
	answered(fd, NULL);
}

/* A query for a name that carries data, which only the small internet's server answers. */
static void try_dns(const struct probe *probe)
{
	static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				       "\x06secret\x04"
				       "data\x07"
				       "example\x00\x00\x01\x00\x01";
	static const uint8_t known[] = {192, 0, 2, 53};
	struct address to = target_address(probe);
	struct pollfd pfd = {.fd = open_socket(to.bytes.ss_family, SOCK_DGRAM, 0),
			     .events = POLLIN};
	uint8_t answer[512];
	ssize_t n;

	if (sendto(pfd.fd, query, sizeof(query) - 1, 0, address_of(&to), to.size) < 0)
		stopped("sendto");
	if (poll(&pfd, 1, PROBE_WAIT_MS) != 1)
		stopped_by("answer", "TIMEOUT");
	n = recv(pfd.fd, answer, sizeof(answer), 0);
	if (n < 4 || memcmp(answer + n - 4, known, 4))
		stopped_by("answer", "OTHER");
	reached("192.0.2.53");
}

/* --- TCP Fast Open: a connect without connect() ------------------------------------- */

static void try_fastopen_sendto(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_STREAM, 0);

	if (sendto(fd, "hello\n", 6, MSG_FASTOPEN, address_of(&to), to.size) < 0)
		stopped("sendto");
	answered(fd, NULL);
}

static void fastopen_by_message(const struct probe *probe, int protocol, int is_many)
{
	struct address to = target_address(probe);
	struct iovec iov = {(char[]){"hello\n"}, 6};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &to.bytes,
					.msg_namelen = to.size,
					.msg_iov = &iov,
					.msg_iovlen = 1}};
	int fd = open_socket(to.bytes.ss_family, SOCK_STREAM, protocol);

	if (is_many ? sendmmsg(fd, &m, 1, MSG_FASTOPEN) < 0
		    : sendmsg(fd, &m.msg_hdr, MSG_FASTOPEN) < 0)
		stopped("send");
	answered(fd, NULL);
}

static void try_fastopen_sendmsg(const struct probe *probe)
{
	fastopen_by_message(probe, 0, 0);
}

static void try_fastopen_sendmmsg(const struct probe *probe)
{
	fastopen_by_message(probe, 0, 1);
}

static void try_fastopen_mptcp(const struct probe *probe)
{
	fastopen_by_message(probe, PROTOCOL_MPTCP, 0);
}

/* The upper half of the flags is not the kernel's: a filter of 64 bits would not see them. */
static void try_fastopen_high_bits(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_STREAM, 0);

	if (syscall(SYS_sendto, fd, "hello\n", 6, MSG_FASTOPEN | 1ul << 40, &to.bytes, to.size) < 0)
		stopped("sendto");
	answered(fd, NULL);
}

static void try_fastopen_connect(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_STREAM, 0), one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)))
		stopped("setsockopt");
	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	answered(fd, "hello\n");
}

/* --- other addresses in the same packet --------------------------------------------- */

/* Loose source routing (RFC 791 §3.1): by way of 127.0.0.1 to the target. */
static void try_source_route(const struct probe *probe)
{
	struct address to = target_address(probe);
	const struct sockaddr_in *in = (const struct sockaddr_in *)&to.bytes;
	uint8_t option[] = {IPOPT_NOP, IPOPT_LSRR, 7, 4, 0, 0, 0, 0};
	int fd = open_socket(AF_INET, SOCK_STREAM, 0);

	memcpy(option + 4, &in->sin_addr, 4);
	if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, option, sizeof(option)) && errno != EPERM)
		stopped("setsockopt");
	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	answered(fd, question_of(probe));
}

static void try_other_device(const struct probe *probe)
{
	struct address to = target_address(probe);
	int fd = open_socket(to.bytes.ss_family, SOCK_STREAM, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "near", 4))
		stopped("setsockopt");
	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	answered(fd, question_of(probe));
}

/* Listening where the proxy listens would take what other processes send it. */
static void try_steal_port(const struct probe *probe)
{
	struct address at = target_address(probe);
	int fd = open_socket(at.bytes.ss_family, SOCK_DGRAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	stopped_unless(bind(fd, address_of(&at), at.size), "bind");
}

static void try_transparent(const struct probe *probe)
{
	int fd = open_socket(AF_INET, SOCK_STREAM, 0), one = 1;

	(void)probe;
	stopped_unless(setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)), "setsockopt");
}

static void try_mark(const struct probe *probe)
{
	int fd = open_socket(AF_INET, SOCK_STREAM, 0), one = 1;

	(void)probe;
	stopped_unless(setsockopt(fd, SOL_SOCKET, SO_MARK, &one, sizeof(one)), "setsockopt");
}

/* --- below TCP and UDP --------------------------------------------------------------- */

static void echo_request(const struct probe *probe, int type)
{
	struct address to = target_address(probe);
	struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo.sequence = htons(1)};
	struct pollfd pfd = {.fd = open_socket(AF_INET, type, IPPROTO_ICMP), .events = POLLIN};
	uint8_t answer[512];

	icmp.checksum = htons((uint16_t) ~((ICMP_ECHO << 8) + 1));
	if (sendto(pfd.fd, &icmp, sizeof(icmp), 0, address_of(&to), to.size) < 0)
		stopped("sendto");
	if (poll(&pfd, 1, PROBE_WAIT_MS) != 1)
		stopped_by("answer", "TIMEOUT");
	if (recv(pfd.fd, answer, sizeof(answer), 0) < 0)
		stopped("answer");
	reached("an echo");
}

static void try_ping(const struct probe *probe)
{
	echo_request(probe, SOCK_DGRAM);
}

static void try_raw(const struct probe *probe)
{
	echo_request(probe, SOCK_RAW);
}

/* --- sockets whose mere being is too much ---------------------------------------------- */

#define SOCKET(family, type, protocol) .nr = SYS_socket, .args = {(family), (type), (protocol)}
#define NETLINK(protocol)              SOCKET(AF_NETLINK, SOCK_RAW, protocol)
#define NOT_OURS                       "answer:OTHER answer:CLOSED answer:ECONNRESET send:ECONNRESET"
#define NO_DATAGRAM                    "answer:ECONNREFUSED sendto:ECONNREFUSED sendmmsg:ECONNREFUSED"
#define NO_DATAGRAM_B                  NO_DATAGRAM " answer:TIMEOUT sendmmsg:EPIPE"

#define NOT_TO_MANY "answer:TIMEOUT sendto:ENETUNREACH"

const struct probe probes_inet[] = {
	{"tcp-v4", "TCP to an IPv4 address", NOT_OURS, try_tcp, "192.0.2.10 443"},
	{"tcp-v4-port", "TCP to another port", NOT_OURS, try_tcp, "198.51.100.7 40000"},
	{"tcp-v6", "TCP to an IPv6 address", NOT_OURS, try_tcp, "2001:db8:1::5 443"},
	{"tcp-v4-mapped", "TCP to ::ffff:192.0.2.10", NOT_OURS, try_tcp, "::ffff:192.0.2.10 80"},
	{"tcp-private", "TCP to a private address", NOT_OURS, try_tcp, "10.99.0.1 80"},
	{"tcp-metadata", "TCP to 169.254.169.254", NOT_OURS, try_tcp, "169.254.169.254 80"},
	{"tcp-neighbour", "TCP to the next machine", NOT_OURS, try_tcp, "203.0.113.250 22"},
	{"tcp-host-loopback", "TCP to 127.0.0.1 of the host", "connect:ECONNREFUSED", try_tcp,
	 "127.0.0.1 {host_port}"},
	{"tcp-host-loopback-v6", "TCP to ::1 of the host", "connect:ECONNREFUSED", try_tcp,
	 "::1 {host_port}"},
	{"tcp-host-any", "TCP to 0.0.0.0, which is the host itself", "connect:ECONNREFUSED",
	 try_tcp, "0.0.0.0 {host_port}"},
	{"tcp-host-lan", "TCP to the host's own LAN address", NOT_OURS, try_tcp,
	 "203.0.113.249 {host_port}"},
	{"udp-host-loopback", "UDP to 127.0.0.1 of the host", NO_DATAGRAM, try_udp,
	 "127.0.0.1 {host_port}", .held_b = NO_DATAGRAM_B},
	{"dns-tcp", "DNS over TCP to a public resolver", NOT_OURS, try_tcp, "8.8.8.8 53"},
	{"dot", "DNS over TLS", NOT_OURS, try_tcp, "1.1.1.1 853"},
	{"doh", "DNS over HTTPS by a resolver's address", NOT_OURS, try_tcp, "8.8.8.8 443"},
	{"quic", "QUIC", NO_DATAGRAM, try_udp, "192.0.2.10 443", .held_b = NO_DATAGRAM_B},
	{"udp", "UDP", NO_DATAGRAM, try_udp, "203.0.113.9 40000", .held_b = NO_DATAGRAM_B},
	{"udp-v6", "UDP over IPv6", NO_DATAGRAM, try_udp, "2001:db8:1::123 123",
	 .held_b = NO_DATAGRAM_B},
	{"udp-sendto", "UDP by sendto", "answer:TIMEOUT", try_udp_sendto, "203.0.113.9 40000",
	 .held_b = NO_DATAGRAM_B},
	{"udp-sendmmsg", "UDP by sendmmsg", "answer:TIMEOUT", try_udp_sendmmsg, "203.0.113.9 40000",
	 .held_b = NO_DATAGRAM_B},
	{"udp-broadcast", "UDP to the network's broadcast address", NOT_TO_MANY, try_udp_to_many,
	 "255.255.255.255 40000", .held_b = NO_DATAGRAM_B},
	{"udp-multicast", "UDP to a multicast group", NOT_TO_MANY, try_udp_to_many,
	 "224.0.0.251 40000", .held_b = NO_DATAGRAM_B},
	{"udp-multicast-v6", "UDP to an IPv6 multicast group", NOT_TO_MANY, try_udp_to_many,
	 "ff02::fb 40000", .held_b = NO_DATAGRAM_B},
	{"dns", "a name that carries data, asked of a public resolver", "answer:OTHER", try_dns,
	 "8.8.8.8 53"},
	{"dns-v6", "the same over IPv6", "answer:OTHER", try_dns, "2001:4860:4860::8888 53"},
	{"dns-neighbour", "the same of a resolver next door", "answer:OTHER", try_dns,
	 "203.0.113.250 53"},
	{"mptcp", "MPTCP", NOT_OURS, try_mptcp, "192.0.2.11 443",
	 .held_b = NOT_OURS " socket:EPROTONOSUPPORT"},
	{"fastopen-sendto", "TCP Fast Open by sendto", "sendto:EOPNOTSUPP", try_fastopen_sendto,
	 "192.0.2.12 443"},
	{"fastopen-sendmsg", "… by sendmsg", "send:EOPNOTSUPP", try_fastopen_sendmsg,
	 "192.0.2.12 443"},
	{"fastopen-sendmmsg", "… by sendmmsg", "send:EOPNOTSUPP", try_fastopen_sendmmsg,
	 "192.0.2.12 443"},
	{"fastopen-mptcp", "… of MPTCP", "send:EOPNOTSUPP", try_fastopen_mptcp, "192.0.2.12 443",
	 .held_b = "send:EOPNOTSUPP socket:EPROTONOSUPPORT"},
	{"fastopen-high-bits", "… with flags above the kernel's 32 bits", "sendto:EOPNOTSUPP",
	 try_fastopen_high_bits, "192.0.2.12 443"},
	{"fastopen-connect", "… by TCP_FASTOPEN_CONNECT", "setsockopt:EOPNOTSUPP",
	 try_fastopen_connect, "192.0.2.12 443"},
	{"source-route", "TCP with a source route", NOT_OURS " connect:EINVAL setsockopt:EPERM",
	 try_source_route, "192.0.2.10 443", .held_b = "setsockopt:ENOPROTOOPT"},
	{"other-device", "TCP bound to the host's network device",
	 "setsockopt:ENODEV setsockopt:EPERM connect:EINVAL", try_other_device, "192.0.2.10 443",
	 .held_b = "setsockopt:ENOPROTOOPT"},
	{"steal-dns", "the stub's port, shared", "bind:EADDRINUSE bind:EACCES", try_steal_port,
	 "127.0.0.1 53"},
	{"transparent", "IP_TRANSPARENT: any address as one's own", "setsockopt:EPERM",
	 try_transparent, .held_b = "setsockopt:ENOPROTOOPT"},
	{"mark", "SO_MARK: past rules that go by marks", "setsockopt:EPERM", try_mark,
	 .held_b = "setsockopt:ENOPROTOOPT"},
	{"sctp", "SCTP stream", "socket:EPERM", try_sctp, "192.0.2.10 443"},
	{"sctp-seqpacket", "SCTP", "socket:EPERM", try_sctp_seqpacket, "192.0.2.10 443"},
	{"dccp", "DCCP", "socket:EPERM", try_dccp, "192.0.2.10 443"},
	{"udplite", "UDP-Lite", "socket:EPERM", try_udplite, "192.0.2.10 443"},
	{"ping", "ICMP echo by a datagram socket", "socket:EPERM", try_ping, "192.0.2.13 0"},
	{"raw", "ICMP echo by a raw socket", "socket:EPERM", try_raw, "192.0.2.13 0"},
	{"raw-v6", "raw IPv6 socket", "call:EPERM", SOCKET(AF_INET6, SOCK_RAW, IPPROTO_RAW)},
	{"packet", "packet socket", "call:EPERM", SOCKET(AF_PACKET, SOCK_RAW, 0x300)},
	{"packet-high-bits", "packet socket by AF_PACKET|1<<32", "call:EPERM",
	 SOCKET(AF_PACKET | 1ul << 32, SOCK_RAW, 0x300)},
	{"raw-high-bits", "raw socket by SOCK_RAW|1<<32", "call:EPERM",
	 SOCKET(AF_INET, SOCK_RAW | 1ul << 32, IPPROTO_ICMP)},
	{"vsock", "AF_VSOCK: the hypervisor", "call:EPERM", SOCKET(AF_VSOCK, SOCK_STREAM, 0)},
	{"alg", "AF_ALG: the kernel's cryptography", "call:EPERM",
	 SOCKET(AF_ALG, SOCK_SEQPACKET, 0)},
	{"smc", "AF_SMC", "call:EPERM", SOCKET(FAMILY_SMC, SOCK_STREAM, 0)},
	{"smc-protocol", "SMC as a protocol of TCP sockets", "call:EPERM",
	 SOCKET(AF_INET, SOCK_STREAM, 256)},
	{"tipc", "AF_TIPC", "call:EPERM", SOCKET(AF_TIPC, SOCK_STREAM, 0)},
	{"tipc-pair", "AF_TIPC by socketpair", "call:EPERM", .nr = SYS_socketpair,
	 .args = {AF_TIPC, SOCK_STREAM, 0, 0}},
	{"rds", "AF_RDS", "call:EPERM", SOCKET(AF_RDS, SOCK_SEQPACKET, 0)},
	{"xdp", "AF_XDP", "call:EPERM", SOCKET(AF_XDP, SOCK_RAW, 0)},
	{"kcm", "AF_KCM", "call:EPERM", SOCKET(AF_KCM, SOCK_DGRAM, 0)},
	{"can", "AF_CAN", "call:EPERM", SOCKET(AF_CAN, SOCK_RAW, 1)},
	{"bluetooth", "AF_BLUETOOTH", "call:EPERM", SOCKET(AF_BLUETOOTH, SOCK_RAW, 1)},
	{"netlink-netfilter", "netlink: the packet rules", "call:EPERM",
	 NETLINK(NETLINK_NETFILTER)},
	{"netlink-diag", "netlink: other processes' sockets", "call:EPERM",
	 NETLINK(NETLINK_SOCK_DIAG)},
	{"netlink-uevent", "netlink: devices coming and going", "call:EPERM",
	 NETLINK(NETLINK_KOBJECT_UEVENT)},
	{"netlink-audit", "netlink: audit", "call:EPERM", NETLINK(NETLINK_AUDIT)},
	{"netlink-generic", "netlink: generic", "call:EPERM", NETLINK(NETLINK_GENERIC)},
	{"netlink-xfrm", "netlink: IPsec", "call:EPERM", NETLINK(NETLINK_XFRM)},
	{"netlink-connector", "netlink: the process connector", "call:EPERM",
	 NETLINK(NETLINK_CONNECTOR)},
	{"netlink-high-bits", "netlink: netfilter by a protocol above 32 bits", "call:EPERM",
	 NETLINK(NETLINK_NETFILTER | 1ul << 32)},
	{.name = NULL},
};
