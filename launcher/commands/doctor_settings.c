// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "commands/doctor_parts.h"
#include "sandbox/settings.h"

static const char profile[] = {
#include "apparmor.inc"
	'\0',
};

size_t settings_checks(const struct host_facts *facts, struct check *ret, size_t max)
{
	autoclose int sys_fd = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n_settings, n = 0;
	const struct setting *settings = settings_table(&n_settings);

	for (size_t i = 0; i < n_settings && n < max; i++) {
		const struct setting *s = &settings[i];
		struct check *c = &ret[n];
		char value[SETTING_VALUE_MAX];
		enum setting_state state = setting_read(s, sys_fd, facts->is_root, value);

		if (state == SETTING_ABSENT)
			continue;
		*c = (struct check){.name = s->name, .gives = s->gives, .weight = CHECK_SETTING};
		c->state = state == SETTING_FINE ? CHECK_OK : CHECK_MISSING;
		snprintf(c->detail, sizeof(c->detail), "%s", value);
		if (state == SETTING_REFUSES)
			snprintf(c->mend, sizeof(c->mend), "%s", s->mend);
		n++;
	}
	return n;
}

/* --- AppArmor ------------------------------------------------------------------------------- */

/* A path in a profile is a pattern (apparmor.d(5), "Globbing"), within quotation marks. */
static int append_pattern(struct buf *b, const char *path)
{
	int r = 0;

	for (; !r && *path; path++) {
		if (strchr("\\\"*?[]{}^@", *path))
			r = buf_puts(b, "\\");
		if (!r)
			r = buf_append(b, path, 1);
	}
	return r;
}

int apparmor_print(void)
{
	static const char place[] = "@PROGRAM@";
	autobuf struct buf text = BUF_INIT(sizeof(profile) + 2 * PATH_MAX);
	const char *at = strstr(profile, place);
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int r;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	/* A line break would end the rule. */
	if (strchr(self, '\n'))
		return -EINVAL;
	r = buf_append(&text, profile, (size_t)(at - profile));
	if (!r)
		r = append_pattern(&text, self);
	if (!r)
		r = buf_puts(&text, at + strlen(place));
	if (!r && fwrite(text.data, 1, text.len, stdout) != text.len)
		r = -EIO;
	return r;
}
