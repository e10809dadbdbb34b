/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox/settings.h - settings of the kernel (sysctl) that stand in the way of a jail
 *
 * One table, for whoever has to say what refuses, and how it is mended.
 */
#ifndef MCPJAIL_SANDBOX_SETTINGS_H
#define MCPJAIL_SANDBOX_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define SETTING_VALUE_MAX 128

enum setting_use {
	SETTING_NAMESPACES = 0, /* no tier A, and weaker confinement of our own processes */
	SETTING_MEMORY,         /* no tier B: the broker reads addresses in the agent's memory */
	SETTING_NOTIFY,         /* no tier at all: calls cannot be handed to the broker */
};

struct setting {
	const char *name; /* as sysctl(8) has it */
	const char *gives;
	enum setting_use use;
	long least, most;    /* that do not stand in the way */
	const char *word;    /* instead: that must be among its words; NULL: it is a number */
	bool spares_root;    /* it only counts for others */
	bool spares_profile; /* and not for programs with an AppArmor profile of their own */
	const char *mend;    /* the command */
};

enum setting_state {
	SETTING_ABSENT = 0, /* the kernel has no such setting: nothing refuses by it */
	SETTING_FINE,
	SETTING_REFUSES,
};

/** settings_table() - Those that are known, the likeliest culprit first */
const struct setting *settings_table(size_t *ret_n);

/**
 * setting_read() - What it is, and whether that stands in the way
 * @sys_fd: The directory /proc/sys
 */
enum setting_state setting_read(const struct setting *s, int sys_fd, bool is_root,
				char ret_value[SETTING_VALUE_MAX]);

/** settings_mend_namespaces() - The command that lifts what refuses namespaces; NULL: none does */
const char *settings_mend_namespaces(bool is_root);

#endif
