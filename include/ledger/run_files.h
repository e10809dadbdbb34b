/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/run_files.h - what a run directory holds beside the ledger
 *
 * status.json and tools.json are opened at the start and rewritten in place: their
 * keeper has no paths later. status.json always has the same length, so that one write(2)
 * within one page replaces it: no reader and no crash sees half of it, and a full disk does
 * not prevent it.
 */
#ifndef MCPJAIL_LEDGER_RUN_FILES_H
#define MCPJAIL_LEDGER_RUN_FILES_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/span.h"
#include "ledger/digest.h"

#define RUN_STATUS_BYTES   2048
#define RUN_TIER_MAX       16  /* with its NUL */
#define RUN_LAYERS_MAX     192 /* with its NUL */
#define RUN_WALL_MAX       129 /* with its NUL */
#define RUN_SUBMODULES_MAX 640 /* with its NUL */
#define RUN_SERVERS_MAX    16  /* in tools.json */

struct run_counts {
	uint64_t allowed, denied, unknown, lost, egress_allowed, egress_refused;
};

struct run_status {
	const char *run_id;
	char tier[RUN_TIER_MAX];     /* "" until the agent runs */
	char layers[RUN_LAYERS_MAX]; /* comma-separated */
	int child_exit;              /* -1: none */
	int signal;                  /* 0: none */
	struct run_counts counts;
	char second_wall[RUN_WALL_MAX]; /* JSON object; "": there was none, or it is not over */
	char submodules[RUN_SUBMODULES_MAX]; /* JSON array: see jail/submodules.h; "": none */
	char log_head[DIGEST_HEX];           /* "" until the ledger is closed */
};

struct run_files {
	int status_fd, tools_fd; /* -1: could not be opened */
	struct {
		char *server, *tools; /* owned */
	} served[RUN_SERVERS_MAX];
	size_t n_served;
	bool has_tools; /* tools.json holds tools_sha256's bytes */
	struct digest tools_sha256;
};

/**
 * run_files_open() - Make status.json, empty, and tools.json, without tools
 *
 * Return: 0; -errno of the first that could not be made, the others being open
 */
int run_files_open(int run_dirfd, struct hasher *h, struct run_files *ret);
void run_files_close(struct run_files *files);

/** run_status_write() - Replace status.json. Return: 0; -errno */
int run_status_write(const struct run_files *files, const struct run_status *status);

/** run_policy_copy() - Make policy.json of the policy's bytes. Return: 0; -errno */
int run_policy_copy(int run_dirfd, struct span policy);

/**
 * run_tools_set() - Note what a server's tools/list looked like, and rewrite tools.json
 * @tools: JSON array
 *
 * Return: 1 if that is new; 0 if it was known; -EINVAL if @tools is not JSON; -errno
 */
int run_tools_set(struct run_files *files, struct hasher *h, struct span server, struct span tools);

/**
 * run_file_read() - For readers: the whole of a regular file in a run directory
 *
 * Return: 0; -EFBIG beyond the buffer's bound; -EINVAL if it is no regular file; -errno
 */
int run_file_read(int run_dirfd, const char *name, struct buf *ret);

/** run_ledger_open() - For readers: ledger.jsonl. Return: NULL, with errno, on failure */
FILE *run_ledger_open(int run_dirfd);

#endif
