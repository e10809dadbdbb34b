/* SPDX-License-Identifier: Apache-2.0 */
/**
 * paths.h - paths into a call's arguments: args.a.b, args.files[0].url, args.files[*].url
 */
#ifndef MCPJAIL_POLICY_PATHS_H
#define MCPJAIL_POLICY_PATHS_H

#include <stddef.h>

#include <jansson.h>

#define PATH_STEPS_MAX 16

enum step_kind { STEP_MEMBER = 0, STEP_INDEX, STEP_EACH };

struct step {
	enum step_kind kind;
	char *name;   /* of the member */
	size_t index; /* of the element */
};

struct path {
	struct step *steps; /* none: the arguments as a whole */
	size_t n;
};

/**
 * path_parse() - Read a path
 * @ret_what: On -EINVAL, what is wrong with it; static
 *
 * Return: 0; -EINVAL; -ENOMEM
 */
int path_parse(const char *text, struct path *ret, const char **ret_what);

/** path_free() - Release the steps; the path is empty afterwards */
void path_free(struct path *path);

/**
 * path_redact() - Put @marker in the place of every value that a path names
 * @value: Changed in place, or replaced if the path names the whole of it
 *
 * A value that the path cannot step into, being of the wrong kind, is replaced whole.
 *
 * Return: 0; -ENOMEM
 */
int path_redact(const struct path *path, json_t *marker, json_t **value);

#endif
