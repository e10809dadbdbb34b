/* SPDX-License-Identifier: Apache-2.0 */
/**
 * url_terms.h - what the operators `url` and `not_url` ask of a URL
 */
#ifndef MCPJAIL_POLICY_URL_TERMS_H
#define MCPJAIL_POLICY_URL_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum url_reach { URL_ANY_HOST = 0, URL_PRIVATE, URL_PUBLIC };

/* A URL fits if it meets every term; an empty list asks nothing. Arrays are the policy's. */
struct url_terms {
	const char *const *schemes; /* in lower case */
	size_t n_schemes;
	const char *const *hosts; /* in normal form, or "*.suffix" */
	size_t n_hosts;
	uint16_t *ports;
	size_t n_ports;
	enum url_reach reach;
};

/*
 * UNSOUND: two readers might find different hosts in it. NO_URL: text that no reader takes for
 * one that names a host.
 */
enum url_answer { URL_UNSOUND = 0, URL_NO_URL, URL_FITS, URL_DIFFERS };

/**
 * url_judge() - Whether a text is a URL that meets the terms
 *
 * Private is an address that is not one of the public internet, by its literal, and a name that
 * is only known nearby: localhost, one label, .local, .internal and the like. Names are not
 * resolved.
 */
enum url_answer url_judge(const struct url_terms *terms, struct span text);

#endif
