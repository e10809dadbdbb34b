// SPDX-License-Identifier: Apache-2.0
#include "jail/files/mountinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/span.h"

int mountinfo_open(struct mountinfo *ret)
{
	*ret = (struct mountinfo){.file = fopen("/proc/self/mountinfo", "re")};
	return ret->file ? 0 : -errno;
}

void mountinfo_close(struct mountinfo *info)
{
	if (info->file)
		fclose(info->file);
	free(info->line);
	*info = (struct mountinfo){.file = NULL};
}

/* Octal escapes: space, tab, newline, backslash, and number sign. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		unsigned code = 0;

		*to = *s;
		if (s[0] == '\\' && sscanf(s + 1, "%3o", &code) == 1) {
			*to = (char)code;
			s += 3;
		}
	}
	*to = '\0';
}

/* id parent major:minor root PATH OPTIONS [optional fields …] - TYPE source options */
int mountinfo_parse(char *line, struct mountinfo_entry *ret)
{
	enum { FIELD_DEVICE = 2, FIELD_ROOT, FIELD_PATH, FIELD_OPTIONS, FIELDS };
	char *type = strstr(line, " - ");
	char *field[FIELDS], *save = NULL;
	unsigned major_, minor_;
	struct span name;

	if (!type)
		return -EBADMSG;
	name = span_bytes(type + 3, strcspn(type + 3, " \n"));
	if (!name.n || !span_copy(name, ret->type, sizeof(ret->type)))
		return -EBADMSG;
	*type = '\0';
	for (int i = 0; i < FIELDS; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return -EBADMSG;
	}
	if (!span_copy(span_of(field[FIELD_PATH]), ret->path, sizeof(ret->path)) ||
	    !span_copy(span_of(field[FIELD_ROOT]), ret->root, sizeof(ret->root)) ||
	    sscanf(field[FIELD_DEVICE], "%u:%u", &major_, &minor_) != 2)
		return -EBADMSG;
	unescape(ret->path);
	unescape(ret->root);
	ret->device = makedev(major_, minor_);
	ret->is_read_only = !strncmp(field[FIELD_OPTIONS], "ro", 2) &&
			    (field[FIELD_OPTIONS][2] == ',' || !field[FIELD_OPTIONS][2]);
	return 0;
}

int mountinfo_next(struct mountinfo *info, struct mountinfo_entry *ret)
{
	if (getline(&info->line, &info->size, info->file) < 0)
		return feof(info->file) ? 0 : -EBADMSG;
	return mountinfo_parse(info->line, ret) < 0 ? -EBADMSG : 1;
}
