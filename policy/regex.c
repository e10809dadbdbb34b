// SPDX-License-Identifier: Apache-2.0
/*
 * PCRE2 backtracks, and counts its steps anew for each place where a match might begin. What
 * bounds a search is therefore made of three parts: the pattern is compiled behind "any
 * characters", so that one count covers all places; nothing in it may run over the text
 * uncounted (possessive repeats, those that PCRE2 would make by itself included); and a limit on
 * that count. Without a compiler at run time: no memory becomes executable in the proxy.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <errno.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 500000
#define HEAP_KIB  4096 /* of one search */
#define NEST_MAX  32   /* of parentheses */

#define BEFORE "(?s:.*?)(?:"
#define AFTER  ")"

#define COMPILE_FLAGS                                                                              \
	(PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_BSUX |             \
	 PCRE2_NO_AUTO_POSSESS)

struct regex {
	pcre2_code *code;
	pcre2_match_context *bounds;
};

/* --- what is refused beforehand --------------------------------------------- */

/* What may follow "(?": groups, assertions, names, and switches of case and the like. */
static bool group_is_plain(const char *p)
{
	size_t switches = strspn(p, "ims-");

	if (switches)
		return p[switches] == ':' || p[switches] == ')';
	if (*p == 'P')
		return p[1] == '<';
	if (*p == '<')
		return true; /* a name, or an assertion: PCRE2 knows which */
	return *p == ':' || *p == '=' || *p == '!';
}

/* "{2}", "{2,}" or "{2,5}". Return: its bytes; 0: no repeat */
static size_t braces_length(const char *p)
{
	size_t n = strspn(p + 1, "0123456789");
	const char *end = p + 1 + n;

	if (!n)
		return 0;
	if (*end == ',')
		end += 1 + strspn(end + 1, "0123456789");
	return *end == '}' ? (size_t)(end - p) + 1 : 0;
}

/* Bytes of a class, in which [:alpha:] and the like may stand. */
static size_t class_length(const char *p)
{
	const char *at = p + 1 + (p[1] == '^'), *end;

	if (*at == ']')
		at++;
	for (; *at && *at != ']'; at++) {
		end = *at == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
		if (end && strspn(at + 2, "^abcdefghijklmnopqrstuvwxyz") == (size_t)(end - at - 2))
			at = end + 1;
		else if (*at == '\\' && at[1])
			at++;
	}
	return (size_t)(at - p) + (*at == ']');
}

static size_t repeat_length(const char *p)
{
	if (*p == '*' || *p == '+' || *p == '?')
		return 1;
	return *p == '{' ? braces_length(p) : 0;
}

static const char *refusal_of(const char *pattern)
{
	unsigned depth = 0;

	for (const char *p = pattern; *p;) {
		size_t n = repeat_length(p);

		if (*p == '\\' && p[1]) {
			if (strchr("123456789cgkEGKQX", p[1]))
				return "back references and \\c \\g \\k \\E \\G \\K \\Q \\X are "
				       "not "
				       "known here";
			p += 2;
		} else if (*p == '[') {
			p += class_length(p);
		} else if (*p == '(' && p[1] == '*') {
			return "a verb, `(*…)`; write \\* for the character";
		} else if (*p == '(' && p[1] == '?' && !group_is_plain(p + 2)) {
			return "of groups that begin with `(?` only (?:…), (?=…), (?!…), (?<=…), "
			       "(?<!…), (?<name>…) and (?i) are known";
		} else if (n && p[n] == '+') {
			return "a possessive repeat; a repeat is followed by at most `?`";
		} else if (*p == ')' && !depth) {
			/* "a)(b" would be sound behind BEFORE. */
			return "a `)` that closes nothing";
		} else {
			depth += *p == '(';
			depth -= *p == ')';
			p += n ? n : 1;
		}
	}
	return NULL;
}

/* --- compiling -------------------------------------------------------------- */

static void complain(int code, size_t at, char *ret_what)
{
	size_t before = sizeof(BEFORE) - 1;
	PCRE2_UCHAR text[128] = "";

	pcre2_get_error_message(code, text, sizeof(text));
	snprintf(ret_what, REGEX_WHAT_MAX, "%s (at byte %zu of the pattern)", (const char *)text,
		 at > before ? at - before : 0);
}

static int compile(const char *pattern, pcre2_compile_context *context, pcre2_code **ret,
		   char *ret_what)
{
	PCRE2_SIZE at = 0;
	int code = 0;

	*ret = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, COMPILE_FLAGS, &code, &at,
			     context);
	if (*ret)
		return 0;
	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	complain(code, at, ret_what);
	return -EINVAL;
}

static int compile_within(const char *pattern, pcre2_compile_context *context, struct regex *regex,
			  char *ret_what)
{
	char whole[REGEX_PATTERN_MAX + sizeof(BEFORE) + sizeof(AFTER)];
	int r;

	snprintf(whole, sizeof(whole), BEFORE "%s" AFTER, pattern);
	r = compile(whole, context, &regex->code, ret_what);
	if (r)
		return r;
	regex->bounds = pcre2_match_context_create(NULL);
	if (!regex->bounds)
		return -ENOMEM;
	pcre2_set_match_limit(regex->bounds, STEPS_MAX);
	pcre2_set_heap_limit(regex->bounds, HEAP_KIB);
	return 0;
}

int regex_compile(struct span pattern, struct regex **ret, char *ret_what)
{
	char text[REGEX_PATTERN_MAX + 1];
	pcre2_compile_context *context;
	const char *refusal;
	struct regex *regex;
	int r = -ENOMEM;

	if (!span_copy(pattern, text, sizeof(text)) || !text[0]) {
		snprintf(ret_what, REGEX_WHAT_MAX, "a pattern has 1 to %d bytes",
			 REGEX_PATTERN_MAX);
		return -EINVAL;
	}
	refusal = refusal_of(text);
	if (refusal) {
		snprintf(ret_what, REGEX_WHAT_MAX, "%s", refusal);
		return -EINVAL;
	}
	regex = calloc(1, sizeof(*regex));
	context = pcre2_compile_context_create(NULL);
	if (regex && context) {
		pcre2_set_parens_nest_limit(context, NEST_MAX);
		r = compile_within(text, context, regex, ret_what);
	}
	pcre2_compile_context_free(context);
	if (r)
		regex_free(regex);
	else
		*ret = regex;
	return r;
}

void regex_free(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_match_context_free(regex->bounds);
	pcre2_code_free(regex->code);
	free(regex);
}

/* --- searching -------------------------------------------------------------- */

enum regex_answer regex_search(const struct regex *regex, struct span text)
{
	pcre2_match_data *data;
	int r;

	if (text.n > REGEX_TEXT_MAX)
		return REGEX_GAVE_UP;
	data = pcre2_match_data_create(1, NULL);
	if (!data)
		return REGEX_GAVE_UP;
	r = pcre2_match(regex->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, PCRE2_ANCHORED,
			data, regex->bounds);
	pcre2_match_data_free(data);
	if (r >= 0)
		return REGEX_MATCHES;
	return r == PCRE2_ERROR_NOMATCH ? REGEX_DIFFERS : REGEX_GAVE_UP;
}
