// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "keeps_git_internal.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* git passes over one */
#define NAME_BYTES      64             /* of a section or a key; git has none that is longer */

struct reader {
	char *at;
	char section[NAME_BYTES], key[NAME_BYTES];
};

static void skip_line(struct reader *r)
{
	r->at += strcspn(r->at, "\n");
}

static void read_name(struct reader *r, char ret[NAME_BYTES])
{
	size_t n = 0;

	for (; isalnum((unsigned char)*r->at) || *r->at == '-'; r->at++)
		if (n < NAME_BYTES - 1)
			ret[n++] = (char)tolower((unsigned char)*r->at);
	ret[n] = '\0';
}

/* `[name]`, `[name "sub"]`, `[name.sub]`: what follows the name tells nothing here. */
static bool read_section(struct reader *r)
{
	bool is_quoted = false;

	r->at++;
	read_name(r, r->section);
	for (; *r->at && *r->at != '\n' && (is_quoted || *r->at != ']'); r->at++) {
		if (*r->at == '"')
			is_quoted = !is_quoted;
		else if (*r->at == '\\' && r->at[1])
			r->at++;
	}
	if (*r->at != ']')
		return false;
	r->at++;
	return true;
}

static char unescaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'b' ? '\b' : c;
}

/* In place: it never becomes longer. Blanks at the end count only in quotes. */
static char *read_value(struct reader *r)
{
	char *value, *to, *end;
	bool is_quoted = false;

	r->at += strspn(r->at, " \t");
	value = to = end = r->at;
	for (; *r->at && *r->at != '\n'; r->at++) {
		if (*r->at == '"') {
			is_quoted = !is_quoted;
			end = to;
			continue;
		}
		if (!is_quoted && strchr("#;", *r->at)) {
			skip_line(r);
			break;
		}
		if (*r->at == '\\' && r->at[1]) {
			r->at += r->at[1] == '\r' && r->at[2] == '\n' ? 2 : 1;
			if (*r->at == '\n')
				continue;
			*to++ = unescaped(*r->at);
			end = to;
			continue;
		}
		*to++ = *r->at;
		if (is_quoted || !isspace((unsigned char)to[-1]))
			end = to;
	}
	/* The line's end may be where the value's has to stand. */
	if (*r->at)
		r->at++;
	*end = '\0';
	return value;
}

int keeps_git_each(char *text, keeps_git_setting *setting, void *context)
{
	struct reader r = {.at = text};
	char nothing[] = "";
	int result = 0;

	if (!strncmp(r.at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		r.at += strlen(BYTE_ORDER_MARK);
	while (!result && *(r.at += strspn(r.at, " \t\r\n"))) {
		if (strchr("#;", *r.at)) {
			skip_line(&r);
		} else if (*r.at == '[') {
			if (!read_section(&r))
				return 0;
		} else if (!isalpha((unsigned char)*r.at)) {
			return 0;
		} else {
			read_name(&r, r.key);
			r.at += strspn(r.at, " \t");
			if (*r.at == '=') {
				r.at++;
				result = setting(context, r.section, r.key, read_value(&r));
			} else {
				skip_line(&r);
				result = setting(context, r.section, r.key, nothing);
			}
		}
	}
	return result;
}
