// SPDX-License-Identifier: Apache-2.0
/*
 * How the run itself reaches the network: --connect-to, --upstream-ca, and what the caller's
 * environment says of a corporate network. None of it reaches the agent: its environment
 * names no proxy, and its certificates are the run's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ca_bundles.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "run_preparation.h"

/* --- roots -------------------------------------------------------------------- */

static int open_upstream_ca(const struct run_options *o, struct preparation *p, struct error *err)
{
	int r;

	if (!o->upstream_ca)
		return 0;
	p->root_fds[0] = open(o->upstream_ca, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (p->root_fds[0] >= 0)
		return 0;
	r = -errno;
	error_set(err, "--upstream-ca", "name a PEM file of certificates", "%s: %s", o->upstream_ca,
		  strerror(-r));
	return r;
}

/* The system's bundle is trusted anyway, and large. */
static bool is_system_bundle(const struct stat *st)
{
	struct stat bundle;

	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++)
		if (!stat(ca_bundles[i], &bundle) && bundle.st_dev == st->st_dev &&
		    bundle.st_ino == st->st_ino)
			return true;
	return false;
}

/* As OpenSSL takes it, a file that is not there is no error. */
static void open_cert_file(struct preparation *p)
{
	const char *path = getenv("SSL_CERT_FILE");
	autoclose int fd =
		path && *path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	struct stat st;

	if (!path || !*path)
		return;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		log_notice("SSL_CERT_FILE is left out: %s: %s", path,
			   fd < 0 ? strerror(errno) : "no regular file");
	else if (!is_system_bundle(&st))
		p->root_fds[1] = fd_take(&fd);
}

/* --- the dialer ----------------------------------------------------------------- */

static void fill_dialer(const struct run_options *o, struct preparation *p)
{
	p->dialer = (struct msg_dialer_config){
		.n_dial_to = o->n_dial_to,
		.proxy_host = span_of(p->proxy.host),
		.proxy_port = p->proxy.port,
		.proxy_userinfo = span_of(p->proxy.userinfo),
		.no_proxy = span_of(p->proxy.no_proxy),
		.log_level = (uint8_t)log_get_level(),
	};
	for (size_t i = 0; i < o->n_dial_to; i++)
		p->dialer.dial_to[i] = (struct msg_dial_to){
			.host = span_of(o->dial_to[i].host),
			.port = o->dial_to[i].port,
			.address = span_of(o->dial_to[i].address),
			.address_port = o->dial_to[i].address_port,
		};
}

int prepare_network(const struct run_options *o, struct preparation *p, struct error *err)
{
	char words[CALLER_PROXY_WORDS];
	int r = open_upstream_ca(o, p, err);

	if (!r)
		r = caller_proxy_read(&p->proxy, err);
	if (r)
		return r;
	if (p->proxy.variable) {
		caller_proxy_words(&p->proxy, words);
		log_notice("proxy: %s", words);
	}
	open_cert_file(p);
	fill_dialer(o, p);
	return 0;
}
