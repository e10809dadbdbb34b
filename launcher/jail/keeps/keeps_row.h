/* SPDX-License-Identifier: Apache-2.0 */
/**
 * keeps_row.h - between the tables of what is kept
 */
#ifndef MCPJAIL_JAIL_KEEPS_ROW_H
#define MCPJAIL_JAIL_KEEPS_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "jail/keeps/keeps.h"

struct keeps_row {
	const char *name; /* below the tree, or the home */
	struct keep_rule rule;
};

#define DIR_ROW(name, missing_)                                                                    \
	{                                                                                          \
		name,                                                                              \
		{                                                                                  \
			PLACEHOLDER_DIR, missing_, KEEP_SEALED                                     \
		}                                                                                  \
	}
#define FILE_ROW(name, missing_)                                                                   \
	{                                                                                          \
		name,                                                                              \
		{                                                                                  \
			PLACEHOLDER_LINK, missing_, KEEP_SEALED                                    \
		}                                                                                  \
	}
#define BLOCKED MISSING_IS_BLOCKED
#define IGNORED MISSING_IS_IGNORED

struct keeps_rows {
	const struct keeps_row *rows;
	size_t n;
};

/* Of its own directory, in a home or in a project. */
extern const struct keeps_rows keeps_opencode;

bool keeps_is_directory(const char *path);

/** keeps_add_row() - What is kept below @base by one row. Return: as keeps_add() */
int keeps_add_row(struct keep_search *search, const char *base, const struct keeps_row *row);

/** keeps_is_agents_own() - Whether @path is an agent host's own directory in a home */
bool keeps_is_agents_own(const struct layout *layout, const char *path);

/** keeps_add_home() - What is kept in a home, canonical, of what can be written. Return: same */
int keeps_add_home(struct keep_search *search, const char *home);

#endif
