/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/dials.h - resolve, check and connect, many at once
 *
 * Each dial resolves its name once, checks every address, and connects to the addresses it
 * checked: nothing is resolved a second time. No call blocks; the owner polls one
 * descriptor and calls dials_run() when it is readable or the time is up.
 */
#ifndef MCPJAIL_DIAL_DIALS_H
#define MCPJAIL_DIAL_DIALS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dial/routes.h"
#include "ipc/messages.h"

#define DIALS_MAX         64    /* at once */
#define DIAL_WHOLE_MS     10000 /* name, all addresses, and a proxy's answer */
#define DIAL_ATTEMPT_MS   3000  /* one address */
#define DIAL_REASON_BYTES 1280
#define DIALS_RENEWED_MAX (2 * IPC_RELOADS_MAX) /* each may be taken back */

struct dial_result {
	uint64_t dial_id;
	enum dial_status status;
	int fd; /* connected, non-blocking, TCP_NODELAY; -1 unless DIAL_OK. Closed afterwards */
	const char *address; /* the last one tried, or refused, or "via HOST:PORT"; may be "" */
	const char *reason;  /* to stand behind "HOST:PORT cannot be reached: "; "" if DIAL_OK */
};

struct dial_request {
	uint64_t dial_id;
	const char *host; /* as asked for */
	uint16_t port;
	const struct route *route;
};

struct dials;

/**
 * dials_new() - Read the system's resolver configuration and /etc/hosts
 * @done:   Called once for each dial that was started, from dials_start() or dials_run()
 * @owner:  Handed to @done
 * @routes: Where those come from that are started; must outlive the dials
 *
 * To be called before confinement: later no file is opened.
 *
 * Return: 0; -errno, with @err filled where that says more than the number
 */
int dials_new(void (*done)(void *owner, const struct dial_result *), void *owner,
	      const struct routes *routes, struct dials **ret, struct error *err);
void dials_free(struct dials *dials);

/**
 * dials_renew() - The routes have another policy: its servers are those that tunnels avoid
 *
 * A tunnel that was being checked is checked again. Connections that are made stay.
 *
 * Return: 0; -ENOSPC after DIALS_RENEWED_MAX times; -ENOMEM. On failure nothing has changed
 */
int dials_renew(struct dials *dials);

/** dials_start() - Begin a dial; the outcome goes to @done, perhaps before this returns */
void dials_start(struct dials *dials, const struct dial_request *request);

/** dials_fd() - To be polled for reading; owned by the dials */
int dials_fd(const struct dials *dials);

/** dials_timeout_ms() - How long until dials_run() is due without an event; -1: for ever */
int dials_timeout_ms(const struct dials *dials);

/** dials_run() - Take up what is ready and what is late. Never blocks */
void dials_run(struct dials *dials);

#endif
