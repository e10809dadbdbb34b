// SPDX-License-Identifier: Apache-2.0
/*
 * From text to what the loader walks, in two steps that each see the whole text: scan.c looks
 * at syntax and duplicate keys, jansson builds the tree.
 */
#include <errno.h>

#include "policy/load/errors.h"
#include "policy/json/json_auto.h"
#include "policy/load/load.h"

static void load_on_problem(void *context, const struct scan_problem *problem)
{
	struct load *l = context;
	struct policy_place place = {.pointer = l->pointer};

	l->has_errors = true;
	if (problem->pointer.n >= sizeof(l->pointer) ||
	    !span_copy(problem->pointer, l->pointer, sizeof(l->pointer)))
		l->pointer[0] = '\0';
	scan_place(l->text, l->n, problem->at, &place.line, &place.column);
	if (policy_errors_add(l->errors, l->name, &place, problem->what, problem->mend))
		l->is_out_of_memory = true;
	l->pointer[0] = '\0';
}

/* jansson's tree. What the scan let pass, jansson refuses only for numbers past its range. */
static json_t *load_tree(struct load *l)
{
	/* With a duplicate already reported, the tree serves to find the other errors. */
	size_t flags = l->has_errors ? 0 : JSON_REJECT_DUPLICATES;
	json_error_t why;
	json_t *root = json_loadb(l->text, l->n, flags | JSON_DECODE_ANY, &why);
	struct scan_problem problem = {.what = why.text};

	if (root)
		return root;
	if (json_error_code(&why) == json_error_out_of_memory) {
		l->is_out_of_memory = true;
		return NULL;
	}
	problem.at = why.position > 0 ? (size_t)why.position - 1 : 0;
	load_on_problem(l, &problem);
	return NULL;
}

/* Most texts are sound: then neither problems nor keys need to be noted. */
static json_t *load_sound_tree(const struct load *l)
{
	if (scan_check(l->text, l->n, NULL, NULL))
		return NULL;
	return json_loadb(l->text, l->n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

void load_text(struct load *l, const struct load_keys *keys, void *into)
{
	static const struct scan_problem long_text = {
		.what = "a policy has at most four mebibytes"};
	autojson json_t *root = NULL;
	int r = 0;

	if (l->n > POLICY_BYTES_MAX) {
		load_on_problem(l, &long_text);
		return;
	}
	root = load_sound_tree(l);
	if (!root)
		r = scan_check(l->text, l->n, load_on_problem, l);
	/* Anything else than a reported error must not pass for an empty policy. */
	if (r && r != -EINVAL)
		l->is_out_of_memory = true;
	if (!r && !root)
		root = load_tree(l);
	if (root)
		load_object(l, root, keys, into);
}
