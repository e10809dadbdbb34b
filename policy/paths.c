// SPDX-License-Identifier: Apache-2.0
#include "paths.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void path_free(struct path *path)
{
	for (size_t i = 0; i < path->n; i++)
		free(path->steps[i].name);
	free(path->steps);
	*path = (struct path){0};
}

/* ".name": anything but the signs of the path language. */
static int step_parse_member(const char **at, struct step *ret)
{
	size_t n = strcspn(*at + 1, ".[]*");

	if (!n)
		return -EINVAL;
	ret->kind = STEP_MEMBER;
	ret->name = strndup(*at + 1, n);
	*at += 1 + n;
	return ret->name ? 0 : -ENOMEM;
}

/* "[*]" or "[12]". */
static int step_parse_element(const char **at, struct step *ret)
{
	const char *digits = *at + 1;
	size_t n = strspn(digits, "0123456789");

	if (!strncmp(digits, "*]", 2)) {
		ret->kind = STEP_EACH;
		*at += 3;
		return 0;
	}
	if (!n || n > 9 || digits[n] != ']')
		return -EINVAL;
	ret->kind = STEP_INDEX;
	ret->index = strtoul(digits, NULL, 10);
	*at += n + 2;
	return 0;
}

static const struct {
	const char *name, *complaint, *examples;
} roots[] = {
	[PATH_ARGS] = {"args", "a path begins with `args`",
		       "args.a.b, args.files[0].url or args.files[*].url"},
	[PATH_BODY] = {"body", "a path begins with `body`", "body.a.b or body.tools[*].type"},
};

bool path_begins(const char *text, enum path_root root)
{
	size_t n = strlen(roots[root].name);

	return !strncmp(text, roots[root].name, n) &&
	       (!text[n] || text[n] == '.' || text[n] == '[');
}

const char *path_examples(enum path_root root)
{
	return roots[root].examples;
}

/* As many as there are beginnings of one; at least one, for calloc(). */
static size_t steps_most(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '.' || *text == '[';
	return n < PATH_STEPS_MAX ? n : PATH_STEPS_MAX;
}

int path_parse(const char *text, enum path_root root, struct path *ret, const char **ret_what)
{
	__attribute__((cleanup(path_free))) struct path path = {0};
	const char *at = text + strlen(roots[root].name);

	if (!path_begins(text, root)) {
		*ret_what = roots[root].complaint;
		return -EINVAL;
	}
	path.steps = calloc(steps_most(at), sizeof(*path.steps));
	if (!path.steps)
		return -ENOMEM;
	while (*at) {
		int r = -EINVAL;

		if (path.n == PATH_STEPS_MAX) {
			*ret_what = "a path has at most 16 steps";
			return -EINVAL;
		}
		if (*at == '.')
			r = step_parse_member(&at, &path.steps[path.n]);
		else if (*at == '[')
			r = step_parse_element(&at, &path.steps[path.n]);
		if (r) {
			*ret_what = "a step is `.name`, `[0]` or `[*]`";
			return r;
		}
		path.n++;
	}
	*ret = path;
	path = (struct path){0};
	return 0;
}

/* --- finding values --------------------------------------------------------- */

static char fold_letter(const char **p)
{
	unsigned char c = (unsigned char)*(*p)++;

	if (c == 0xc5 && (unsigned char)**p == 0xbf) { /* U+017F */
		++*p;
		return 's';
	}
	if (c == 0xe2 && !strncmp(*p, "\x84\xaa", 2)) { /* U+212A */
		*p += 2;
		return 'k';
	}
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool path_names_fold_to_one(const char *a, const char *b)
{
	while (*a && *b)
		if (fold_letter(&a) != fold_letter(&b))
			return false;
	return !*a && !*b;
}

struct visit {
	path_visitor visit;
	void *arg;
	enum path_case names;
};

static void visit_within(const struct visit *v, const json_t *value, const struct step *steps,
			 size_t n);

/* Nothing has exactly that name. */
static void visit_other_spellings(const struct visit *v, const json_t *value,
				  const struct step *steps, size_t n)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	bool is_met = false;

	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		if (!path_names_fold_to_one(json_object_iter_key(i), steps->name))
			continue;
		is_met = true;
		if (v->names == PATH_CASE_STRICT)
			v->visit(v->arg, PATH_BLOCKED, NULL);
		else
			visit_within(v, json_object_iter_value(i), steps + 1, n - 1);
	}
	if (!is_met)
		v->visit(v->arg, PATH_NOTHING, NULL);
}

static void visit_members(const struct visit *v, const json_t *value, const struct step *steps,
			  size_t n)
{
	const json_t *member;

	if (!json_is_object(value)) {
		v->visit(v->arg, PATH_BLOCKED, NULL);
		return;
	}
	/* Folded, other members may be meant as well as that one. */
	member = v->names == PATH_CASE_FOLDED ? NULL : json_object_get(value, steps->name);
	if (member)
		visit_within(v, member, steps + 1, n - 1);
	else if (v->names == PATH_CASE_EXACT)
		v->visit(v->arg, PATH_NOTHING, NULL);
	else
		visit_other_spellings(v, value, steps, n);
}

static void visit_elements(const struct visit *v, const json_t *value, const struct step *steps,
			   size_t n)
{
	size_t first = steps->kind == STEP_EACH ? 0 : steps->index;
	size_t end = steps->kind == STEP_EACH ? json_array_size(value) : first + 1;

	if (!json_is_array(value))
		v->visit(v->arg, PATH_BLOCKED, NULL);
	else if (end > json_array_size(value))
		v->visit(v->arg, PATH_NOTHING, NULL);
	else
		for (size_t i = first; i < end; i++)
			visit_within(v, json_array_get(value, i), steps + 1, n - 1);
}

/* The depth is that of the path, not of the value. */
static void visit_within(const struct visit *v, const json_t *value, const struct step *steps,
			 size_t n)
{
	if (!n)
		v->visit(v->arg, PATH_VALUE, value);
	else if (steps->kind == STEP_MEMBER)
		visit_members(v, value, steps, n);
	else
		visit_elements(v, value, steps, n);
}

void path_visit(const struct path *path, const json_t *root, enum path_case names,
		path_visitor visit, void *arg)
{
	const struct visit v = {.visit = visit, .arg = arg, .names = names};

	visit_within(&v, root, path->steps, path->n);
}

/* --- redaction -------------------------------------------------------------- */

/* What has become of a value: kept, perhaps changed within, or to be replaced by its owner. */
enum redaction { REDACTION_KEPT = 0, REDACTION_REPLACE };

static int redact_within(json_t *value, const struct step *steps, size_t n, json_t *marker);

static int redact_member(json_t *object, const struct step *steps, size_t n, json_t *marker)
{
	json_t *child = json_object_get(object, steps->name);
	int r;

	if (!json_is_object(object))
		return REDACTION_REPLACE;
	if (!child)
		return REDACTION_KEPT;
	r = redact_within(child, steps + 1, n - 1, marker);
	if (r == REDACTION_REPLACE)
		return json_object_set(object, steps->name, marker) ? -ENOMEM : REDACTION_KEPT;
	return r;
}

static int redact_elements(json_t *array, const struct step *steps, size_t n, json_t *marker)
{
	size_t first = steps->kind == STEP_EACH ? 0 : steps->index;
	size_t end = steps->kind == STEP_EACH ? json_array_size(array) : first + 1;

	if (!json_is_array(array))
		return REDACTION_REPLACE;
	for (size_t i = first; i < end && i < json_array_size(array); i++) {
		int r = redact_within(json_array_get(array, i), steps + 1, n - 1, marker);

		if (r == REDACTION_REPLACE)
			r = json_array_set(array, i, marker) ? -ENOMEM : 0;
		if (r)
			return r;
	}
	return REDACTION_KEPT;
}

/* Return: enum redaction; -ENOMEM. The depth is that of the path, not of the value. */
static int redact_within(json_t *value, const struct step *steps, size_t n, json_t *marker)
{
	if (!n)
		return REDACTION_REPLACE;
	if (steps->kind == STEP_MEMBER)
		return redact_member(value, steps, n, marker);
	return redact_elements(value, steps, n, marker);
}

int path_redact(const struct path *path, json_t *marker, json_t **value)
{
	int r = redact_within(*value, path->steps, path->n, marker);

	if (r != REDACTION_REPLACE)
		return r;
	json_decref(*value);
	*value = json_incref(marker);
	return 0;
}
