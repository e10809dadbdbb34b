// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_surroundings.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_names.h"

#define VARIABLE_MAX 128   /* bytes of a name */
#define VALUE_MAX    65536 /* bytes of a value; execve() takes 128 KiB with the name */
#define PATH_BYTES   4095  /* of a path */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS  "0123456789"

/* --- environment ------------------------------------------------------------ */

/* @star: "*" where it may stand for a run of characters, else "" */
static bool load_check_variable(struct load *l, const char *name, const char *star)
{
	char accepted[sizeof(LETTERS DIGITS) + 1] = LETTERS DIGITS;
	size_t n = strlen(name);

	strcat(accepted, star);
	if (n >= 1 && n <= VARIABLE_MAX && strspn(name, accepted) == n && !strchr(DIGITS, name[0]))
		return true;
	if (strchr(name, '='))
		load_error(l, "write the name alone; `set` is for values",
			   "`%.60s` is no name of a variable", name);
	else
		load_error(l,
			   *star ? "letters, digits and `_`; `*` for any run of them"
				 : "letters, digits and `_`",
			   "`%.60s` is no name of a variable", name);
	return false;
}

static const char *load_variable_pattern(struct load *l, const char *text)
{
	return load_check_variable(l, text, "*") ? load_keep(l, text) : NULL;
}

static void load_pass(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"ANTHROPIC_API_KEY\"]", load_variable_pattern,
		   &policy->environment.pass);
}

static void load_unset(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"EDITOR\"]", load_variable_pattern, &policy->environment.unset);
}

static const struct policy_variable *find_variable(const struct policy_environment *environment,
						   const char *name)
{
	for (size_t i = 0; i < environment->n_set; i++)
		if (!strcmp(environment->set[i].name, name))
			return &environment->set[i];
	return NULL;
}

/*
 * What is there already is the policy's own word, which wins, or that of another preset, which
 * must not: the order of presets means nothing.
 */
static bool is_settled(struct load *l, const char *name, const char *value)
{
	const struct policy_variable *there = find_variable(&l->policy->environment, name);

	if (!there)
		return false;
	if (there->is_of_preset && strcmp(there->value, value))
		load_error(l, "set it in the policy's `environment`",
			   "another preset sets `%s` to something else", name);
	return true;
}

static void load_variable(struct load *l, const char *name, const json_t *value,
			  struct policy_variable *next)
{
	struct policy_environment *environment = &l->policy->environment;
	const char *text;

	if (!load_check_variable(l, name, "") || !load_string(l, value, &text))
		return;
	if (strlen(text) > VALUE_MAX)
		load_error(l, NULL, "a value has at most %d bytes", VALUE_MAX);
	else if (!is_settled(l, name, text)) {
		*next = (struct policy_variable){.name = load_keep(l, name),
						 .value = load_keep(l, text),
						 .is_of_preset = l->preset != NULL};
		environment->n_set++;
	}
}

static void load_set(struct load *l, const json_t *value, void *into)
{
	struct policy_environment *environment = &((struct policy *)into)->environment;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value);
	struct policy_variable *set;

	if (!load_is_object(l, value, "{\"EDITOR\":\"vi\"}"))
		return;
	if (n > POLICY_NAMES_MAX - environment->n_set) {
		load_error(l, NULL, "%zu variables; at most %d", environment->n_set + n,
			   POLICY_NAMES_MAX);
		return;
	}
	set = load_reserve(l, environment->set, environment->n_set, n, sizeof(*set));
	if (!set)
		return;
	environment->set = set;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		load_variable(l, json_object_iter_key(i), json_object_iter_value(i),
			      &set[environment->n_set]);
		load_leave(l, mark);
	}
}

static const struct load_key environment_keys[] = {
	{"pass", load_pass, false},
	{"set", load_set, false},
	{"unset", load_unset, false},
};

#define ENVIRONMENT(n_keys)                                                                        \
	{                                                                                          \
		.owner = "`environment`",                                                          \
		.write = "{\"pass\":[\"NAME\"],\"set\":{\"NAME\":\"value\"}}",                     \
		.keys = environment_keys, .n = (n_keys)                                            \
	}

void load_environment(struct load *l, const json_t *value, void *into)
{
	static const struct load_keys table = ENVIRONMENT(ARRAY_SIZE(environment_keys));

	load_object(l, value, &table, into);
}

void load_preset_environment(struct load *l, const json_t *value, void *into)
{
	static const struct load_keys table = ENVIRONMENT(2);

	load_object(l, value, &table, into);
}

/* --- filesystem ------------------------------------------------------------- */

static const struct {
	const char *piece, *what, *mend;
} unsound[] = {
	{"/../", "a `..` in the path", "write the path it leads to"},
	{"/./", "a `.` in the path", "leave it out"},
	{"//", "an empty name in the path", "write one `/`"},
	{"**", "`**` in the path", "`*` stands for any run of characters but `/`, in one name"},
};

/* Return: what follows the place where the path begins; NULL if it is none of those. */
static const char *path_rest(const char *path)
{
	static const char *const bases[] = {"", "~", "$PWD"};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		size_t n = strlen(bases[i]);

		if (!strncmp(path, bases[i], n) && (path[n] == '/' || (n && !path[n])))
			return path + n;
	}
	return NULL;
}

/* What is wrong with it is reported. */
static bool load_check_path(struct load *l, const char *path)
{
	const char *rest = path_rest(path);
	char padded[PATH_BYTES + 2];

	if (strlen(path) > PATH_BYTES) {
		load_error(l, NULL, "a path has at most %d bytes", PATH_BYTES);
		return false;
	}
	if (!rest) {
		load_error(l, "/etc/x, ~/x or $PWD/x",
			   "`%.60s` begins with none of `/`, `~/`, `$PWD/`", path);
		return false;
	}
	/* With a slash behind it, a dot at the end looks like one in the middle. */
	snprintf(padded, sizeof(padded), "%s%s", rest,
		 *rest && rest[strlen(rest) - 1] == '.' ? "/" : "");
	for (size_t i = 0; i < ARRAY_SIZE(unsound); i++) {
		if (strstr(padded, unsound[i].piece)) {
			load_error(l, unsound[i].mend, "%s", unsound[i].what);
			return false;
		}
	}
	for (const char *p = rest; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			load_error(l, NULL, "a control character in the path");
			return false;
		}
	}
	return true;
}

/*
 * Of what begins at the root, the first name is written out: `/`, or a pattern in its place,
 * would be the whole machine.
 */
static const char *load_path(struct load *l, const char *text)
{
	if (!load_check_path(l, text))
		return NULL;
	if (text[0] == '/' && strcspn(text + 1, "*?") < strcspn(text + 1, "/"))
		load_error(l, "write the first name out", "a pattern for all that there is");
	else if (!strcmp(text, "/"))
		load_error(l, "name what is below it", "`/` is all that there is");
	else
		return load_keep(l, text);
	return NULL;
}

static void load_read(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"~/.npmrc\"]", load_path, &policy->filesystem.read);
}

static void load_write(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"~/.claude/\"]", load_path, &policy->filesystem.write);
}

static void load_hide(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"$PWD/.env\"]", load_path, &policy->filesystem.hide);
}

static const struct load_key filesystem_keys[] = {
	{"write", load_write, false},
	{"read", load_read, false},
	{"hide", load_hide, false},
};

#define FILESYSTEM(n_keys)                                                                         \
	{                                                                                          \
		.owner = "`filesystem`", .write = "{\"write\":[\"~/.cache/x/\"]}",                 \
		.keys = filesystem_keys, .n = (n_keys)                                             \
	}

void load_filesystem(struct load *l, const json_t *value, void *into)
{
	static const struct load_keys table = FILESYSTEM(ARRAY_SIZE(filesystem_keys));

	load_object(l, value, &table, into);
}

void load_preset_filesystem(struct load *l, const json_t *value, void *into)
{
	static const struct load_keys table = FILESYSTEM(1);

	load_object(l, value, &table, into);
}

/* --- sockets ---------------------------------------------------------------- */

/* One socket each: a pattern would also take in what is made later, by whomever. */
static const char *load_socket(struct load *l, const char *text)
{
	if (!load_check_path(l, text))
		return NULL;
	if (strpbrk(text, "*?"))
		load_error(l, "write out the path of each", "a pattern for sockets");
	else if (!*path_rest(text) || text[strlen(text) - 1] == '/')
		load_error(l, "/run/x/y.sock", "`%.60s` is a directory", text);
	else
		return load_keep(l, text);
	return NULL;
}

void load_sockets(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"/run/x/y.sock\"]", load_socket, &policy->sockets);
}
