/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/patterns.h - names and paths with wildcards
 */
#ifndef MCPJAIL_JAIL_PATTERNS_H
#define MCPJAIL_JAIL_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/span.h"

#define PATTERNS_PATHS_MAX   256   /* of one list, once expanded */
#define PATTERNS_ENTRIES_MAX 65536 /* names that one pattern may be compared with */
#define PATTERNS_WILD_MAX    8     /* components of one pattern that have wildcards */

enum pattern_case { PATTERN_EXACT_CASE = 0, PATTERN_ANY_CASE };

/**
 * pattern_matches() - Whether @pattern matches the whole of @text
 *
 * `*` stands for any run of bytes, `?` for one; everything else for itself. Takes at most
 * |pattern| × |text| steps.
 */
bool pattern_matches(const char *pattern, struct span text, enum pattern_case letters);

/* Paths, owned. */
struct path_list {
	char *items[PATTERNS_PATHS_MAX];
	size_t n;
};

void path_list_free(struct path_list *list);

/** path_list_add() - Add a copy of @path, unless it is there. Return: 0; -E2BIG; -ENOMEM */
int path_list_add(struct path_list *list, const char *path);

/* What `~` and `$PWD` stand for; NULL: nothing, and no path begins with it. */
struct path_places {
	const char *home, *cwd;
};

/**
 * patterns_expand() - Add the paths that @pattern stands for
 * @pattern: As in policy/surroundings.h
 * @places:  Absolute, and free of `.` and `..`
 * @ret:     Absolute paths without `.`, `..` and double slashes, not resolved. A slash at the
 *	     end stays
 *
 * Without a wildcard the path is added whether it exists or not; with one, what exists is:
 * no directory is listed that holds no candidate, and names that begin with a dot are like
 * any other. Directories that cannot be read hold nothing.
 *
 * Return: 0; -EINVAL for a path that is not absolute, goes through `..`, or has more than
 * PATTERNS_WILD_MAX components with wildcards; -E2BIG for too many; -ENAMETOOLONG; -ENOMEM;
 * always with @err filled
 */
int patterns_expand(const char *pattern, const struct path_places *places, struct path_list *ret,
		    struct error *err);

#endif
