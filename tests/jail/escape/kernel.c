// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's own doors. Most are one call, with arguments that the kernel refuses once it
 * has let the caller in: outside, EINVAL instead of EPERM shows that there was no wall, and
 * nothing has happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

#define NR_LSM_LIST_MODULES 461
#define SO_IPTABLES         64 /* IPT_SO_SET_REPLACE, whose header cannot be had with these */

#define IOC_BTRFS_SNAP_CREATE 0x50009401ul
#define IOC_BCACHEFS          0xbc10ul
#define HIGH_BIT              (1ul << 40)

/* --- one call, with a structure ------------------------------------------------------------------
 */

static void try_bpf_map(const struct probe *probe)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	(void)probe;
	stopped_unless(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)), "bpf");
}

static void try_bpf_program(const struct probe *probe)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (uint64_t)(uintptr_t)code,
			       .insn_cnt = 2,
			       .license = (uint64_t)(uintptr_t) "GPL"};

	(void)probe;
	stopped_unless(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), "bpf");
}

static void try_perf_event(const struct probe *probe)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_CPU_CLOCK,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};

	(void)probe;
	stopped_unless(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0), "perf_event_open");
}

static void try_file_handle(const struct probe *probe)
{
	union {
		struct file_handle head;
		char bytes[sizeof(struct file_handle) + 128];
	} h = {.head = {.handle_bytes = 128}};
	int mount_id;

	stopped_unless(name_to_handle_at(AT_FDCWD, target(probe, 0), &h.head, &mount_id, 0),
		       "name_to_handle_at");
}

/* Inode 2 is the root of ext2 to ext4: the handle needs nobody to make it. */
static void try_open_by_handle(const struct probe *probe)
{
	union {
		struct file_handle head;
		struct {
			struct file_handle head;
			uint32_t inode, generation;
		} ext4;
	} h = {.ext4 = {{.handle_bytes = 8, .handle_type = 1}, 2, 0}};
	int at = open(target(probe, 0), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	stopped_unless(open_by_handle_at(at, &h.head, O_RDONLY), "open_by_handle_at");
}

static void try_read_memory(const struct probe *probe)
{
	char here = 0, there = 'x';
	struct iovec to = {&here, 1}, from = {&there, 1};

	(void)probe;
	stopped_unless(process_vm_readv(getpid(), &to, 1, &from, 1, 0), "process_vm_readv");
}

static void try_write_memory(const struct probe *probe)
{
	char here = 'x', there = 0;
	struct iovec from = {&here, 1}, to = {&there, 1};

	(void)probe;
	stopped_unless(process_vm_writev(getpid(), &from, 1, &to, 1, 0), "process_vm_writev");
}

static void try_pidfd_getfd(const struct probe *probe)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	(void)probe;
	if (pidfd < 0)
		stopped("pidfd_open");
	stopped_unless(syscall(SYS_pidfd_getfd, pidfd, 0, 0), "pidfd_getfd");
}

/* --- terminals
 * -------------------------------------------------------------------------------------- */

static int controlling_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_CLOEXEC), slave = -1;

	if (master >= 0 && !grantpt(master) && !unlockpt(master))
		slave = open(ptsname(master), O_RDWR | O_CLOEXEC);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0))
		stopped("terminal");
	return slave;
}

static void try_tiocsti(const struct probe *probe)
{
	(void)probe;
	stopped_unless(ioctl(controlling_terminal(), TIOCSTI, "x"), "ioctl");
}

static void try_tiocsti_high_bits(const struct probe *probe)
{
	(void)probe;
	stopped_unless(syscall(SYS_ioctl, controlling_terminal(), TIOCSTI | HIGH_BIT, "x"),
		       "ioctl");
}

static void try_line_discipline(const struct probe *probe)
{
	int n_hdlc = 13;

	(void)probe;
	stopped_unless(ioctl(controlling_terminal(), TIOCSETD, &n_hdlc), "ioctl");
}

/* --- what others share by a name ------------------------------------------------ */

/* Whether it could be set at all: the size of what would be given. */
static void try_set_mm(const struct probe *probe)
{
	unsigned size;

	(void)probe;
	stopped_unless(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0), "prctl");
}

static void try_packet_filter(const struct probe *probe)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char rules[128] = "";

	(void)probe;
	if (fd < 0)
		stopped("socket");
	stopped_unless(setsockopt(fd, SOL_IP, SO_IPTABLES, rules, sizeof(rules)), "setsockopt");
}

static void try_shared_memory(const struct probe *probe)
{
	stopped_unless(shmget((key_t)strtol(target(probe, 0), NULL, 0), 0, 0), "shmget");
}

static void try_message_queue(const struct probe *probe)
{
	stopped_unless(syscall(SYS_mq_open, target(probe, 0), O_RDONLY, 0, 0), "mq_open");
}

/* --- rights of the caller
 * ------------------------------------------------------------------------------ */

static void try_core_limit(const struct probe *probe)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, none = {0, 0};
	struct rlimit now;

	(void)probe;
	if (setrlimit(RLIMIT_CORE, &all) && setrlimit(RLIMIT_CORE, &none))
		stopped("setrlimit");
	getrlimit(RLIMIT_CORE, &now);
	/* 1 is the kernel's sign for: no dump, and no handler either. */
	if (now.rlim_cur == 1)
		stopped_by("limit", "HELD");
	reached("a core limit of %ld", (long)now.rlim_cur);
}

/*
 * A program with the set-user-id bit: what rights does it have? Root's own has capabilities.
 * A pipe that is full holds it while it is looked at.
 */
static void try_set_user_id(const struct probe *probe)
{
	char path[64], line[256] = "";
	unsigned long caps = 0;
	unsigned uid = 0, euid = 0;
	int out[2];
	pid_t pid;
	FILE *f;

	if (pipe2(out, O_NONBLOCK))
		stopped("pipe");
	while (write(out[1], line, sizeof(line)) > 0)
		;
	fcntl(out[1], F_SETFL, 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		execl(target(probe, 0), target(probe, 0), NULL);
		_exit(127);
	}
	usleep(100000);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %u %u", &uid, &euid);
		sscanf(line, "CapEff: %lx", &caps);
	}
	kill(pid, SIGKILL);
	if (caps || uid != euid)
		reached("user %u, capabilities %lx", euid, caps);
	stopped_by("rights", "NONE");
}

static void try_capabilities(const struct probe *probe)
{
	char line[256];
	unsigned long set;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, target(probe, 0), strlen(target(probe, 0))) &&
		    sscanf(line, "Cap%*3c: %lx", &set) == 1 && set)
			reached("%s %lx", target(probe, 0), set);
	stopped_by("rights", "NONE");
}

static void try_chmod_set_user_id(const struct probe *probe)
{
	const char *path = "set-user-id";
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	long r;

	close(fd);
	r = chmod(path, (mode_t)strtoul(target(probe, 0), NULL, 8));
	if (r)
		stopped("chmod");
	unlink(path);
	reached("mode %s", target(probe, 0));
}

static void try_mknod(const struct probe *probe)
{
	const char *path = target(probe, 0);

	if (mknod(path, S_IFCHR | 0600, 0x101)) /* /dev/mem */
		stopped("mknod");
	unlink(path);
	reached("a device");
}

/* --- the calls of other architectures, which a filter of this one does not know
 * ------------------------ */

#if defined(__x86_64__)
#define NR_MODIFY_LDT SYS_modify_ldt
#define NR_IOPL       SYS_iopl
#define NR_IOPERM     SYS_ioperm

static long i386_call(long nr, long a, long b, long c)
{
	long r = nr;

	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 : "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}
#else
#define NR_MODIFY_LDT -1
#define NR_IOPL       -1
#define NR_IOPERM     -1

static long i386_call(long nr, long a, long b, long c)
{
	(void)nr, (void)a, (void)b, (void)c;
	return -ENOSYS;
}
#endif

static void foreign(long r)
{
	errno = r < 0 ? (int)-r : 0;
	stopped_unless(r < 0 ? -1 : r, "call");
}

static void try_i386(const struct probe *probe)
{
	(void)probe;
	foreign(i386_call(20 /* getpid */, 0, 0, 0));
}

static void try_i386_socket(const struct probe *probe)
{
	(void)probe;
	foreign(i386_call(359 /* socket */, AF_INET, SOCK_STREAM, 0));
}

static void try_x32(const struct probe *probe)
{
	(void)probe;
	stopped_unless(syscall(0x40000000 | SYS_getpid), "call");
}

const struct probe probes_kernel[] = {
	CALL("io-uring-setup", "a ring that makes calls past the filter", SYS_io_uring_setup, 1, 0),
	CALL("io-uring-enter", "… entered", SYS_io_uring_enter, -1, 1, 1, 0, 0, 0),
	CALL("io-uring-register", "… registered", SYS_io_uring_register, -1, 0, 0, 0),
	{"i386", "an i386 call by int 0x80", "call:ENOSYS", try_i386, .absent = "call:ENOSYS"},
	{"i386-socket", "a socket by an i386 call", "call:ENOSYS", try_i386_socket,
	 .absent = "call:ENOSYS"},
	{"x32", "an x32 call", "call:ENOSYS", try_x32, .absent = "call:ENOSYS"},
	{"name-to-handle", "a handle for a file", "name_to_handle_at:EPERM", try_file_handle,
	 "{project}"},
	{"open-by-handle", "a file opened by its handle, around every mount",
	 "open_by_handle_at:EPERM", try_open_by_handle, "{project}"},

	{"bpf-map", "bpf: a map", "bpf:EPERM", try_bpf_map},
	{"bpf-program", "bpf: a program", "bpf:EPERM", try_bpf_program},
	{"perf-event", "perf_event_open", "perf_event_open:EPERM", try_perf_event},
	CALL("userfaultfd", "userfaultfd", SYS_userfaultfd, UFFD_USER_MODE_ONLY),
	CALL("keyctl", "keyctl", SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0),
	CALL("add-key", "add_key", SYS_add_key, POINTER("user"), POINTER("mcpjail-escape"),
	     POINTER("x"), 1, KEY_SPEC_PROCESS_KEYRING),
	CALL("request-key", "request_key", SYS_request_key, POINTER("user"), POINTER(NOWHERE), 0,
	     0),
	CALL("kexec", "kexec_load", SYS_kexec_load, 0, -1, 0, -1),
	CALL("kexec-file", "kexec_file_load", SYS_kexec_file_load, -1, -1, 0, 0, -1),
	CALL("init-module", "init_module", SYS_init_module, 0, 0, POINTER("")),
	CALL("finit-module", "finit_module", SYS_finit_module, -1, POINTER(""), 0),
	CALL("delete-module", "delete_module", SYS_delete_module, POINTER("mcpjail_escape"), 0),
	CALL("reboot", "reboot", SYS_reboot, 0, 0, 0, 0),
	CALL("swapon", "swapon", SYS_swapon, POINTER(NOWHERE), 0),
	CALL("swapoff", "swapoff", SYS_swapoff, POINTER(NOWHERE)),
	CALL("acct", "acct", SYS_acct, POINTER(NOWHERE)),
	CALL("quotactl", "quotactl", SYS_quotactl, QCMD(Q_SYNC, USRQUOTA), POINTER(NOWHERE), 0, 0),
	CALL("syslog", "the kernel's log", SYS_syslog, 10, 0, 0),
	CALL("fanotify", "fanotify_init", SYS_fanotify_init, FAN_REPORT_FID, 0),
	{"modify-ldt", "modify_ldt", "call:EPERM", .absent = "call:ENOSYS", .nr = NR_MODIFY_LDT},
	{"iopl", "iopl", "call:EPERM", .absent = "call:ENOSYS", .nr = NR_IOPL, .args = {3}},
	{"ioperm", "ioperm", "call:EPERM", .absent = "call:ENOSYS", .nr = NR_IOPERM,
	 .args = {0x80, 1, 1}},
	CALL("personality", "personality: executable data", SYS_personality, READ_IMPLIES_EXEC),
	CALL("settimeofday", "the machine's clock", SYS_settimeofday, 0, 0),
	CALL("clock-settime", "… by clock_settime", SYS_clock_settime, 0, 0),
	CALL("adjtimex", "… by adjtimex", SYS_adjtimex, 0),
	CALL("clock-adjtime", "… by clock_adjtime", SYS_clock_adjtime, 0, 0),
	CALL("sethostname", "the machine's name", SYS_sethostname, 0, -1),
	CALL("setdomainname", "the machine's domain", SYS_setdomainname, 0, -1),
	CALL("vhangup", "vhangup", SYS_vhangup),

	CALL("ptrace", "ptrace", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0),
	{"read-memory", "process_vm_readv", "process_vm_readv:EPERM", try_read_memory},
	{"write-memory", "process_vm_writev", "process_vm_writev:EPERM", try_write_memory},
	{"pidfd-getfd", "pidfd_getfd", "pidfd_getfd:EPERM", try_pidfd_getfd},
	{"set-mm", "another program's name: PR_SET_MM", "prctl:EPERM", try_set_mm},
	CALL("process-madvise", "process_madvise", SYS_process_madvise, -1, 0, 0, 0, 0),
	CALL("kcmp", "kcmp", SYS_kcmp, 1, 1, KCMP_FILE, 0, 0),
	CALL("prlimit-init", "the limits of pid 1", SYS_prlimit64, 1, RLIMIT_NOFILE, 0, 0),

	{"tiocsti", "typing into the terminal: TIOCSTI", "ioctl:EPERM", try_tiocsti,
	 .held_b = "ioctl:EPERM terminal:EACCES"},
	{"tiocsti-high-bits", "… by TIOCSTI|1<<40", "ioctl:EPERM", try_tiocsti_high_bits,
	 .held_b = "ioctl:EPERM terminal:EACCES"},
	CALL("tioclinux", "pasting: TIOCLINUX", SYS_ioctl, 0, TIOCLINUX, 0),
	CALL("tioccons", "the console: TIOCCONS", SYS_ioctl, 0, TIOCCONS, 0),
	{"line-discipline", "a line discipline: TIOCSETD", "ioctl:EPERM", try_line_discipline,
	 .held_b = "ioctl:EPERM terminal:EACCES"},
	CALL("btrfs-snapshot", "a snapshot of btrfs", SYS_ioctl, 0, IOC_BTRFS_SNAP_CREATE, 0),
	CALL("bcachefs", "a call of bcachefs", SYS_ioctl, 0, IOC_BCACHEFS, 0),

	{"capabilities", "a capability in force", "rights:NONE", try_capabilities, "CapEff"},
	{"capabilities-permitted", "… permitted", "rights:NONE", try_capabilities, "CapPrm"},
	{"capabilities-bounding", "… that a program could bring", "rights:NONE", try_capabilities,
	 "CapBnd",
	 .held_b = "!whoever has no capability cannot drop this; no_new_privs stands before it"},
	{"set-user-id", "a program with the set-user-id bit", "rights:NONE", try_set_user_id,
	 "/bin/mount"},
	{"chmod-set-user-id", "the set-user-id bit for a file outside", "chmod:EPERM",
	 try_chmod_set_user_id, "4755"},
	{"chmod-set-group-id", "the set-group-id bit", "chmod:EPERM", try_chmod_set_user_id,
	 "2755"},
	{"core-handler", "the host's handler of core dumps", "limit:HELD", try_core_limit},
	{"shared-memory", "System V shared memory of the host's", "shmget:ENOENT",
	 try_shared_memory, "{key}", .held_b = "shmget:ENOSYS"},
	{"message-queue", "a POSIX message queue of the host's", "mq_open:ENOENT",
	 try_message_queue, "mcpjail-escape-{key}", .held_b = "mq_open:ENOSYS"},
	{"iptables", "packet rules by the old way", "setsockopt:EPERM", try_packet_filter},
	LACK("lsm-modules", "the security modules", NR_LSM_LIST_MODULES, 0, 0, 0),
	LACK("mempolicy", "pages between nodes", SYS_set_mempolicy, -1, 0, 0),
	LACK("move-pages", "another process's pages", SYS_move_pages, 0, 0, 0, 0, 0, 0),
	LACK("remap-pages", "remap_file_pages", SYS_remap_file_pages, 0, 0, 0, 0, 0),
	LACK("vmsplice", "vmsplice", SYS_vmsplice, -1, 0, 0, 0),
	LACK("io-setup", "the older asynchronous I/O", SYS_io_setup, 0, 0),
	CALL("ioprio", "before others at the disk", SYS_ioprio_set, 1, 0, 0),
	{"mknod", "make a device", "mknod:EPERM", try_mknod, "{project}/mem"},
	{.name = NULL},
};
