// SPDX-License-Identifier: Apache-2.0
/*
 * All changes are made to the text in memory, the outcome is loaded as a run would load it,
 * and only then is the file replaced: what a person is told was done is on the disk, and
 * sound.
 */
#include "policy_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/json/json_auto.h"
#include "policy_parts.h"

void draft_free(struct draft *d)
{
	policy_file_close(&d->file);
	buf_free(&d->text);
	policy_free(d->policy);
	json_decref(d->said);
}

void draft_say(struct draft *d, const char *format, ...)
{
	char line[2 * PATH_MAX + 64], safe[4 * sizeof(line)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	/* A path need not be UTF-8. */
	if (!json_array_append_new(d->said, json_string(line)))
		return;
	text_escape_terminal(line, strlen(line), safe, sizeof(safe));
	json_array_append_new(d->said, json_string(safe));
}

static int draft_tell(const struct draft *d)
{
	autojson json_t *report = NULL;
	const json_t *line;
	size_t i;

	if (d->as_json) {
		report = json_pack("{s:s, s:b, s:O}", "file", d->file.path, "changed",
				   d->is_changed, "done", d->said);
		return policy_print_json(report);
	}
	json_array_foreach (d->said, i, line)
		policy_print_line("%s", json_string_value(line));
	return 0;
}

int draft_load(struct draft *d)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	struct policy *policy = NULL;
	int r = policy_parse(d->text.data ? (const char *)d->text.data : "", d->text.len,
			     d->file.path, &policy, &errors);

	if (r) {
		policy_print_errors(d->file.path, &errors);
		return r == -ENOMEM ? POLICY_EXIT_CANNOT : POLICY_EXIT_WRONG;
	}
	policy_free(d->policy);
	d->policy = policy;
	return 0;
}

int draft_begin(struct draft *d, const char *file)
{
	struct error err = {.what = ""};

	if (policy_file_open(file, &d->file, &err))
		return policy_cannot(&err);
	d->text.max = d->file.text.max;
	if (buf_append(&d->text, d->file.text.data, d->file.text.len)) {
		error_set(&err, d->file.path, NULL, "out of memory");
		return policy_cannot(&err);
	}
	return draft_load(d);
}

int draft_take(struct draft *d, int r, struct buf *edited, const struct error *err)
{
	struct buf old = d->text;
	struct error out_of_memory;

	if (r == -EINVAL) {
		policy_cannot(err);
		return POLICY_EXIT_WRONG;
	}
	if (r) {
		error_set(&out_of_memory, d->file.path, NULL, "%s", strerror(-r));
		return policy_cannot(&out_of_memory);
	}
	d->text = *edited;
	*edited = old;
	d->is_changed = true;
	return 0;
}

int draft_end(struct draft *d)
{
	struct error err = {.what = ""};
	int r = d->is_changed ? draft_load(d) : 0;

	if (r) {
		log_error("%s: is as it was", d->file.path);
		return r;
	}
	if (d->is_changed && policy_file_write(&d->file, &d->text, &err))
		return policy_cannot(&err);
	if (d->is_changed && d->file.made_from[0])
		draft_say(d, "made from %s: %s", d->file.made_from, d->file.path);
	draft_say(d, "%s: %s", d->is_changed ? "written" : "unchanged", d->file.path);
	return draft_tell(d);
}

json_t *draft_json(const struct draft *d)
{
	return json_loadb((const char *)d->text.data, d->text.len, 0, NULL);
}
