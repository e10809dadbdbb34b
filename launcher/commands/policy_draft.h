/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_draft.h - a policy file while it is changed
 *
 * Functions that return int return an exit status of policy_parts.h, 0 for success; what
 * went wrong was said on standard error then.
 */
#ifndef MCPJAIL_COMMANDS_POLICY_DRAFT_H
#define MCPJAIL_COMMANDS_POLICY_DRAFT_H

#include <stdbool.h>

#include <jansson.h>

#include "policy/policy.h"
#include "policy_file.h"

struct draft {
	struct policy_file file;
	struct buf text;
	struct policy *policy; /* of the text as it was loaded last */
	json_t *said;          /* lines for standard output, told once all is done */
	bool is_changed;
	bool as_json; /* tell in one JSON object */
};

#define DRAFT_INIT                                                                                 \
	{                                                                                          \
		.file = {.dir_fd = -1}, .said = json_array()                                       \
	}

void draft_free(struct draft *d);

#define autodraft __attribute__((cleanup(draft_free)))

/** draft_begin() - Open and load @file; NULL: the user's own */
int draft_begin(struct draft *d, const char *file);

/** draft_load() - Load the text as it is now */
int draft_load(struct draft *d);

/** draft_take() - Take over what an edit made: its return value, new text and error */
int draft_take(struct draft *d, int r, struct buf *edited, const struct error *err);

/** draft_say() - A line that is told once the file is written */
void draft_say(struct draft *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** draft_json() - The text as a tree, to be released by the caller */
json_t *draft_json(const struct draft *d);

/** draft_end() - Load the outcome, write it if something changed, and tell */
int draft_end(struct draft *d);

#endif
