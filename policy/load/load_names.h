/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_names.h - lists of strings, in the policy and merged from presets
 */
#ifndef MCPJAIL_POLICY_LOAD_NAMES_H
#define MCPJAIL_POLICY_LOAD_NAMES_H

#include "policy/load/load.h"
#include "policy/surroundings.h"

/**
 * load_reader - A string of a list as the policy keeps it, load_keep()'s
 *
 * Return: NULL after reporting an error at the current place
 */
typedef const char *(*load_reader)(struct load *l, const char *text);

/**
 * load_names() - Add a list of strings to what a list holds already; each is kept once
 * @write: What the list looks like
 *
 * At most POLICY_NAMES_MAX in all.
 */
void load_names(struct load *l, const json_t *value, const char *write, load_reader read,
		struct policy_names *list);

/** load_reserve() - Room for @more elements behind the @n of an array; NULL as load_allocate() */
void *load_reserve(struct load *l, const void *array, size_t n, size_t more, size_t size);

#endif
