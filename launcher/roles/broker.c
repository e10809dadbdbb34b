// SPDX-License-Identifier: Apache-2.0
/*
 * The broker answers what the agent's filter does not decide: unix sockets, for which the
 * address has to be read. It is the only role that looks into the agent's memory, and does so
 * from within the jail's user, network and mount namespaces, so that it can reach no more
 * than the agent could. It is not in the jail's pid namespace, where it could be seen.
 *
 *	configuration	policy, channels; the directories of the host's sockets that are listed
 *	MSG_BROKER_JAIL	the agent's filter is on. Its calls wait from here on
 *	confinement	namespaces, two capabilities, a list of system calls; then threads
 *	serving		workers answer calls (broker/broker.h); this thread reads the channels
 *
 * Nobody waits for it but who makes such a call. Its end is the run's: calls that are not
 * answered fail.
 */
#include "roles/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/diag.h"
#include "broker_remains.h"
#include "jail/jail.h"
#include "policy/policy.h"
#include "sandbox/confine.h"

enum broker_config_fd { CONFIG_POLICY = 0, CONFIG_KEEPER, CONFIG_PROXY };
enum broker_jail_fd { JAIL_LISTENER = 0, JAIL_USER, JAIL_NET, JAIL_MOUNT };

struct broker_role {
	struct channel supervisor;
	struct broker broker;
	struct owner *owner;
	struct owner_cache *cache;
	struct wall_owners *owners; /* NULL: there is no second wall */
	struct policy *policy;
	int root_fd;    /* of the jail, for who may nest; else -1 */
	int init_pidfd; /* tier B; -1: none, or it has ended */
	bool is_scoped; /* tier B: remains_are_scoped() */
};

static int load_policy(int fd, struct policy **ret, struct error *err)
{
	autopolicyerrors struct policy_errors errors = {0};
	struct span text;
	int r = io_map(fd, POLICY_BYTES_MAX, &text);

	if (r)
		return r;
	r = policy_parse(text.p, text.n, "policy", ret, &errors);
	io_unmap(text);
	if (policy_errors_count(&errors))
		*err = *policy_errors_at(&errors, 0);
	return r;
}

static int open_listed(struct broker_role *role, const struct msg_broker_config *config)
{
	char home[IPC_PATH_MAX + 1], cwd[IPC_PATH_MAX + 1];
	const struct listed_places places = {home, cwd};

	span_copy(config->home, home, sizeof(home));
	span_copy(config->cwd, cwd, sizeof(cwd));
	return listed_open(policy_sockets(role->policy), &places, &role->broker.listed);
}

/* The next message, which has to be of one type. Return: 0; -EPIPE at the run's end; -errno */
static int expect(struct broker_role *role, enum message_type type, struct message *ret)
{
	int r = channel_receive(&role->supervisor, ret);

	if (r <= 0)
		return r ? r : -EPIPE;
	if (ret->type == type)
		return 0;
	message_free(ret);
	return -EPROTO;
}

static int take_config(struct broker_role *role, struct message *m, struct error *err)
{
	struct msg_broker_config config;
	struct broker *b = &role->broker;
	int r = message_decode(m, &config);

	if (r)
		return r;
	log_set_level((enum log_level)config.log_level);
	b->has_namespaces = config.tier == JAIL_TIER_A;
	r = channel_open(&b->keeper, message_take_fd(m, CONFIG_KEEPER), ROLE_BROKER, ROLE_KEEPER);
	if (!r)
		r = channel_open(&b->proxy, message_take_fd(m, CONFIG_PROXY), ROLE_BROKER,
				 ROLE_PROXY);
	if (!r)
		r = load_policy(m->fds[CONFIG_POLICY], &role->policy, err);
	if (r)
		return r;
	b->allows_nested_sandbox = policy_jail(role->policy)->nested_sandbox;
	b->is_root = !geteuid();
	return open_listed(role, &config);
}

/*
 * The system's /proc, read-only: in it uid 0 may write /proc/sys, without any capability. Who is
 * another user has neither the right to do that nor to make the mount for it.
 */
static int open_proc(void)
{
	autoclose int copy =
		(int)syscall(SYS_open_tree, AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};

	if (copy < 0)
		return open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (syscall(SYS_mount_setattr, copy, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)))
		return -1;
	return openat(copy, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int configure(struct broker_role *role, struct error *err)
{
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};
	struct broker *b = &role->broker;
	int r = expect(role, MSG_BROKER_CONFIG, &m);

	if (!r)
		r = take_config(role, &m, err);
	if (r)
		return r;
	/* In the jail's own /proc neither we nor the numbers of our callers exist. */
	b->proc_fd = open_proc();
	b->own_fds = openat(b->proc_fd, "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->proc_fd < 0 || b->own_fds < 0)
		return -errno;
	b->standins = standins_new();
	return b->standins ? 0 : -ENOMEM;
}

/* --- entering ------------------------------------------------------------------------ */

/* The sockets that ask the kernel about the jail's network are made in it, before the filter. */
static int open_questions(struct broker_role *role)
{
	struct broker *b = &role->broker;
	int diag, r = made_new(&b->made);

	if (r)
		return r;
	diag = diag_open();
	if (diag < 0)
		return diag;
	if (b->has_namespaces && b->allows_nested_sandbox)
		role->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = owner_cache_new(&role->cache);
	if (r)
		return r;
	b->owners = (struct owner_sources){.proc_fd = b->proc_fd,
					   .diag_fd = diag,
					   .root_fd = role->root_fd,
					   .init = b->init,
					   .cache = role->cache,
					   .owners = role->owners};
	return owner_new(&b->owners, &role->owner);
}

/* Before confinement, after which no file can be mapped. */
static int take_jail(struct broker_role *role, struct message *m, struct msg_broker_jail *ret)
{
	int r = message_decode(m, ret);
	autoclose int fd = -1;

	if (r || !ret->has_owners)
		return r;
	fd = message_take_fd(m, m->n_fds - 1);
	m->n_fds--;
	return wall_owners_open(fd, &role->owners);
}

/* In tier B the broker also is what the processes of the jail have in common. */
static int enter_tier_b(struct broker_role *role, const struct msg_broker_jail *jail,
			struct error *err)
{
	const struct inet_facts facts = {.proxy_port = (uint16_t)jail->proxy_port,
					 .proxy_port6 = (uint16_t)jail->proxy_port6,
					 .proc_fd = role->broker.proc_fd};

	role->init_pidfd = (int)syscall(SYS_pidfd_open, role->broker.init, 0);
	if (role->init_pidfd < 0)
		return -errno;
	role->is_scoped = remains_are_scoped();
	return inet_new(&facts, &role->broker.inet, err);
}

static int enter(struct broker_role *role, struct message *m, struct error *err)
{
	struct broker *b = &role->broker;
	struct msg_broker_jail jail;
	int r = take_jail(role, m, &jail);
	const struct confine_namespaces to = {
		.user = m->n_fds > JAIL_USER ? m->fds[JAIL_USER] : -1,
		.net = m->n_fds > JAIL_NET ? m->fds[JAIL_NET] : -1,
		.mount = m->n_fds > JAIL_MOUNT ? m->fds[JAIL_MOUNT] : -1,
	};

	if (!r && b->has_namespaces != (m->n_fds > JAIL_MOUNT))
		r = -EPROTO;
	if (r)
		return r;
	b->init = (pid_t)jail.init;
	b->listener = message_take_fd(m, JAIL_LISTENER);
	r = notify_prepare(b->listener);
	if (!r)
		r = confine_join(&to, err);
	if (!r)
		r = open_questions(role);
	if (!r && !b->has_namespaces)
		r = enter_tier_b(role, &jail, err);
	if (!r)
		r = confine_broker(b->has_namespaces, err);
	return r ? r : broker_start(b);
}

static int await_jail(struct broker_role *role, struct error *err)
{
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};
	int r = expect(role, MSG_BROKER_JAIL, &m);

	return r ? r : enter(role, &m, err);
}

/* --- serving --------------------------------------------------------------------------- */

static int on_proxy(struct broker_role *role)
{
	struct channel *proxy = &role->broker.proxy;
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};
	autobuf struct buf exec = BUF_INIT(IPC_EXEC_MAX);
	struct msg_process process;
	struct msg_who who;
	int r = channel_receive(proxy, &m);

	if (r == -EAGAIN)
		return 0;
	/* The supervisor has its end from the process's end; ours is told by the supervisor. */
	if (r == 0) {
		channel_close(proxy);
		return 0;
	}
	if (r < 0)
		return r;
	if (m.type != MSG_WHO || message_decode(&m, &who))
		return -EPROTO;
	process.conn = who.conn;
	r = owner_find(role->owner, &who, &exec);
	process.exec = span_bytes(exec.data, exec.len);
	if (!r)
		r = channel_send(proxy, MSG_PROCESS, &process);
	return r == -EPIPE ? 0 : r;
}

/* The supervisor has nothing more to say; nor has the keeper. */
static int serve(struct broker_role *role)
{
	int r = 0;

	while (!r) {
		struct pollfd fds[] = {{role->supervisor.fd, POLLIN, 0},
				       {role->broker.proxy.fd, POLLIN, 0},
				       {role->init_pidfd, POLLIN, 0}};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			return -EPIPE;
		if (fds[2].revents) {
			fd_close(&role->init_pidfd);
			remains_end(role->is_scoped);
		}
		if (fds[1].revents)
			r = on_proxy(role);
	}
	return r;
}

static void report(int r, const struct error *err)
{
	char line[ERROR_LINE_BYTES];

	error_format(err, line, sizeof(line));
	log_error("broker: %s", err->what[0] ? line : strerror(-r));
}

int broker_main(int supervisor_fd)
{
	struct broker_role role = {
		.supervisor = {.fd = -1},
		.broker = {.listener = -1,
			   .proc_fd = -1,
			   .own_fds = -1,
			   .keeper = {.fd = -1},
			   .proxy = {.fd = -1},
			   .fs_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
			   .lock = PTHREAD_MUTEX_INITIALIZER},
		.root_fd = -1,
		.init_pidfd = -1,
	};
	struct error err = {{0}, {0}, {0}};
	int r = channel_open(&role.supervisor, supervisor_fd, ROLE_BROKER, ROLE_SUPERVISOR);

	if (!r)
		r = configure(&role, &err);
	if (!r)
		r = await_jail(&role, &err);
	if (!r)
		r = channel_send(&role.supervisor, MSG_BROKER_READY, NULL);
	if (!r)
		r = serve(&role);
	if (role.broker.inet)
		remains_end(role.is_scoped);
	/* A channel that ended is the run's end, not an error of this role. */
	if (r && r != -EPIPE)
		report(r, &err);
	/* Its workers use all of it until the process ends, which frees it. */
	return r && r != -EPIPE ? EXIT_FAILURE : EXIT_SUCCESS;
}
