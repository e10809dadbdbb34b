// SPDX-License-Identifier: Apache-2.0
/* Changing the network and the machine, as one who believes to be its administrator. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

struct request {
	struct nlmsghdr head;
	char body[512];
};

static void put(struct request *r, const void *bytes, size_t n)
{
	memcpy((char *)r + r->head.nlmsg_len, bytes, n);
	r->head.nlmsg_len += (unsigned)NLMSG_ALIGN(n);
}

static void put_attribute(struct request *r, unsigned short type, const void *bytes, size_t n)
{
	const struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = type};

	put(r, &a, sizeof(a));
	put(r, bytes, n);
}

static struct request request(unsigned short type, unsigned short flags)
{
	return (struct request){
		.head = {.nlmsg_len = NLMSG_LENGTH(0),
			 .nlmsg_type = type,
			 .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags)}};
}

/* The kernel's answer to the request: 0 or an errno. */
static _Noreturn void ask(int protocol, const void *bytes, size_t n)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char more[512];
	} answer;

	if (fd < 0)
		stopped("socket");
	if (send(fd, bytes, n, 0) < 0)
		stopped("send");
	if (recv(fd, &answer, sizeof(answer), 0) < 0)
		stopped("recv");
	if (answer.head.nlmsg_type != NLMSG_ERROR)
		stopped_by("netlink", "ANSWER");
	errno = -answer.err.error;
	stopped_unless(errno ? -1 : 0, "netlink");
}

/* A route that nobody has: who may delete routes is told that there is none such. */
static void try_delete_route(const struct probe *probe)
{
	struct request r = request(RTM_DELROUTE, 0);
	const struct rtmsg route = {.rtm_family = AF_INET,
				    .rtm_table = RT_TABLE_LOCAL,
				    .rtm_dst_len = 32,
				    .rtm_scope = RT_SCOPE_NOWHERE};

	(void)probe;
	put(&r, &route, sizeof(route));
	put_attribute(&r, RTA_DST, "\xc0\x00\x02\xfe", 4);
	ask(NETLINK_ROUTE, &r, r.head.nlmsg_len);
}

static void try_add_route(const struct probe *probe)
{
	struct request r = request(RTM_NEWROUTE, NLM_F_CREATE);
	const struct rtmsg route = {.rtm_family = AF_INET,
				    .rtm_table = RT_TABLE_MAIN,
				    .rtm_dst_len = 32,
				    .rtm_protocol = RTPROT_STATIC,
				    .rtm_scope = RT_SCOPE_LINK,
				    .rtm_type = RTN_UNICAST};
	const unsigned loopback = 1;

	(void)probe;
	put(&r, &route, sizeof(route));
	put_attribute(&r, RTA_DST, "\xc0\x00\x02\xfe", 4);
	put_attribute(&r, RTA_OIF, &loopback, sizeof(loopback));
	ask(NETLINK_ROUTE, &r, r.head.nlmsg_len);
}

static void add_link(const char *kind)
{
	struct request r = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	char info[64];
	struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(strlen(kind)),
			   .rta_type = IFLA_INFO_KIND};

	put(&r, &link, sizeof(link));
	memcpy(info, &a, sizeof(a));
	memcpy(info + sizeof(a), kind, strlen(kind));
	put_attribute(&r, IFLA_LINKINFO, info, RTA_ALIGN(a.rta_len));
	ask(NETLINK_ROUTE, &r, r.head.nlmsg_len);
}

static void try_add_link(const struct probe *probe)
{
	add_link(target(probe, 0));
}

static void try_loopback_down(const struct probe *probe)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)probe;
	if (fd < 0)
		stopped("socket");
	stopped_unless(ioctl(fd, SIOCSIFFLAGS, &request), "ioctl");
}

/* All rules of all tables, as `nft flush ruleset` asks for it. */
static void try_flush_rules(const struct probe *probe)
{
	const struct nfgenmsg batch = {.res_id = __builtin_bswap16(NFNL_SUBSYS_NFTABLES)};
	const struct nfgenmsg any = {.nfgen_family = AF_UNSPEC};
	struct request parts[] = {
		request(NFNL_MSG_BATCH_BEGIN, 0),
		request(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0),
		request(NFNL_MSG_BATCH_END, 0),
	};
	char bytes[sizeof(parts)];
	size_t n = 0;

	(void)probe;
	for (int i = 0; i < 3; i++) {
		put(&parts[i], i == 1 ? &any : &batch, sizeof(any));
		if (i != 1)
			parts[i].head.nlmsg_flags = NLM_F_REQUEST;
		memcpy(bytes + n, &parts[i], parts[i].head.nlmsg_len);
		n += parts[i].head.nlmsg_len;
	}
	ask(NETLINK_NETFILTER, bytes, n);
}

/* --- the kernel's files
 * --------------------------------------------------------------------------- */

/* Opening is enough to know; nothing is written. */
static void try_open_write(const struct probe *probe)
{
	stopped_unless(open(target(probe, 0), O_WRONLY | O_CLOEXEC), "open");
}

static void try_own_oom_score(const struct probe *probe)
{
	int fd = open(target(probe, 0), O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		stopped("open");
	stopped_unless(write(fd, "-1000", 5), "write");
}

static void try_cgroup(const struct probe *probe)
{
	int fd = open(target(probe, 0), O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		stopped("open");
	stopped_unless(write(fd, "0", 1), "write");
}

static void try_read(const struct probe *probe)
{
	char bytes[16];
	int fd = open(target(probe, 0), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		stopped("open");
	if (!read(fd, bytes, sizeof(bytes)))
		stopped_by("read", "EMPTY");
	reached("%s", target(probe, 0));
}

#define CLOSED "open:EROFS open:EACCES open:EPERM open:ENOENT"
#define HIDDEN "open:EACCES open:EPERM open:ENOENT read:EMPTY"

const struct probe probes_admin[] = {
	{"nft-flush", "flush the packet rules", "socket:EPERM", try_flush_rules},
	{"route-delete", "delete a route", "netlink:EPERM", try_delete_route},
	{"route-add", "add a route", "netlink:EPERM", try_add_route},
	{"link-veth", "add a network device: veth", "netlink:EPERM", try_add_link, "veth"},
	{"link-bridge", "… bridge", "netlink:EPERM", try_add_link, "bridge"},
	{"loopback-flags", "the flags of the loopback device", "ioctl:EPERM", try_loopback_down},

	{"core-pattern", "core_pattern", CLOSED, try_open_write, "/proc/sys/kernel/core_pattern"},
	{"sysctl-hostname", "the host's name by /proc/sys", CLOSED, try_open_write,
	 "/proc/sys/kernel/hostname"},
	{"sysctl-network", "forwarding by /proc/sys", CLOSED, try_open_write,
	 "/proc/sys/net/ipv4/ip_forward"},
	{"drop-caches", "drop_caches", CLOSED, try_open_write, "/proc/sys/vm/drop_caches"},
	{"userns-limit", "max_user_namespaces", CLOSED, try_open_write,
	 "/proc/sys/user/max_user_namespaces"},
	{"sysrq", "sysrq", CLOSED, try_open_write, "/proc/sysrq-trigger", .absent = "open:ENOENT"},
	{"irq-affinity", "the processors of an interrupt", CLOSED, try_open_write,
	 "/proc/irq/default_smp_affinity"},
	{"uevent-helper", "uevent_helper", CLOSED, try_open_write, "/sys/kernel/uevent_helper",
	 .absent = "open:ENOENT"},
	{"uevent", "an event of a device", CLOSED, try_open_write, "/sys/class/net/lo/uevent"},
	{"release-agent", "release_agent of the control groups", CLOSED, try_open_write,
	 "{cgroup}/release_agent", .absent = "open:ENOENT"},
	{"cgroup-procs", "another control group", CLOSED, try_cgroup, "{cgroup}/cgroup.procs"},
	{"cgroup-procs-root", "… by /proc/1/root", CLOSED, try_cgroup,
	 "/proc/1/root{cgroup}/cgroup.procs"},
	{"kcore", "the kernel's memory: kcore", HIDDEN, try_read, "/proc/kcore",
	 .absent = "open:ENOENT"},
	{"kallsyms", "the kernel's addresses: kallsyms", HIDDEN, try_read, "/proc/kallsyms",
	 .held_b = "!without mounts /proc is the machine's"},
	{"kmsg", "the kernel's log: /proc/kmsg", HIDDEN, try_read, "/proc/kmsg",
	 .held_b = "!without mounts /proc is the machine's"},
	{"proc-keys", "the kernel's keys: /proc/keys", HIDDEN, try_read, "/proc/keys",
	 .held_b = "!without mounts /proc is the machine's"},
	{"timer-list", "timer_list", HIDDEN, try_read, "/proc/timer_list", .absent = "open:ENOENT",
	 .held_b = "!without mounts /proc is the machine's"},
	{"dev-mem", "/dev/mem", HIDDEN, try_read, "/dev/mem", .absent = "open:ENOENT"},
	{"dev-kmsg", "/dev/kmsg", HIDDEN, try_read, "/dev/kmsg"},
	{"dev-kvm", "/dev/kvm", CLOSED, try_open_write, "/dev/kvm", .absent = "open:ENOENT"},
	{"dev-fuse", "/dev/fuse", CLOSED, try_open_write, "/dev/fuse", .absent = "open:ENOENT"},
	{"dev-tun", "/dev/net/tun", CLOSED, try_open_write, "/dev/net/tun",
	 .absent = "open:ENOENT"},
	{"dev-disk", "the disk itself", HIDDEN, try_read, "{disk}",
	 .absent = "open:EPERM open:ENOENT"},
	{"dev-in-project", "a device mounted in the working directory", HIDDEN, try_read,
	 "{project}/device",
	 .held_b = "!without mounts a node is what it is; the agent cannot make one"},
	{"node-in-project", "a device's node in the working directory", HIDDEN, try_read,
	 "{project}/node",
	 .held_b = "!without mounts a node is what it is; the agent cannot make one"},
	{"oom-score", "never to be killed: oom_score_adj", CLOSED " write:EACCES",
	 try_own_oom_score, "/proc/self/oom_score_adj", .absent = "write:EACCES"},
	{"init-oom-score", "the oom_score_adj of pid 1", CLOSED, try_open_write,
	 "/proc/1/oom_score_adj"},
	{.name = NULL},
};
