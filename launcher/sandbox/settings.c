// SPDX-License-Identifier: Apache-2.0
#include "sandbox/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NAME_BYTES 96

#define NAMESPACES(kind)                                                                           \
	{                                                                                          \
		"user.max_" kind "_namespaces", "how many " kind " namespaces there may be",       \
			SETTING_NAMESPACES, 1, LONG_MAX, NULL, false, false,                       \
			"sudo sysctl -w user.max_" kind "_namespaces=15000"                        \
	}

static const struct setting table[] = {
	{"kernel.apparmor_restrict_unprivileged_userns",
	 "1: namespaces without rights over them, but for programs with an AppArmor profile",
	 SETTING_NAMESPACES, 0, 0, NULL, true, true,
	 "mcpjail doctor --apparmor | sudo tee /etc/apparmor.d/mcpjail >/dev/null && "
	 "sudo apparmor_parser -r /etc/apparmor.d/mcpjail"},
	{"kernel.unprivileged_userns_clone", "0: user namespaces for root only", SETTING_NAMESPACES,
	 1, LONG_MAX, NULL, true, false, "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
	NAMESPACES("user"),
	NAMESPACES("net"),
	NAMESPACES("mnt"),
	NAMESPACES("pid"),
	NAMESPACES("ipc"),
	NAMESPACES("uts"),
	{"kernel.yama.ptrace_scope", "up to 1, the broker may read its descendants' memory",
	 SETTING_MEMORY, 0, 1, NULL, false, false, "sudo sysctl -w kernel.yama.ptrace_scope=1"},
	{"kernel.seccomp.actions_avail", "user_notif: calls can be handed to the broker",
	 SETTING_NOTIFY, 0, 0, "user_notif", false, false,
	 "a kernel from 5.0 on with CONFIG_SECCOMP_FILTER"},
};

const struct setting *settings_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(table);
	return table;
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

/* A program without one is "unconfined"; ours says so behind its name. */
static bool has_profile(int sys_fd)
{
	autoclose int fd = openat(sys_fd, "../self/attr/current", O_RDONLY | O_CLOEXEC);
	char label[SETTING_VALUE_MAX] = "";

	return fd >= 0 && read(fd, label, sizeof(label) - 1) > 0 &&
	       strncmp(label, "unconfined", strlen("unconfined"));
}

enum setting_state setting_read(const struct setting *s, int sys_fd, bool is_root,
				char ret_value[SETTING_VALUE_MAX])
{
	char path[NAME_BYTES];
	autoclose int fd = -1;
	ssize_t n;
	long value;

	ret_value[0] = '\0';
	strncpy(path, s->name, sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (char *dot = path; (dot = strchr(dot, '.'));)
		*dot = '/';
	fd = openat(sys_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret_value, SETTING_VALUE_MAX - 1);
	if (n < 0)
		return SETTING_ABSENT;
	ret_value[n] = '\0';
	ret_value[strcspn(ret_value, "\n")] = '\0';
	if ((s->spares_root && is_root) || (s->spares_profile && has_profile(sys_fd)))
		return SETTING_FINE;
	if (s->word)
		return has_word(ret_value, s->word) ? SETTING_FINE : SETTING_REFUSES;
	value = strtol(ret_value, NULL, 10);
	return value >= s->least && value <= s->most ? SETTING_FINE : SETTING_REFUSES;
}

const char *settings_mend_namespaces(bool is_root)
{
	autoclose int sys_fd = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char value[SETTING_VALUE_MAX];

	for (size_t i = 0; sys_fd >= 0 && i < ARRAY_SIZE(table); i++)
		if (table[i].use == SETTING_NAMESPACES &&
		    setting_read(&table[i], sys_fd, is_root, value) == SETTING_REFUSES)
			return table[i].mend;
	return NULL;
}
