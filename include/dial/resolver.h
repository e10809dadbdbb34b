/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/resolver.h - addresses of names, many look-ups at once
 *
 * Names are looked up in a copy of /etc/hosts, then by DNS, without search domains. No call
 * blocks; the owner polls one descriptor and calls resolver_run() when it is readable or the
 * time is up.
 */
#ifndef MCPJAIL_DIAL_RESOLVER_H
#define MCPJAIL_DIAL_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dial/addresses.h"

#define RESOLVED_MAX 64 /* addresses of one name */

struct resolved {
	const union address *addresses; /* with the port that was asked for */
	size_t n;
	bool is_certain; /* these are all; false: the resolvers could not tell, or not tell all */
	const char *why; /* if there is none: in words */
};

struct resolver;

/**
 * resolver_new() - Read the system's resolver configuration and /etc/hosts
 *
 * To be called before confinement: later no file is opened.
 *
 * Return: 0; -errno with @err filled
 */
int resolver_new(struct resolver **ret, struct error *err);

/** resolver_free() - Pending look-ups end without a word to whom they were for */
void resolver_free(struct resolver *resolver);

/**
 * resolver_find() - Look a name up, or take a literal as what it is
 * @name: Not retained
 * @done: Called once with @arg, perhaps before this returns. What it is given is borrowed
 */
void resolver_find(struct resolver *resolver, const char *name, uint16_t port,
		   void (*done)(void *arg, const struct resolved *), void *arg);

/** resolver_fd() - To be polled for reading; owned by the resolver */
int resolver_fd(const struct resolver *resolver);

/** resolver_due_ms() - When resolver_run() is due without an event; UINT64_MAX: never */
uint64_t resolver_due_ms(const struct resolver *resolver, uint64_t now_ms);

/** resolver_run() - Take up what is ready and what is late. Never blocks */
void resolver_run(struct resolver *resolver);

#endif
