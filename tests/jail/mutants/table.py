# SPDX-License-Identifier: Apache-2.0
"""The mutants: each switches one defence off, by exact texts of the source.

edits    (file, text, text in its place); a file may have several
red      the probes that must then not be held any more
refused  instead of red: the self-test sees it, nothing starts, and these are its words
test     instead of red: the test that must then fail
who      whose columns: user (the default) or root
tier     a (the default) or b

Where a second wall keeps a probe green it is switched off as well, and the name says both; what
sees the change before anything starts, a self-test, is a mutant of its own.
"""

NAMESPACES = "launcher/jail/namespaces.c"
INIT = "launcher/jail/init.c"
FILTER = "launcher/jail/filter/filter.c"
RULES = "launcher/jail/net/netns_rules.c"
MOUNTS = "launcher/jail/files/mounts.c"
DEVICES = "launcher/jail/files/devices.c"
GUARDS = "launcher/jail/keeps/guards.c"
PRIVILEGES = "launcher/jail/privileges.c"
LANDLOCK = "launcher/jail/files/landlock.c"
AGENT = "launcher/jail/agent.c"
SELFTEST = "launcher/jail/files/selftest_files.c"
SELFTEST_NETWORK = "launcher/jail/net/selftest_network.c"
STDIO = "launcher/roles/stdio.c"
INET_AWAIT = "launcher/broker/inet_await.c"
INET_CONNECT = "launcher/broker/inet_connect.c"
B_FILES = "launcher/jail/tier_b/tier_b_files.c"
B_SELFTEST = "launcher/jail/tier_b/tier_b_selftest.c"
CONFINE = "launcher/sandbox/confine.c"
CONNECT = "launcher/broker/unix_connect.c"

ALL_NAMESPACES = "(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)"


def namespaces_but(name):
    return (NAMESPACES, ALL_NAMESPACES, ALL_NAMESPACES.replace(name + " | ", ""))


def removed(file, text):
    return (file, text, "")


# The self-tests that would refuse to start.
PRIVILEGES_UNSEEN = (PRIVILEGES, "bool privileges_are_gone(void)\n{\n", "bool privileges_are_gone(void)\n{\n\tif (getpid())\n\t\treturn true;\n")
ROOT_UNSEEN = (SELFTEST, "	return fd < 0 && is_mounted_read_only(\"/\");", "	return true;")
MOUNTS_UNSEEN = (SELFTEST, "	if (!entry->is_read_only && !may_be_writable(layout, entry->path))", "	if (!entry)")
HIDDEN_UNSEEN = (SELFTEST, "	return n <= 2; /* . and .. */", "	return true;")
NETWORK_UNSEEN = (SELFTEST_NETWORK, "	int r = try_all(net, \"198.51.100.7\", err);\n", "	int r = 0;\n\n	if (!net)\n		r = try_all(net, \"198.51.100.7\", err);\n	return r;\n")
PACKET_UNSEEN = (SELFTEST, "	if (opens_socket(AF_PACKET, SOCK_RAW))", "	if (false)")
VSOCK_UNSEEN = (SELFTEST, "	if (opens_socket(AF_VSOCK, SOCK_STREAM))", "	if (false)")

# Walls that stand behind others.
NO_WALL = ("launcher/roles/supervision_start.c", "		supervision_prepare_wall(s);\n", "		s->wall_error = err;\n")
NO_LANDLOCK = (LANDLOCK, "	int r = trees ?", "	int r = !landlock_abi() ? 0 : landlock_abi() ? 0 : trees ?")
NO_DROP = (PRIVILEGES, "int privileges_drop(struct error *err)\n{\n", "int privileges_drop(struct error *err)\n{\n\tif (getpid())\n\t\treturn prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);\n")

# Tier B's.
B_SOCKETS = removed(FILTER, "	FAIL_B(socket, BROKERED, \"made, and later connected, by the broker\",\n	       DOMAIN(AF_INET, AF_INET6)),\n")
B_CONNECTS = removed(FILTER, "	FAIL_B(connect, BROKERED, \"all: AF_UNSPEC has any length, and undoes a bind\", {0}),\n")
B_SCOPES = [(B_FILES, "landlock_begin(READS | WRITES | LANDLOCK_SCOPE)", "landlock_begin(READS | WRITES)"), (B_FILES, "landlock_begin(WRITES | LANDLOCK_SCOPE |", "landlock_begin(WRITES |")]
B_WRITES = (B_FILES, "	int r = permit_terminal(rules, b->pty_slave, WRITES);\n\n	for", "	int r = permit(rules, \"/\", WRITES);\n\n	for")

MUTANTS = [
    # --- namespaces -------------------------------------------------------------------
    {"name": "network-namespace", "edits": [namespaces_but("CLONE_NEWNET")], "refused": "network of the jail"},
    {"name": "pid-namespace", "edits": [namespaces_but("CLONE_NEWPID")], "refused": "the jail's own /proc"},
    {"name": "mount-namespace", "edits": [namespaces_but("CLONE_NEWNS")], "refused": "not permitted"},
    {"name": "ipc-namespace", "edits": [namespaces_but("CLONE_NEWIPC")], "red": "shared-memory message-queue"},

    # --- the network --------------------------------------------------------------------
    {"name": "tproxy-selftest", "edits": [removed(RULES, "	expr_tproxy(b, port);\n")], "refused": "self-test of the jail's network"},
    {"name": "tproxy", "edits": [removed(RULES, "	expr_tproxy(b, port);\n"), NETWORK_UNSEEN], "red": "tcp-v4 tcp-v6 tcp-metadata mptcp"},
    {"name": "loopback-is-the-agents", "edits": [(RULES, "{RULES_BARE, rule_loopback4}, {RULES_BARE, rule_loopback6},", "")], "red": "tcp-host-loopback tcp-host-loopback-v6"},

    # --- the filter: sockets --------------------------------------------------------------
    {"name": "socket-families-selftest", "edits": [
        (FILTER, "		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)),\n	DENY_IF(socket, \"raw", "		SECCOMP_IS(0, SECCOMP_ALL_BITS, AF_TIPC)),\n	DENY_IF(socket, \"raw")],
     "refused": "vsock socket"},
    {"name": "socket-families", "who": "root", "edits": [
        (FILTER, "		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)),\n	DENY_IF(socket, \"raw", "		SECCOMP_IS(0, SECCOMP_ALL_BITS, AF_TIPC)),\n	DENY_IF(socket, \"raw"),
        PACKET_UNSEEN, VSOCK_UNSEEN], "red": "vsock alg smc rds kcm can bluetooth"},
    {"name": "packet-sockets", "who": "root", "edits": [
        (FILTER, "		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)),\n	DENY_IF(socket, \"raw", "		SECCOMP_IS(0, SECCOMP_ALL_BITS, AF_TIPC)),\n	DENY_IF(socket, \"raw"),
        PACKET_UNSEEN, VSOCK_UNSEEN, NO_DROP, PRIVILEGES_UNSEEN], "red": "packet packet-high-bits"},
    {"name": "socket-types", "edits": [removed(FILTER, "	DENY_IF(socket, \"raw, SCTP's seqpacket, DCCP\", DOMAIN(AF_INET, AF_INET6),\n		NOT_TYPE(SOCK_STREAM, SOCK_DGRAM)),\n")], "red": "sctp-seqpacket dccp"},
    {"name": "raw-sockets-and-wall", "who": "root", "edits": [removed(FILTER, "	DENY_IF(socket, \"raw, SCTP's seqpacket, DCCP\", DOMAIN(AF_INET, AF_INET6),\n		NOT_TYPE(SOCK_STREAM, SOCK_DGRAM)),\n"), NO_DROP, PRIVILEGES_UNSEEN, NO_WALL],
     "red": "raw raw-v6 raw-high-bits"},
    {"name": "stream-protocols", "edits": [removed(FILTER, "	DENY_IF(socket, \"streams are TCP or MPTCP: not SCTP, not SMC\", DOMAIN(AF_INET, AF_INET6),\n		TYPE(SOCK_STREAM), NOT_PROTOCOL(0, IPPROTO_TCP, IPPROTO_MPTCP)),\n")], "red": "sctp smc-protocol"},
    {"name": "datagram-protocols", "edits": [removed(FILTER, "	DENY_IF(socket, \"datagrams are UDP: not ICMP, not UDP-Lite\", DOMAIN(AF_INET, AF_INET6),\n		TYPE(SOCK_DGRAM), NOT_PROTOCOL(0, IPPROTO_UDP)),\n")], "red": "udplite"},
    {"name": "netlink-protocols", "edits": [removed(FILTER, "	DENY_IF(socket, \"libc asks for addresses by rtnetlink; other families only feed the kernel\",\n		DOMAIN(AF_NETLINK), NOT_PROTOCOL(NETLINK_ROUTE)),\n")],
     "red": "netlink-netfilter netlink-diag netlink-uevent netlink-audit netlink-generic netlink-connector netlink-high-bits nft-flush"},
    {"name": "socketpair-families", "edits": [removed(FILTER, "	DENY_IF(socketpair, \"only AF_UNIX has use for pairs; TIPC has them too\",\n		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX)),\n")], "red": "tipc-pair"},
    {"name": "fastopen-sendto", "edits": [removed(FILTER, "	FAIL_IF(sendto, NO_FASTOPEN, \"a connect in disguise\", SECCOMP_HAS(3, MSG_FASTOPEN)),\n")], "red": "fastopen-sendto fastopen-high-bits"},
    {"name": "fastopen-sendmsg", "edits": [removed(FILTER, "	FAIL_IF(sendmsg, NO_FASTOPEN, \"a connect in disguise\", SECCOMP_HAS(2, MSG_FASTOPEN)),\n")], "red": "fastopen-sendmsg fastopen-mptcp"},
    {"name": "fastopen-sendmmsg", "edits": [removed(FILTER, "	FAIL_IF(sendmmsg, NO_FASTOPEN, \"a connect in disguise\", SECCOMP_HAS(3, MSG_FASTOPEN)),\n")], "red": "fastopen-sendmmsg"},
    {"name": "fastopen-connect", "edits": [removed(FILTER, "	FAIL_IF(setsockopt, NO_FASTOPEN, \"puts the connect off to the first write\",\n		SECCOMP_IS(1, SECCOMP_ALL_BITS, IPPROTO_TCP),\n		SECCOMP_IS(2, SECCOMP_ALL_BITS, TCP_FASTOPEN_CONNECT)),\n")], "red": "fastopen-connect"},

    # --- the filter: unix sockets -------------------------------------------------------------
    {"name": "unix-sockets-brokered", "edits": [removed(FILTER, "	FAIL_IF(socket, BROKERED, \"one that is not connected could be, to any of the host's\",\n		DOMAIN(AF_UNIX)),\n")], "red": "unix-length-12 unix-length-16 unix-length-28"},
    {"name": "unix-datagrams", "edits": [removed(FILTER, "	FAIL_IF(socket, NO_ACCESS,\n		\"a datagram socket sends to any path; SOCK_RAW is the same in AF_UNIX\",\n		DOMAIN(AF_UNIX), NOT_TYPE(SOCK_STREAM, SOCK_SEQPACKET)),\n"),
                                         removed(FILTER, "	FAIL_IF(socket, BROKERED, \"one that is not connected could be, to any of the host's\",\n		DOMAIN(AF_UNIX)),\n")], "red": "unix-datagram unix-raw host"},
    {"name": "unix-datagram-pairs", "edits": [removed(FILTER, "	FAIL_IF(socketpair, BROKERED, \"an end of a datagram pair sends to any path\",\n		DOMAIN(AF_UNIX), NOT_TYPE(SOCK_STREAM, SOCK_SEQPACKET)),\n")], "red": "unix-datagram-pair host"},
    {"name": "broker-judges-paths", "edits": [(CONNECT, "	if (!listed_has(&b->listed, &file))\n		return refuse_pin(b, c, pin);\n", "")],
     "red": "unix-stream unix-late unix-seqpacket unix-in-project unix-in-project-late unix-symlink unix-hard-link unix-relative unix-length-12 unix-length-16 unix-length-28 "
            "unix-bind-over unix-inode-reuse unix-thread unix-flip-link unix-flip-address unix-signals unix-disconnected host"},

    {"name": "made-inside-lives", "edits": [("launcher/broker/made.c", "!memcmp(entry->name, like->name, like->name_n) &&\n			unix_diag_exists(m->diag, &entry->id);", "!memcmp(entry->name, like->name, like->name_n);")], "red": "unix-inode-reuse"},

    # --- the filter: calls ------------------------------------------------------------------------
    {"name": "io-uring", "edits": [removed(FILTER, "	DENY(io_uring_setup, \"calls past this filter\"),\n	DENY(io_uring_enter, \"calls past this filter\"),\n	DENY(io_uring_register, \"calls past this filter\"),\n")], "red": "io-uring-setup io-uring-enter io-uring-register"},
    {"name": "foreign-calls", "edits": [(FILTER, "	.foreign_abi = NO_SUCH_CALL,", "	.foreign_abi = SECCOMP_RET_ALLOW,")], "red": "i386 i386-socket"},
    {"name": "other-processes", "edits": [removed(FILTER, "	TELL(ptrace, UNLESS_PTRACE, \"drives another process\"),\n	TELL(process_vm_readv, UNLESS_PTRACE, \"reads another process\"),\n	TELL(process_vm_writev, UNLESS_PTRACE, \"writes another process\"),\n	DENY(process_madvise, \"pages out another process\"),\n"),
                                          removed(FILTER, "	DENY(kcmp, \"compares kernel pointers of processes\"),\n	DENY(pidfd_getfd, \"takes another process's descriptors\"),\n")],
     "red": "ptrace read-memory write-memory process-madvise pidfd-getfd"},
    {"name": "set-mm", "edits": [removed(FILTER, "	DENY_IF(prctl, \"says which file is its program, which records name\",\n		SECCOMP_IS(0, SECCOMP_ALL_BITS, PR_SET_MM)),\n")], "red": "set-mm"},
    {"name": "limits-of-others", "edits": [removed(FILTER, "	DENY_IF(prlimit64, \"limits another process: the jail's init is one\", /* 0 is the caller */\n		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0)),\n")], "red": "prlimit-init"},
    {"name": "turn-of-init", "edits": [removed(FILTER, "	DENY_IF(setpriority, \"a whole user's, or a group's that init may be in\",\n		SECCOMP_NOT(0, SECCOMP_ALL_BITS, PRIO_PROCESS)),\n	DENY_IF(setpriority, \"init waits behind the agent\", SECCOMP_IS(1, SECCOMP_ALL_BITS, 1)),\n	DENY_IF(sched_setscheduler, \"init's turn\", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),\n	DENY_IF(sched_setparam, \"init's turn\", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),\n	DENY_IF(sched_setattr, \"init's turn\", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),\n	DENY_IF(sched_setaffinity, \"init's processors\", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),\n")],
     "red": "priority-init scheduler-init processors-init"},
    {"name": "leases", "edits": [removed(FILTER, "	FAIL_IF(fcntl, NO_LEASE, \"who writes a file outside waits for who has a lease on it\",\n		SECCOMP_IS(1, SECCOMP_ALL_BITS, F_SETLEASE, FCNTL_SETDELEG)),\n")], "red": "lease"},
    {"name": "core-limit", "edits": [removed(FILTER, "	FAIL_IF(prlimit64, CORE_IGNORED, \"starts a program of the host's\",\n		SECCOMP_IS(1, SECCOMP_ALL_BITS, RLIMIT_CORE), SECCOMP_NOT(2, SECCOMP_ALL_BITS, 0)),\n	FAIL_IF(setrlimit, CORE_IGNORED, \"starts a program of the host's\",\n		SECCOMP_IS(0, SECCOMP_ALL_BITS, RLIMIT_CORE)),\n")], "red": "core-handler"},
    {"name": "set-user-id-bits", "edits": [removed(FILTER, "	DENY_IF(chmod, \"set-user-id\", SECCOMP_HAS(1, SUID_SGID)),\n"), removed(FILTER, "	DENY_IF(fchmodat, \"set-user-id\", SECCOMP_HAS(2, SUID_SGID)),\n")], "red": "chmod-set-user-id chmod-set-group-id"},
    {"name": "new-namespaces", "edits": [removed(FILTER, "	TELL_IF(unshare, UNLESS_NESTED, \"a user namespace gives capabilities, and kernel code\",\n		SECCOMP_HAS(0, CLONE_NEW_ANY | CLONE_NEWTIME)),\n"), removed(FILTER, "	TELL_IF(clone, UNLESS_NESTED, \"as unshare\", SECCOMP_HAS(0, CLONE_NEW_ANY)),\n")],
     "red": "unshare-user clone-user clone-user-net"},
    {"name": "clone3", "edits": [removed(FILTER, "	LACK(clone3, \"its flags lie behind a pointer\"),\n")], "red": "clone3-user"},
    {"name": "new-mount-api", "edits": [removed(FILTER, "	KEEP_API(SCMP_SYS(fsopen)),\n	KEEP_API(SCMP_SYS(fsconfig)),\n	KEEP_API(SCMP_SYS(fsmount)),\n	KEEP_API(SCMP_SYS(fspick)),\n	KEEP_API(SCMP_SYS(move_mount)),\n	KEEP_API(SCMP_SYS(open_tree)),\n	KEEP_API(SCMP_SYS(mount_setattr)),\n	KEEP_API(NR_OPEN_TREE_ATTR),\n"), NO_DROP, PRIVILEGES_UNSEEN],
     "who": "root", "red": "fsopen fsconfig fsmount fspick move-mount mount-setattr"},
    {"name": "mount-calls", "who": "root", "edits": [
        removed(FILTER, "	KEEP(setns, UNLESS_NESTED, \"enters another namespace\"),\n	KEEP(sethostname, UNLESS_NESTED, \"administration\"),\n	KEEP(setdomainname, UNLESS_NESTED, \"administration\"),\n"),
        removed(FILTER, "	KEEP(mount, UNLESS_NESTED, \"changes what the agent may write\"),\n	KEEP(umount2, UNLESS_NESTED, \"uncovers what is masked\"),\n	KEEP(pivot_root, UNLESS_NESTED, \"another root\"),\n	KEEP(chroot, UNLESS_NESTED, \"another root\"),\n"),
        NO_DROP, PRIVILEGES_UNSEEN, NO_LANDLOCK],
     "red": "setns-own sethostname setdomainname mount-tmpfs umount pivot-root chroot"},
    {"name": "file-handles", "edits": [removed(FILTER, "	DENY(name_to_handle_at, \"makes the handles for it\"),\n")], "red": "name-to-handle"},
    {"name": "kernel-calls", "edits": [removed(FILTER, "	DENY(perf_event_open, \"watches the machine; a rich source of kernel bugs\"),\n	DENY(userfaultfd, \"stops the kernel at a chosen page: a tool of exploits\"),\n	DENY(keyctl, \"keyrings are not namespaced\"),\n	DENY(add_key, \"keyrings are not namespaced\"),\n	DENY(request_key, \"keyrings are not namespaced\"),\n"),
                                       removed(FILTER, "	DENY(modify_ldt, \"16-bit segments: kernel bugs, and no use outside of wine\"),\n"),
                                       removed(FILTER, "	DENY(fanotify_init, \"watches whole file systems\"),\n"),
                                       removed(FILTER, "	DENY(ioprio_set, \"goes before others at the disk\"),\n")],
     "red": "perf-event userfaultfd keyctl add-key request-key modify-ldt fanotify ioprio"},
    {"name": "terminal-calls", "edits": [removed(FILTER, "	DENY_IF(ioctl, \"types as the person would; pastes; takes the console; line disciplines\",\n		SECCOMP_IS(1, SECCOMP_ALL_BITS, TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD)),\n")], "red": "tiocsti tiocsti-high-bits tioclinux tioccons line-discipline"},
    {"name": "snapshots", "edits": [removed(FILTER, "	DENY_IF(ioctl, \"copies of a tree without the mounts that hide and protect parts of it\",\n		SECCOMP_IS(1, SECCOMP_ALL_BITS, IOC_BTRFS_SNAP_CREATE, IOC_BTRFS_SNAP_CREATE_V2,\n			   IOC_BTRFS_SUBVOL_CREATE, IOC_BTRFS_SUBVOL_CREATE_V2)),\n	DENY_IF(ioctl, \"as btrfs\", SECCOMP_IS(1, IOC_TYPE_MASK, IOC_TYPE_BCACHEFS)),\n")], "red": "btrfs-snapshot bcachefs"},

    # --- privileges ----------------------------------------------------------------------------------
    {"name": "capabilities-selftest", "who": "root", "edits": [NO_DROP], "refused": "privileges: are left"},
    {"name": "capabilities", "who": "root", "edits": [NO_DROP, PRIVILEGES_UNSEEN],
     "red": "capabilities capabilities-permitted capabilities-bounding set-user-id route-add route-delete link-veth loopback-flags transparent mark"},
    {"name": "no-new-privs-selftest", "edits": [(PRIVILEGES, "	if (!r && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)\n		r = -errno;\n", "")], "refused": "privileges: are left"},

    # --- descriptors --------------------------------------------------------------------------------------
    {"name": "stdio-relay", "edits": [(STDIO, "			r = pump_stream(&plan, relay, i);\n	}", "			r = i ? pump_stream(&plan, relay, i) : 0;\n	}")], "red": "stdin-socket small-internet"},
    {"name": "descriptors-closed-twice", "edits": [(INIT, "			close_range(next, (unsigned)lowest - 1, 0);", "			;"), (INIT, "	close_range(next, ~0u, 0);\n", ""), (AGENT, "	return close_range(4, ~0u, 0) < 0 ? -errno : 0;", "	return 0;")], "red": "inherited"},

    # --- files ------------------------------------------------------------------------------------------------
    {"name": "read-only-root-selftest", "edits": [(MOUNTS, "	r = mount_seal(\"/\", MOUNT_SEALED);", "	r = 0;")], "refused": "is writable"},
    {"name": "read-only-root-and-landlock", "edits": [(MOUNTS, "	r = mount_seal(\"/\", MOUNT_SEALED);", "	r = 0;"), ROOT_UNSEEN, MOUNTS_UNSEEN, NO_LANDLOCK],
     "red": "write truncate chmod chown xattr utimes unlink move create create-link write-by-symlink write-by-descriptor write-by-proc-root write-by-dots symlink-out"},
    {"name": "read-only-root-of-root", "who": "root", "edits": [(MOUNTS, "	r = mount_seal(\"/\", MOUNT_SEALED);", "	r = 0;"), ROOT_UNSEEN, MOUNTS_UNSEEN, NO_LANDLOCK],
     "red": "cron cron-symlink cron-directory cron-proc-root passwd program-directory"},
    {"name": "private-tmp", "edits": [removed(MOUNTS, "		{\"tmp\", \"/tmp\", MOUNT_SAFE},\n		{\"vartmp\", \"/var/tmp\", MOUNT_SAFE},\n")], "red": "tmp var-tmp"},
    {"name": "sys-masked", "edits": [removed(MOUNTS, "		{\"empty\", \"/sys\", MOUNT_SEALED | MOUNT_ATTR_NOEXEC},\n")], "red": "sys"},
    {"name": "proc-masks", "who": "root", "edits": [(MOUNTS, "			r = guards_blank(mounts->scratch, at);\n		else if (errno != ENOENT)", "			r = 0;\n		else if (errno != ENOENT)")], "red": "kallsyms proc-keys"},
    {"name": "proc-read-only", "who": "root", "edits": [(MOUNTS, "(geteuid() ? MOUNT_SAFE : MOUNT_SEALED)", "(MOUNT_SAFE)"), (MOUNTS, "{\"sys\", \"sysrq-trigger\", \"irq\", \"bus\", \"fs\", \"acpi\"}", "{\"bus\"}"), MOUNTS_UNSEEN, NO_LANDLOCK],
     "red": "core-pattern drop-caches irq-affinity"},
    {"name": "private-devices-and-nodev", "who": "root", "edits": [("launcher/jail/files/mount_ops.h", "#define MOUNT_SAFE   (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)", "#define MOUNT_SAFE   MOUNT_ATTR_NOSUID"), (DEVICES, "mount_attach_at(dev, \"/dev\")", "0"), (DEVICES, "		r = attach_all(devices, dev, shm);", "		r = 0;"), MOUNTS_UNSEEN], "red": "dev-fuse"},
    {"name": "no-devices", "who": "root", "edits": [("launcher/jail/files/mount_ops.h", "#define MOUNT_SAFE   (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)", "#define MOUNT_SAFE   MOUNT_ATTR_NOSUID")], "red": "node-in-project"},
    {"name": "policy-read-only", "edits": [(GUARDS, "		{layout->policy_path, false},\n		{layout->policy_name, false},\n", "")], "red": "policy-write policy-unlink policy-rename policy-exchange policy-hard-link policy-symlink"},
    {"name": "default-policy-read-only", "edits": [(GUARDS, "		{layout->default_policy_dir, true},\n", "")], "red": "default-policy default-policy-directory"},
    {"name": "program-read-only", "edits": [(GUARDS, "		{layout->program_path, false},\n", "")], "red": "program"},
    {"name": "records-hidden-selftest", "edits": [(GUARDS, "	int r = hide_records(g, err);", "	int r = err ? 0 : hide_records(g, err);")], "refused": "can be seen"},
    {"name": "records-hidden", "edits": [(GUARDS, "	int r = hide_records(g, err);", "	int r = err ? 0 : hide_records(g, err);"), HIDDEN_UNSEEN], "red": "run-directory ledger-read ledger run-directory-move"},
    {"name": "state-hidden", "edits": [(GUARDS, "	r = hide_with_aliases(g, layout->state_dir);\n	if (!r)\n		r = guards_pin(layout, layout->state_name);\n", ""), HIDDEN_UNSEEN], "red": "state state-read state-move"},
    {"name": "stores-hidden", "edits": [(GUARDS, "	return stores_hide(g->layout, home, &found, g->scratch_fd, err);", "	return 0;")], "red": "ssh-key ssh-authorized aws-key netrc secret-by-proc-root store-move"},
    {"name": "kept-names", "edits": [(GUARDS, "	if (!r && g->layout->keeps)", "	if (!g->layout)")],
     "red": "git-hook git-hook-write git-hook-rename git-hook-symlink git-hook-nameless git-hooks-move git-move git-config git-config-rename mcp-json mcp-json-replace bashrc claude-hooks"},

    # --- Landlock ----------------------------------------------------------------------------------------------
    {"name": "landlock-scope", "edits": [("launcher/sandbox/landlock.c", "		rules.scoped = SCOPE_ALL;", "		rules.scoped = 0;")], "red": "kill-init"},
    {"name": "init-not-dumpable-and-landlock", "edits": [(INIT, "	if (!r && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)\n		r = -errno;\n", ""), NO_LANDLOCK], "red": "root-of-init cwd-of-init environment-of-init maps-of-init"},

    # --- tier B ---------------------------------------------------------------------------------------------------
    {"name": "b-brokered-tcp-and-ports", "tier": "b", "red": "tcp-v4 tcp-v6 tcp-metadata tcp-host-loopback small-internet packets host", "edits": [
        B_SOCKETS, B_CONNECTS, ("launcher/sandbox/landlock.c", "		rules.handled_net |= NET_CONNECT_TCP;", "		rules.handled_net |= 0;")]},
    {"name": "b-brokered-udp", "tier": "b", "red": "udp udp-v6 udp-sendto udp-sendmmsg quic dns small-internet packets", "edits": [
        B_SOCKETS, B_CONNECTS, removed(FILTER, "	FAIL_B(sendto, BROKERED, \"a question for the DNS, or a datagram to record\",\n	       SECCOMP_IS(5, SECCOMP_ALL_BITS, sizeof(struct sockaddr_in),\n			  sizeof(struct sockaddr_in6))),\n")]},
    {"name": "b-loopback-is-the-agents", "tier": "b", "red": "tcp-host-loopback tcp-host-loopback-v6 tcp-host-any host", "edits": [
        (INET_CONNECT, "	if (!inet_has_listener(b->inet, to)) {\n", "	if (!b) {\n"), (INET_AWAIT, "	if (!inet_is_proxy(inet, to) && !inet_has_listener(inet, to)) {", "	if (!inet) {"),
        (INET_CONNECT, "	if (!inet_is_ipv4(&to->address) && !inet_has_listener(b->inet, to))", "	if (!b)")]},
    {"name": "b-judges-paths", "tier": "b", "red": "unix-stream unix-late unix-flip-link host", "edits": [(CONNECT, "	if (!listed_has(&b->listed, &file))\n		return refuse_pin(b, c, pin);\n", "")]},
    {"name": "b-abstract-names-and-scope", "tier": "b", "red": "unix-abstract unix-abstract-x11 host", "edits": [(CONNECT, "	if (b->has_namespaces || made_has_name(b->made, &call->address))", "	if (b)"), *B_SCOPES]},
    {"name": "b-signals", "tier": "b", "red": "kill-victim kill-supervisor kill-init kill-by-pidfd", "edits": B_SCOPES},
    {"name": "b-reading", "tier": "b", "red": "ssh-key aws-key netrc state-read ledger-read tmp var-tmp run sys", "edits": [(B_FILES, "rules.ruleset : hide_all(&rules, &b->layout);", "rules.ruleset : 0;")]},
    {"name": "b-writing-selftest", "tier": "b", "refused": "is writable for the agent", "edits": [B_WRITES]},
    {"name": "b-writing", "tier": "b", "edits": [B_WRITES, (B_SELFTEST, "static bool can_make_a_file(const char *dir)\n{\n", "static bool can_make_a_file(const char *dir)\n{\n	if (dir)\n		return false;\n"),
                                                 (B_SELFTEST, "static bool can_append(const char *path)\n{\n", "static bool can_append(const char *path)\n{\n	if (path)\n		return false;\n")],
     "red": "write truncate unlink rename-over move create create-link write-by-symlink write-by-hard-link write-by-proc-root policy-write bashrc claude-hooks"},
    {"name": "b-ipc", "tier": "b", "red": "shared-memory message-queue", "edits": [removed(FILTER, "	LACK_B(shmget),\n"), removed(FILTER, "	LACK_B(mq_open),\n")]},

    # --- our own processes ---------------------------------------------------------------------------------------
    {"name": "role-filter", "who": "root", "test": "tests/jail/proxy_taken_over.t",
     "edits": [(CONFINE, "	return r ? r : seccomp_install(&profiles_table, PROFILE_BIT(profile), err);\n}\n\nint confine_role_bare", "	return r;\n}\n\nint confine_role_bare")]},
    {"name": "role-capabilities", "who": "root", "test": "tests/jail/roles_are_confined.t",
     "edits": [(CONFINE, "		r = room_make(p->has_network, err);\n	if (!r)\n		r = set_limits(p, err);\n	if (!r)\n		r = drop_capabilities(0, err);\n", "		r = room_make(p->has_network, err);\n	if (!r)\n		r = set_limits(p, err);\n")]},
    {"name": "init-filter", "who": "root", "test": "tests/jail/roles_are_confined.t",
     "edits": [("launcher/jail/filter/filter_init.c", "	return seccomp_install(&filter_init_table, FILTER_EVERY_ROW, err);", "	return err ? 0 : seccomp_install(&filter_init_table, FILTER_EVERY_ROW, err);")]},
    {"name": "second-wall", "who": "root", "test": "tests/jail/second_wall.t",
     "edits": [("bpf/wall.bpf.c", "		return stop(w, hook, ECONNREFUSED);", "		return PASS;")]},

    # --- the end ------------------------------------------------------------------------------------------------
    {"name": "lifeline-and-pdeathsig", "who": "root", "test": "tests/jail/killing_a_part_stops_the_agent.t",
     "edits": [(INIT, "	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||\n", "	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0 ||\n"), (INIT, "		if (fds[0].revents)\n			on_channel(init);\n", "		if (fds[0].revents == POLLIN)\n			on_channel(init);\n		else if (fds[0].revents)\n			fds[0].fd = -1;\n")]},
    {"name": "process-limit", "edits": [("launcher/commands/run_plan.c", "{.processes = j->processes,", "{.processes = 0,")], "red": "fork-bomb"},
]
