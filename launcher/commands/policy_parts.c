// SPDX-License-Identifier: Apache-2.0
#include "policy_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "state/places.h"

/* --- arguments ---------------------------------------------------------------- */

static int wrong_usage(const struct policy_syntax *s, const char *what, const char *word)
{
	log_error("%s %s; usage: mcpjail %s", what, word, s->usage);
	return POLICY_EXIT_CANNOT;
}

/* Moves *a to the last word used. */
static int read_option(const struct policy_syntax *s, char ***a)
{
	size_t n = strcspn(**a, "=");
	const char *name = **a, *value = name[n] ? name + n + 1 : NULL;

	for (size_t i = 0; i < s->n_options; i++) {
		const struct policy_option *option = &s->options[i];

		if (strlen(option->name) != n || strncmp(name, option->name, n))
			continue;
		if (option->is_given)
			*option->is_given = true;
		if (!option->value)
			return value ? wrong_usage(s, "no value belongs to", option->name) : 0;
		if (!value && (*a)[1])
			value = *++*a;
		if (!value || !*value)
			return wrong_usage(s, "a value is missing behind", option->name);
		*option->value = value;
		return 0;
	}
	return wrong_usage(s, "unknown option", name);
}

int policy_read_arguments(const struct policy_syntax *s, char **arguments)
{
	bool only_files = false;
	size_t n = 0;

	for (char **a = arguments; *a; a++) {
		if (!only_files && !strcmp(*a, "--")) {
			only_files = true;
		} else if (!only_files && (*a)[0] == '-' && (*a)[1]) {
			if (read_option(s, &a))
				return POLICY_EXIT_CANNOT;
		} else if (n == s->files_max) {
			return wrong_usage(s, s->files_max == 1 ? "one file at a time, not" : "not",
					   *a);
		} else {
			s->files[n++] = *a;
		}
	}
	return n < s->files_min ? wrong_usage(s, "a file", "is missing") : 0;
}

/* --- files ----------------------------------------------------------------------- */

void policy_text_free(struct policy_text *t)
{
	buf_free(&t->text);
	policy_free(t->policy);
	policy_errors_free(&t->errors);
	t->policy = NULL;
}

int policy_text_read(const char *file, struct policy_text *ret)
{
	char path[PATH_MAX];
	struct error err = {.what = ""};
	const char *builtin;
	size_t n;
	int r;

	*ret = (struct policy_text){.text = BUF_INIT(0)};
	if (places_policy(file, path, &ret->text, &err))
		return policy_cannot(&err);
	r = 0;
	if (!file && !path[0]) {
		builtin = policy_builtin(&n);
		ret->text.max = PLACES_POLICY_MAX;
		r = buf_append(&ret->text, builtin, n);
	}
	snprintf(ret->name, sizeof(ret->name), "%s",
		 file      ? file
		 : path[0] ? path
			   : POLICY_BUILTIN_NAME);
	if (!r)
		r = policy_parse(ret->text.len ? (const char *)ret->text.data : "", ret->text.len,
				 ret->name, &ret->policy, &ret->errors);
	if (r == -ENOMEM) {
		error_set(&err, ret->name, NULL, "out of memory");
		return policy_cannot(&err);
	}
	return r ? POLICY_EXIT_WRONG : 0;
}

int policy_text_load(const char *file, struct policy_text *ret)
{
	int r = policy_text_read(file, ret);

	if (r == POLICY_EXIT_WRONG)
		policy_print_errors(ret->name, &ret->errors);
	return r;
}

json_t *policy_text_json(const struct policy_text *t)
{
	return json_loadb((const char *)t->text.data, t->text.len, 0, NULL);
}

/* --- saying --------------------------------------------------------------------- */

void policy_print_errors(const char *name, const struct policy_errors *errors)
{
	size_t n = policy_errors_count(errors);
	char line[ERROR_LINE_BYTES];

	for (size_t i = 0; i < n; i++) {
		error_format(policy_errors_at(errors, i), line, sizeof(line));
		log_error("%s", line);
	}
	if (errors->omitted)
		log_error("%s: %zu errors, the first %d are shown", name, n + errors->omitted,
			  POLICY_ERRORS_MAX);
	else
		log_error("%s: %zu error%s", name, n, n == 1 ? "" : "s");
}

int policy_cannot(const struct error *err)
{
	char line[ERROR_LINE_BYTES];

	error_format(err, line, sizeof(line));
	log_error("%s", line);
	return POLICY_EXIT_CANNOT;
}

int policy_print_json(const json_t *report)
{
	autofree char *line =
		report ? json_dumps(report, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY)
		       : NULL;

	if (!line) {
		log_error("out of memory");
		return POLICY_EXIT_CANNOT;
	}
	puts(line);
	return 0;
}

void policy_print_line(const char *format, ...)
{
	autofree char *line = NULL, *safe = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&line, format, ap);
	va_end(ap);
	if (n < 0) {
		line = NULL;
		return;
	}
	/* An escape has at most four characters for a byte. */
	safe = malloc(4 * (size_t)n + 1);
	if (!safe)
		return;
	text_escape_terminal(line, (size_t)n, safe, 4 * (size_t)n + 1);
	puts(safe);
}
