/* SPDX-License-Identifier: Apache-2.0 */
/**
 * paths.h - paths into a JSON value: args.a.b, args.files[0].url, body.tools[*].type
 */
#ifndef MCPJAIL_POLICY_PATHS_H
#define MCPJAIL_POLICY_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define PATH_STEPS_MAX 16

enum step_kind { STEP_MEMBER = 0, STEP_INDEX, STEP_EACH };

struct step {
	enum step_kind kind;
	char *name;   /* of the member */
	size_t index; /* of the element */
};

struct path {
	struct step *steps; /* none: the value as a whole */
	size_t n;
};

/* A path that names one value at the most, and how it is written. */
struct policy_value_path {
	struct path path;
	const char *names;
};

enum path_root {
	PATH_ARGS = 0, /* `args`: a call's arguments */
	PATH_BODY,     /* `body`: of a request */
};

/** path_begins() - Whether a text begins as a path from @root does */
bool path_begins(const char *text, enum path_root root);

/** path_examples() - What such paths look like, for a person; static */
const char *path_examples(enum path_root root);

/**
 * path_parse() - Read a path
 * @ret_what: On -EINVAL, what is wrong with it; static
 *
 * Return: 0; -EINVAL; -ENOMEM
 */
int path_parse(const char *text, enum path_root root, struct path *ret, const char **ret_what);

/** path_names_fold_to_one() - Whether two names are one to who ignores case, as PATH_CASE_FOLDED */
bool path_names_fold_to_one(const char *a, const char *b);

/** path_free() - Release the steps; the path is empty afterwards */
void path_free(struct path *path);

/* How members of objects are found. */
enum path_case {
	PATH_CASE_EXACT = 0,
	/*
	 * Without regard to the case of ASCII letters, and with U+017F and U+212A for s and k, as
	 * readers of JSON do that ignore case. Several members of one object may then be meant.
	 */
	PATH_CASE_FOLDED,
	/*
	 * Exactly, but a member whose name differs in case only blocks the way: no reader may
	 * take for the member what was not judged as such. No two members of one object may have
	 * names that fold to one.
	 */
	PATH_CASE_STRICT,
};

/* What is at the end of a path. */
enum path_end {
	PATH_NOTHING = 0, /* no such member or element */
	PATH_VALUE,       /* a value; `null` is one */
	PATH_BLOCKED, /* a value on the way has no members or elements; or see PATH_CASE_STRICT */
};

/* @value: for PATH_VALUE; else NULL */
typedef void (*path_visitor)(void *arg, enum path_end end, const json_t *value);

/**
 * path_visit() - Call @visit for each value that a path names
 *
 * `[*]` of an array without elements names none, and visits nothing.
 */
void path_visit(const struct path *path, const json_t *root, enum path_case names,
		path_visitor visit, void *arg);

/**
 * path_redact() - Put @marker in the place of every value that a path names
 * @value: Changed in place, or replaced if the path names the whole of it
 *
 * A value that the path cannot step into, being of the wrong kind, is replaced whole.
 *
 * Return: 0; -ENOMEM
 */
int path_redact(const struct path *path, json_t *marker, json_t **value);

#endif
