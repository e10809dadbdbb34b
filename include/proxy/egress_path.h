/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/egress_path.h - a path as it is sent, and every way in which it could be read
 *
 * Servers differ in what they make of a path: some decode escapes before they split it, some
 * twice, some take several slashes for one, some drop what is behind a semicolon. A policy
 * allows a path only if it allows each of these readings. What could lead out of a directory
 * has no honest use and is refused.
 */
#ifndef MCPJAIL_PROXY_EGRESS_PATH_H
#define MCPJAIL_PROXY_EGRESS_PATH_H

#include "base/span.h"
#include "proxy/http1.h"

#define EGRESS_READINGS_MAX 4
#define EGRESS_ESCAPES_MAX  4 /* escapes within escapes */

struct egress_path {
	/*
	 * [0] is what is sent: escapes of unreserved characters decoded, others in upper case,
	 * and what should have been escaped is. Then, where they differ from those before: with
	 * all escapes decoded; with runs of slashes as one; cut at '?' and '#', each segment at
	 * ';'.
	 */
	char readings[EGRESS_READINGS_MAX][HTTP1_PATH_MAX + 1];
	size_t n; /* at least 1 */
};

/**
 * egress_path_read() - Read a path in all ways
 * @path: From '/' up to, not including, '?'
 *
 * Refused in any reading: dot segments, '\', C0, DEL, what is not UTF-8; escapes that are
 * none, or in each other more than EGRESS_ESCAPES_MAX deep.
 *
 * Return: 0; -EINVAL
 */
int egress_path_read(struct span path, struct egress_path *ret);

#endif
