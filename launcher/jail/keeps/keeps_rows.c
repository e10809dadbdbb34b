// SPDX-License-Identifier: Apache-2.0
/*
 * What is kept, and why each. The measure: a program of the host runs what the file says, because
 * of where it lies, when the person does something else: enters the directory, looks at its
 * status, opens an editor, starts an agent host, logs in.
 *
 * Not here: what a person runs as the project's own, and reviews as such. Makefiles, package.json
 * and its scripts, CI's files, .pre-commit-config.yaml, AGENTS.md and CLAUDE.md are the agent's
 * work. Nor repositories below the top of a tree: no tree is walked.
 *
 * A missing name is blocked where a program that many have would take it as it comes. It is let be
 * where the program asks about what it has not seen yet (direnv, a dev container), where only
 * something else that is kept makes it count (husky), or where who has the program mostly has
 * the name as well: a placeholder is seen by everybody.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "keeps_row.h"

#define KEEPS_LOCK_NAME "promptfax.lock" /* beside the policy: what its tools looked like */
#define KEEPS_MACHINE   "/etc/mcpjail"   /* the machine's policy; writable only if root says so */

/* At the top of a directory that people work in. */
static const struct keeps_row project_rows[] = {
	/* Agent hosts: hooks, commands of MCP servers, rights that are granted beforehand. */
	FILE_ROW(".mcp.json", BLOCKED),
	DIR_ROW(".claude", BLOCKED),
	DIR_ROW(".codex", BLOCKED),
	DIR_ROW(".gemini", BLOCKED),
	DIR_ROW(".cursor", BLOCKED),
	FILE_ROW("opencode.json", BLOCKED), /* plugins: loaded without a question */
	FILE_ROW("opencode.jsonc", BLOCKED),
	DIR_ROW(".github/hooks", MISSING_END_IS_BLOCKED), /* Copilot's */
	DIR_ROW(".agents", IGNORED),                      /* skills, of several hosts */
	FILE_ROW(".aider.conf.yml", IGNORED),             /* commands that check what was edited */
	DIR_ROW(".amazonq", IGNORED),
	DIR_ROW(".augment", IGNORED),
	DIR_ROW(".continue", IGNORED),
	FILE_ROW(".crush.json", IGNORED),
	FILE_ROW("crush.json", IGNORED),
	DIR_ROW(".factory", IGNORED),
	DIR_ROW(".junie", IGNORED),
	DIR_ROW(".kilocode", IGNORED),
	DIR_ROW(".kiro", IGNORED),
	DIR_ROW(".qwen", IGNORED),
	DIR_ROW(".roo", IGNORED),
	DIR_ROW(".windsurf", IGNORED),
	/* Editors: tasks that run when the directory is opened, paths of interpreters and shells.
	 */
	DIR_ROW(".vscode", BLOCKED),
	DIR_ROW(".idea", BLOCKED),
	DIR_ROW(".helix", BLOCKED), /* programs that it starts for a file's language */
	DIR_ROW(".zed", IGNORED),
	DIR_ROW(".devcontainer", IGNORED), /* asked about; initializeCommand runs on the host */
	FILE_ROW(".devcontainer.json", IGNORED), /* the same */
	FILE_ROW(".exrc", IGNORED),              /* vim with 'exrc' */
	FILE_ROW(".dir-locals.el", IGNORED),     /* Emacs: what was once accepted */
	/* Shells that look around when a directory is entered. */
	FILE_ROW(".envrc", IGNORED), /* direnv asks again for what has changed */
	/* What git's core.hooksPath means, as these tools set it; git's own: keeps_git.c. */
	DIR_ROW(".husky", IGNORED),
	DIR_ROW(".githooks", IGNORED),
	/* Other version control: hooks and aliases. */
	FILE_ROW(".hg/hgrc", MISSING_END_IS_BLOCKED),
	FILE_ROW(".hg/hgrc-not-shared", MISSING_END_IS_BLOCKED),
	FILE_ROW(".hg/requires", MISSING_END_IS_BLOCKED), /* whether another's hgrc is read, too */
	FILE_ROW(".jj/repo/config.toml", MISSING_END_IS_BLOCKED),
	FILE_ROW(".sl/config", MISSING_END_IS_BLOCKED),
};

/*
 * mise asks once for a directory, not for each of its files: where there is one, another that is
 * new is taken as it comes.
 */
static const char *const mise_names[] = {
	"mise.toml",        ".mise.toml",        "mise.local.toml",
	".mise.local.toml", "mise/config.toml",  ".mise",
	".config/mise",     ".config/mise.toml", ".config/mise.local.toml",
};

/* --- the directories that people work in ------------------------------------------------ */

/*
 * opencode insists on writing a .gitignore into any .opencode that it sees: one that is there is
 * kept in parts, one that is not must not be seen.
 */
static int add_opencode(struct keep_search *search, const char *root)
{
	static const struct keep_rule missing = {PLACEHOLDER_LINK, BLOCKED, KEEP_SEALED};
	static const char name[] = ".opencode";
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (keeps_is_opened(search->layout, path))
		return 0;
	if (!keeps_is_directory(path))
		return keeps_add(search, root, name, missing);
	for (size_t i = 0; !r && i < keeps_opencode.n; i++) {
		snprintf(path, sizeof(path), "%s/%s", name, keeps_opencode.rows[i].name);
		r = keeps_add(search, root, path, keeps_opencode.rows[i].rule);
	}
	return r;
}

static int add_mise(struct keep_search *search, const char *root)
{
	struct keep_rule rule = {PLACEHOLDER_LINK, IGNORED, KEEP_SEALED};
	char path[PATH_MAX];
	struct stat st;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(mise_names); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, mise_names[i]);
		if (stat(path, &st) == 0)
			rule.missing = BLOCKED;
	}
	for (size_t i = 0; !r && i < ARRAY_SIZE(mise_names); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, mise_names[i]);
		if (!keeps_is_opened(search->layout, path))
			r = keeps_add(search, root, mise_names[i], rule);
	}
	return r;
}

static int add_project_rows(struct keep_search *search, const char *root)
{
	const struct layout *layout = search->layout;
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(project_rows); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, project_rows[i].name);
		if (keeps_is_opened(layout, path) || keeps_is_agents_own(layout, path))
			continue;
		r = keeps_add_row(search, root, &project_rows[i]);
		if (!r)
			r = keeps_add_symlinked(search, root, project_rows[i].name);
	}
	return r;
}

static int add_root(struct keep_search *search, const char *root)
{
	static const struct keep_rule in_place = {PLACEHOLDER_DIR, IGNORED, KEEP_IN_PLACE};
	size_t first = search->held->n;
	int r;

	if (!layout_is_writable(search->layout, root) || !keeps_is_directory(root))
		return 0;
	r = placeholders_share(search->held, root);
	if (r < 0)
		return keeps_failed(search, root, r);
	/* One that lies in a wider tree must not be moved away either. */
	r = keeps_add(search, "", root, in_place);
	if (!r)
		r = add_project_rows(search, root);
	if (!r)
		r = add_mise(search, root);
	if (!r)
		r = add_opencode(search, root);
	if (!r)
		r = keeps_add_git(search, root);
	return r || search->held->n == first ? r : keeps_add_exclude(search, root, first);
}

/* --- mcpjail's own ----------------------------------------------------------------------- */

/* The lock in force, and the one that the next run would find. */
static int add_lock_of(struct keep_search *search, const char *policy)
{
	static const struct keeps_row lock = FILE_ROW(KEEPS_LOCK_NAME, BLOCKED);
	autofree char *dir = policy ? strdup(policy) : NULL;
	autofree char *real = NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int r;

	if (!slash)
		return 0;
	*slash = '\0';
	real = realpath(slash == dir ? "/" : dir, NULL);
	if (!real || !layout_is_writable(search->layout, real))
		return 0;
	r = placeholders_share(search->held, real);
	return r < 0 ? keeps_failed(search, real, r) : keeps_add_row(search, real, &lock);
}

static int add_own(struct keep_search *search)
{
	static const struct keeps_row machine = DIR_ROW(KEEPS_MACHINE, BLOCKED);
	int r = add_lock_of(search, search->layout->policy_path);

	if (!r)
		r = add_lock_of(search, search->layout->policy_name);
	if (r || !layout_is_writable(search->layout, KEEPS_MACHINE))
		return r;
	r = placeholders_share(search->held, "/etc");
	return r < 0 ? keeps_failed(search, "/etc", r) : keeps_add_row(search, "", &machine);
}

int keeps_add_rows(struct keep_search *search)
{
	const struct layout *layout = search->layout;
	int r = add_own(search);

	for (size_t i = 0; !r && i < layout->roots.n; i++)
		r = add_root(search, layout->roots.items[i]);
	for (size_t i = 0; !r && i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && strcmp(layout->homes[i], "/"))
			r = keeps_add_home(search, layout->homes[i]);
	return r;
}
