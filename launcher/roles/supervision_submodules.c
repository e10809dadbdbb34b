// SPDX-License-Identifier: Apache-2.0
#include "roles/supervision.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "jail/submodules.h"

/* As much as there is room for; what is left out is null. */
static void list(const struct submodules *found, struct buf *b)
{
	bool is_cut = found->has_more;
	int r = buf_puts(b, "[");

	for (size_t i = 0; !r && i < found->n; i++) {
		size_t before = b->len;

		r = buf_puts(b, i ? "," : "");
		if (!r)
			r = text_append_json_string(b, found->configs[i],
						    strlen(found->configs[i]));
		if (r || b->max - b->len < sizeof(",null]")) {
			b->len = before;
			is_cut = true;
			break;
		}
	}
	if (is_cut || found->is_unknown)
		(void)buf_puts(b, b->len > 1 ? ",null" : "null");
	(void)buf_puts(b, "]");
}

static void say(const struct submodules *found)
{
	for (size_t i = 0; i < found->n; i++)
		log_error(
			"%s may be the command's, and `git status` would run what it says: look at "
			"it first, or use `git status --ignore-submodules=all`",
			found->configs[i]);
	if (found->has_more)
		log_error("there are more submodules of that kind");
	if (found->is_unknown)
		log_error("not all that git's index calls submodules could be looked at: "
			  "until you have, use `git status --ignore-submodules=all`");
}

void supervision_tell_submodules(struct supervision *s)
{
	autobuf struct buf text = BUF_INIT(sizeof(s->submodules) - 1);
	struct submodules found = {.n = 0};

	if (s->result->end == RUN_END_NOT_MADE || s->result->end == RUN_END_NOT_EXECED)
		return;
	if (s->jail.cwd_is_writable)
		submodules_find(s->jail.cwd, &s->begun, &found);
	for (size_t i = 0; i < s->jail.n_write_dirs; i++)
		submodules_find(s->jail.write_dirs[i], &s->begun, &found);
	if (found.n || found.is_unknown) {
		say(&found);
		list(&found, &text);
		memcpy(s->submodules, text.data, text.len);
		s->submodules[text.len] = '\0';
	}
	submodules_free(&found);
}
