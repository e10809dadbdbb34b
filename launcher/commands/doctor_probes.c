// SPDX-License-Identifier: Apache-2.0
/*
 * What a jail is made of, tried piece by piece: each in a child process that enters
 * namespaces of its own, does the thing, and says how it went. Versions and configuration
 * files are not asked: a kernel that has a feature may still refuse it here.
 *
 * A child that dies of it (a seccomp filter that kills) or takes too long counts as refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/peek.h"
#include "base/error.h"
#include "bpf/wall.h"
#include "commands/doctor_mends.h"
#include "commands/doctor_parts.h"
#include "jail/cgroup.h"
#include "jail/files/mount_ops.h"
#include "jail/net/netns.h"
#include "jail/selftest.h"
#include "sandbox/landlock.h"

#define PROBE_LIMIT_S 5

struct answer {
	int error; /* 0: it works */
	char detail[DOCTOR_TEXT_MAX / 2];
};

static int say(struct answer *a, int r, const char *what)
{
	snprintf(a->detail, sizeof(a->detail), "%s: %s", what, strerror(-r));
	return r;
}

/* --- namespaces ------------------------------------------------------------------------ */

static int write_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* One's own ids as themselves, which is all that one may map from within. */
static int map_ids(unsigned uid, unsigned gid)
{
	char map[64];
	int r;

	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	r = write_file("/proc/self/uid_map", map);
	if (!r)
		r = write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	return r ? r : write_file("/proc/self/gid_map", map);
}

static int enter_user_namespace(struct answer *a)
{
	unsigned uid = geteuid(), gid = getegid();
	int r;

	if (unshare(CLONE_NEWUSER))
		return say(a, -errno, "making one");
	r = map_ids(uid, gid);
	return r ? say(a, r, "writing the uid map") : 0;
}

static int enter(int namespaces, struct answer *a)
{
	int r = enter_user_namespace(a);

	if (!r && unshare(namespaces))
		r = say(a, -errno, "making the namespaces");
	return r;
}

static int try_user_namespace(struct answer *a)
{
	return enter_user_namespace(a);
}

static int try_other_namespaces(struct answer *a)
{
	static const struct {
		int flag;
		const char *name;
	} kinds[] = {{CLONE_NEWNET, "network"},
		     {CLONE_NEWNS, "mount"},
		     {CLONE_NEWPID, "pid"},
		     {CLONE_NEWIPC, "ipc"},
		     {CLONE_NEWUTS, "uts"}};
	int r = enter_user_namespace(a);

	for (size_t i = 0; !r && i < ARRAY_SIZE(kinds); i++)
		if (unshare(kinds[i].flag))
			r = say(a, -errno, kinds[i].name);
	/* AppArmor can give a user namespace and keep the rights in it. */
	if (!r && sethostname("doctor", 6))
		r = say(a, -errno, "they come without the rights in them");
	return r;
}

/* --- network ------------------------------------------------------------------------- */

static int try_loopback(struct answer *a)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int r = enter(CLONE_NEWNET, a);
	autoclose int fd = r ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!r && (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo)))
		r = say(a, -errno, "bringing it up");
	return r;
}

static int set_up_network(struct netns *net, struct answer *a)
{
	struct error err = {.where = ""};
	int r = enter(CLONE_NEWNET, a);

	if (r)
		return r;
	r = netns_set_up(net, &err);
	if (!r)
		r = selftest_network(net, &err);
	if (r)
		snprintf(a->detail, sizeof(a->detail), "%.250s", err.what);
	return r;
}

static int try_capture(struct answer *a)
{
	struct netns net = NETNS_NONE;
	int r = set_up_network(&net, a);

	netns_close(&net);
	return r;
}

static int try_packet_log(struct answer *a)
{
	struct netns net = NETNS_NONE;
	int r = set_up_network(&net, a);

	if (!r && net.log < 0)
		r = say(a, -ENOENT, "nfnetlink_log");
	netns_close(&net);
	return r;
}

/* --- files --------------------------------------------------------------------------- */

static int try_mounts(struct answer *a)
{
	static const char *const none[] = {NULL};
	autoclose int tmpfs = -1, tree = -1;
	int r = enter(CLONE_NEWNS, a);

	if (!r && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		r = say(a, -errno, "making them private");
	if (!r && (tmpfs = mount_new("tmpfs", none, MOUNT_SEALED)) < 0)
		r = say(a, tmpfs, "tmpfs");
	if (!r && (tree = mount_clone(AT_FDCWD, "/", true, MOUNT_SEALED)) < 0)
		r = say(a, tree, "a read-only view of the file tree");
	if (!r)
		r = mount_attach_at(tmpfs, "/tmp");
	return r && !a->detail[0] ? say(a, r, "attaching a mount") : r;
}

static _Noreturn void mount_proc(void)
{
	static const char *const none[] = {NULL};
	int fd = mount_new("proc", none, MOUNT_SAFE);

	_exit(fd < 0 ? -fd & 0xff : 0);
}

/* Only a process of the new pid namespace, which its maker is not, may mount its /proc. */
static int try_proc(struct answer *a)
{
	int r = enter(CLONE_NEWNS | CLONE_NEWPID, a), status = 0;
	pid_t pid;

	if (r)
		return r;
	pid = fork();
	if (!pid)
		mount_proc();
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return say(a, -errno, "a process in it");
	r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
	return r ? say(a, r, "mounting it") : 0;
}

static int try_overlay(struct answer *a)
{
	static const char *const options[] = {"lowerdir", "/etc:/usr", "userxattr", "", NULL};
	int r = enter(CLONE_NEWNS, a);
	autoclose int fd = r ? -1 : mount_new("overlay", options, MOUNT_SEALED);

	return !r && fd < 0 ? say(a, fd, "mounting one") : r;
}

/* --- system calls -------------------------------------------------------------------------- */

static int try_seccomp(struct answer *a)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = 1, .filter = &allow};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return say(a, -errno, "no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return say(a, -errno, "installing a filter");
	return 0;
}

/* A listener for a call that is never made. */
static int try_notification(struct answer *a)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_acct, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};
	autoclose int fd = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return say(a, -errno, "no_new_privs");
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			  &program);
	return fd < 0 ? say(a, -errno, "listening for notifications") : 0;
}

static volatile int word_of_child;

/* As the broker reads addresses: a descendant's memory, at the address of our own copy. */
static int try_memory(struct answer *a)
{
	int pair[2], word = 0, r = 0;
	char byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return say(a, -errno, "socketpair");
	pid = fork();
	if (!pid) {
		close(pair[0]);
		word_of_child = (int)getpid();
		_exit(write(pair[1], "", 1) == 1 && read(pair[1], &byte, 1) == 1 ? 0 : 1);
	}
	r = pid < 0 ? -errno : 0;
	/* A child that dies early would else be waited for through our own end. */
	close(pair[1]);
	if (!r && read(pair[0], &byte, 1) != 1)
		r = -EIO;
	if (!r)
		r = peek(pid, -1, (uintptr_t)&word_of_child, &word, sizeof(word));
	if (!r && word != (int)pid)
		r = -EIO;
	close(pair[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return r ? say(a, r, "reading a child's memory") : 0;
}

static int try_landlock_from(int abi, unsigned what, struct answer *a)
{
	int have = landlock_abi(), r;

	if (have < abi) {
		snprintf(a->detail, sizeof(a->detail), "the kernel's ABI is %d; from %d on", have,
			 abi);
		return -EOPNOTSUPP;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return say(a, -errno, "no_new_privs");
	r = landlock_restrict(what);
	if (!r)
		snprintf(a->detail, sizeof(a->detail), "ABI %d", have);
	return r ? say(a, r, "entering a domain") : 0;
}

static int try_landlock(struct answer *a)
{
	return try_landlock_from(LANDLOCK_ABI_TRUNCATE, LANDLOCK_DENY_FILES, a);
}

static int try_landlock_scopes(struct answer *a)
{
	return try_landlock_from(LANDLOCK_ABI_SCOPE, LANDLOCK_SCOPE, a);
}

/* One is made, as for a run, with a limit of each kind, and taken away. */
static int try_cgroup(struct answer *a)
{
	static const char *const limits[CGROUP_LIMITS] = {"processes", "memory", "cpu"};
	const struct cgroup_wish wish = {.values = {1000, UINT64_C(1) << 40, 1000000},
					 .in_v1 = {true, true, true}};
	struct cgroup cgroup;
	char id[CGROUP_NAME_MAX / 2];
	size_t used = 0;
	bool has_v2;

	snprintf(id, sizeof(id), "doctor-%d", (int)getpid());
	cgroup_make(id, &wish, &cgroup);
	has_v2 = cgroup.fd >= 0;
	for (size_t i = 0; i < CGROUP_LIMITS; i++)
		if (cgroup.has[i])
			used += (size_t)snprintf(a->detail + used, sizeof(a->detail) - used, "%s%s",
						 used ? ", " : "limits ", limits[i]);
	cgroup_end(&cgroup, 100);
	if (has_v2)
		return 0;
	snprintf(a->detail, sizeof(a->detail),
		 "none of version 2 can be made below the caller's own");
	return access("/sys/fs/cgroup/cgroup.procs", F_OK) &&
			       access("/sys/fs/cgroup/unified/cgroup.procs", F_OK)
		       ? -ENOENT
		       : -EACCES;
}

/* Loaded, never attached. */
static int try_bpf(struct answer *a)
{
	struct error err = {.where = ""};
	struct wall *wall = NULL;
	int r = wall_load(&wall, &err);

	wall_free(wall);
	if (r)
		snprintf(a->detail, sizeof(a->detail), "%.250s", err.what);
	return r;
}

/* --- the table ------------------------------------------------------------------------------- */

#define ALONE NULL

static const struct probe {
	const char *name, *gives;
	enum check_weight weight;
	int (*needs)(struct answer *a); /* the try without which this one tells nothing new */
	int (*try)(struct answer *a);
	const char *(*mend)(const struct host_facts *facts, int error);
} probes[] = {
	{"seccomp filter", "system calls that lead out are refused", CHECK_NEEDED, ALONE,
	 try_seccomp, mend_seccomp},
	{"notification", "the broker judges unix sockets, in tier b all sockets", CHECK_NEEDED,
	 try_seccomp, try_notification, mend_notification},
	{"user namespace", "a jail without privilege", CHECK_TIER_A, ALONE, try_user_namespace,
	 mend_namespaces},
	{"other namespaces", "own network, mounts, processes", CHECK_TIER_A, try_user_namespace,
	 try_other_namespaces, mend_namespaces},
	{"loopback", "the only network in the jail", CHECK_TIER_A, try_other_namespaces,
	 try_loopback, mend_network},
	{"capture", "every TCP connection and DNS query reaches the proxy", CHECK_TIER_A,
	 try_loopback, try_capture, mend_network},
	{"mounts", "a read-only file tree", CHECK_TIER_A, try_other_namespaces, try_mounts,
	 mend_mounts},
	{"own /proc", "the jail's own processes only", CHECK_TIER_A, try_mounts, try_proc,
	 mend_namespaces},
	{"Landlock", "files and TCP ports", CHECK_TIER_B, ALONE, try_landlock, mend_landlock},
	{"memory", "the broker reads the addresses that the command names", CHECK_TIER_B, ALONE,
	 try_memory, mend_memory},
	{"packet log", "refused UDP and ICMP are recorded", CHECK_WANTED, try_capture,
	 try_packet_log, mend_packet_log},
	{"overlay", "the run's CA beside the system's in /etc/ssl/certs", CHECK_WANTED, try_mounts,
	 try_overlay, mend_overlay},
	{"Landlock scopes", "a second wall for signals and abstract sockets", CHECK_WANTED, ALONE,
	 try_landlock_scopes, mend_landlock_scopes},
	{"control group", "ends and limits all that runs, together", CHECK_WANTED, ALONE,
	 try_cgroup, mend_cgroup},
	{"eBPF", "a second wall for the network; who connected, exactly", CHECK_WANTED, ALONE,
	 try_bpf, mend_bpf},
};

/* --- children --------------------------------------------------------------------------- */

static _Noreturn void answer_from_child(const struct probe *probe, int fd)
{
	struct answer a = {.error = 0};

	alarm(PROBE_LIMIT_S);
	a.error = probe->try(&a);
	_exit(write(fd, &a, sizeof(a)) == sizeof(a) ? 0 : 1);
}

static void ask(const struct probe *probe, struct answer *ret)
{
	struct answer a;
	int pair[2], status = 0;
	bool is_answered;
	pid_t pid;

	*ret = (struct answer){.error = -EIO};
	if (pipe2(pair, O_CLOEXEC)) {
		say(ret, -errno, "pipe");
		return;
	}
	pid = fork();
	if (!pid)
		answer_from_child(probe, pair[1]);
	close(pair[1]);
	is_answered = pid > 0 && read(pair[0], &a, sizeof(a)) == sizeof(a);
	close(pair[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (is_answered)
		*ret = a;
	else if (WIFSIGNALED(status))
		snprintf(ret->detail, sizeof(ret->detail), "%s",
			 WTERMSIG(status) == SIGALRM ? "it took too long" : "it was killed for it");
}

/* Whether what a probe needs was found earlier in the table, and works. */
static bool is_ready(const struct probe *probe, const struct check *done)
{
	for (size_t i = 0; probe->needs && &probes[i] < probe; i++)
		if (probes[i].try == probe->needs)
			return done[i].state == CHECK_OK;
	return true;
}

size_t probes_run(const struct host_facts *facts, struct check *ret, size_t max)
{
	size_t n = 0;

	for (; n < ARRAY_SIZE(probes) && n < max; n++) {
		const struct probe *p = &probes[n];
		struct check *c = &ret[n];
		struct answer a;

		*c = (struct check){.name = p->name, .gives = p->gives, .weight = p->weight};
		if (!is_ready(p, ret)) {
			c->state = CHECK_UNTRIED;
			continue;
		}
		ask(p, &a);
		c->state = a.error ? CHECK_MISSING : CHECK_OK;
		snprintf(c->detail, sizeof(c->detail), "%s", a.detail);
		if (a.error)
			snprintf(c->mend, sizeof(c->mend), "%s", p->mend(facts, a.error));
	}
	return n;
}
