// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/init_stages.h"
#include "jail/tier_b/tier_b_internal.h"
#include "jail/files/trust_files.h"

#define BACKLOG 4096

/* --- the proxy's listeners -------------------------------------------------------- */

static int listen_at(const struct sockaddr *address, socklen_t n)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, one = 1;
	autoclose int fd = socket(address->sa_family, type, 0);

	if (fd < 0)
		return -errno;
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, address, n) || listen(fd, BACKLOG))
		return -errno;
	return fd_take(&fd);
}

int tier_b_open_sockets(struct tier_b_sockets *ret, struct error *err)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
					.sin6_addr = IN6ADDR_LOOPBACK_INIT};

	ret->tcp = listen_at((const struct sockaddr *)&v4, sizeof(v4));
	ret->tcp6 = listen_at((const struct sockaddr *)&v6, sizeof(v6));
	ret->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (ret->tcp >= 0 && ret->pidfd >= 0)
		return 0;
	error_set(err, "tier b", NULL, "the proxy's listener on the loopback: %s",
		  strerror(ret->tcp < 0 ? -ret->tcp : errno));
	return ret->tcp < 0 ? ret->tcp : -EIO;
}

void tier_b_close_sockets(struct tier_b_sockets *sockets)
{
	fd_close(&sockets->tcp);
	fd_close(&sockets->tcp6);
	fd_close(&sockets->pidfd);
}

/* --- the environment --------------------------------------------------------------- */

void tier_b_fill_env(const struct tier_b *b, struct tier_b_names *names, struct env_facts *facts)
{
	char java[TIER_B_PATH_BYTES];

	tier_b_path(b, TIER_B_CA, names->ca);
	tier_b_path(b, TIER_B_BUNDLE, names->bundle);
	tier_b_path(b, TIER_B_WGETRC, names->wgetrc);
	tier_b_path(b, "tmp", names->tmp);
	tier_b_path(b, TIER_B_JAVA, java);
	snprintf(names->java, sizeof(names->java), TRUST_JAVA_OPTIONS_FOR("%s"), java);
	facts->ca_path = names->ca;
	facts->bundle_path = names->bundle;
	facts->wgetrc_path = names->wgetrc;
	facts->tmp_path = names->tmp;
	facts->proxy_url = TIER_B_PROXY_URL;
	facts->no_proxy = TIER_B_NO_PROXY;
	if (facts->java_options)
		facts->java_options = names->java;
}

/* --- the stages --------------------------------------------------------------------- */

/* The listeners and init's own pidfd: nobody else is its parent but the broker. */
static int send_sockets_b(struct init *init, const struct tier_b_sockets *sockets,
			  struct error *err)
{
	int fds[CHANNEL_FDS_MAX] = {sockets->tcp, sockets->pidfd};
	size_t n = 2;
	int r;

	if (init->devices.pty_master >= 0)
		fds[n++] = init->devices.pty_master;
	if (sockets->tcp6 >= 0)
		fds[n++] = sockets->tcp6;
	r = channel_send_fds(&init->channel, MSG_JAIL_SOCKETS, NULL, fds, n);
	return r < 0 ? init_say_failed(err, r) : 0;
}

static int set_up_network_b(struct init *init, struct error *err)
{
	struct tier_b_sockets sockets = TIER_B_SOCKETS_NONE;
	int r = tier_b_open_sockets(&sockets, err);

	init->devices.pty_master = init->plan->tier_b->pty_master;
	init->devices.pty_slave = init->plan->tier_b->pty_slave;
	if (!r)
		r = send_sockets_b(init, &sockets, err);
	tier_b_close_sockets(&sockets);
	fd_close(&init->devices.pty_master);
	if (!r && init->devices.pty_slave >= 0 &&
	    ioctl(init->devices.pty_slave, TIOCSCTTY, 0) < 0) {
		r = -errno;
		error_set(err, "pseudo-terminal", NULL, "%s", strerror(-r));
	}
	return r;
}

static int set_up_trust_b(struct init *init, struct error *err)
{
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};
	const char *dir = init->plan->tier_b->dir;
	autoclose int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int bundle_fd = trust_system_open();
	struct msg_trust trust;
	int r = dir_fd < 0 ? -errno : 0;

	if (r)
		error_set(err, dir, NULL, "%s", strerror(-r));
	if (!r)
		r = trust_system_read(bundle_fd, &init->trust, err);
	if (!r)
		r = trust_files_prepare(dir_fd, &init->trust, err);
	if (r)
		return r;
	init_expect(init, MSG_TRUST, &m);
	if (message_decode(&m, &trust) < 0)
		_exit(JAIL_EXIT_BROKEN);
	r = trust_files_fill(&trust, dir_fd, &init->trust, err);
	trust_system_free(&init->trust);
	return r;
}

/* Tier B: there is nothing of the jail's own but two listeners and a few files. */
int init_make_tier_b(struct init *init, struct error *err)
{
	int r = init_enter(init, err);

	if (!r)
		r = set_up_network_b(init, err);
	return r ? r : set_up_trust_b(init, err);
}
