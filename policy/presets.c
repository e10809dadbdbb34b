// SPDX-License-Identifier: Apache-2.0
/*
 * The shipped presets are files, built in as they are (presets.inc, made by the Makefile). Which
 * program wants which is known by the names of its executable and of its package: what a
 * person types is the program itself, a package runner, or an interpreter and a script.
 */
#include "policy/presets.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/span.h"

#define PRESET(name_, ...)                                                                         \
	{.name = (name_),                                                                          \
	 .text = (const char *)(const unsigned char[]){__VA_ARGS__},                               \
	 .n = sizeof((const unsigned char[]){__VA_ARGS__})},

static const struct policy_preset presets[] = {
#include "presets.inc"
};

size_t policy_preset_count(void)
{
	return ARRAY_SIZE(presets);
}

const struct policy_preset *policy_preset_at(size_t i)
{
	return i < ARRAY_SIZE(presets) ? &presets[i] : NULL;
}

const struct policy_preset *policy_preset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

/* --- by command ------------------------------------------------------------- */

/* A preset by itself says nothing of who may use it: github has no row, a person asks for it. */
static const struct program {
	const char *command, *package, *preset; /* NULL: no package has it */
} programs[] = {
	{"claude", "@anthropic-ai/claude-code", "claude-code"},
	{"codex", "@openai/codex", "codex"},
	{"gemini", "@google/gemini-cli", "gemini"},
	{"opencode", "opencode-ai", "opencode"},
	{"chromium", NULL, "chromium"},
	{"chromium-browser", NULL, "chromium"},
	{"google-chrome", NULL, "chromium"},
	{"google-chrome-stable", NULL, "chromium"},
};

static struct span base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return span_of(slash ? slash + 1 : path);
}

static const struct program *find_command(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (span_equals(name, programs[i].command))
			return &programs[i];
	return NULL;
}

/* "@scope/name@version" or "name@version". */
static const struct program *find_package(const char *spec)
{
	struct span name = {spec, *spec ? 1 + strcspn(spec + 1, "@") : 0};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (programs[i].package && span_equals(name, programs[i].package))
			return &programs[i];
	return NULL;
}

/* A script of the name, whatever its extension, or one inside the package as installed. */
static const struct program *find_script(const char *path)
{
	struct span name = base_name(path);
	const char *dot = memchr(name.p, '.', name.n);

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		const char *at = programs[i].package ? strstr(path, "/node_modules/") : NULL;

		for (; at; at = strstr(at, "/node_modules/")) {
			size_t n = strlen(programs[i].package);

			at += strlen("/node_modules/");
			if (!strncmp(at, programs[i].package, n) && at[n] == '/')
				return &programs[i];
		}
	}
	return find_command(dot ? span_bytes(name.p, (size_t)(dot - name.p)) : name);
}

/*
 * Programs that run another: the words behind them that belong to them (`pnpm dlx`), which of
 * their options take a word of their own, and how to look at the first word that is left. A
 * runner takes a package's name only: what else the registry has under a program's name is
 * not that program.
 */
static const struct runner {
	const char *command, *verb; /* NULL: none */
	const char *valued;         /* options, each between spaces */
	const char *package;        /* those of them that name the package */
	const struct program *(*find)(const char *word);
} runners[] = {
	{"npx", NULL, " -p --package -c --call -w --workspace --registry ", " -p --package ",
	 find_package},
	{"npm", "exec", " -p --package -c --call -w --workspace --registry ", " -p --package ",
	 find_package},
	{"npm", "x", " -p --package -c --call -w --workspace --registry ", " -p --package ",
	 find_package},
	{"bunx", NULL, " -p --package ", " -p --package ", find_package},
	{"bun", "x", " -p --package ", " -p --package ", find_package},
	{"pnpx", NULL, " --package ", " --package ", find_package},
	{"pnpm", "dlx", " --package ", " --package ", find_package},
	{"yarn", "dlx", " -p --package ", " -p --package ", find_package},
	{"node", NULL, " -r --require --import --loader -C --conditions --env-file ", "",
	 find_script},
	{"bun", NULL, " -r --preload ", "", find_script},
};

static bool is_listed(const char *list, const char *word)
{
	const char *at = strstr(list, word);

	return at && at[-1] == ' ' && at[strlen(word)] == ' ';
}

/* @argv: behind the runner and its verb. */
static const struct program *find_run(const struct runner *runner, char *const *argv)
{
	for (; *argv && (*argv)[0] == '-' && (*argv)[1]; argv++) {
		const struct program *found = NULL;

		if (!strcmp(*argv, "--"))
			return argv[1] ? runner->find(argv[1]) : NULL;
		if (!strncmp(*argv, "--package=", strlen("--package=")))
			found = find_package(*argv + strlen("--package="));
		if (is_listed(runner->valued, *argv) && argv[1]) {
			if (is_listed(runner->package, *argv))
				found = find_package(argv[1]);
			argv++;
		}
		if (found)
			return found;
	}
	return *argv ? runner->find(*argv) : NULL;
}

/* `env NAME=value … claude`: the assignments change nothing of which program it is. */
static char *const *skip_env(char *const *argv)
{
	if (!*argv || !span_equals(base_name(*argv), "env"))
		return argv;
	for (argv++; *argv && (*argv)[0] != '-' && strchr(*argv, '=');)
		argv++;
	return argv;
}

const struct policy_preset *policy_preset_for_command(char *const *argv)
{
	const struct program *program;
	struct span name;

	argv = skip_env(argv);
	if (!*argv)
		return NULL;
	name = base_name(*argv);
	/* "./claude" may be an earlier agent's: what its name brings is to be asked for. */
	program = strchr(*argv, '/') && **argv != '/' ? NULL : find_command(name);
	for (size_t i = 0; !program && i < ARRAY_SIZE(runners); i++) {
		const char *verb = runners[i].verb;

		if (!span_equals(name, runners[i].command))
			continue;
		if (!verb)
			program = find_run(&runners[i], argv + 1);
		else if (argv[1] && !strcmp(argv[1], verb))
			program = find_run(&runners[i], argv + 2);
	}
	return program ? policy_preset_find(program->preset) : NULL;
}
