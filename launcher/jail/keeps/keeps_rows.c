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
 * A missing name is blocked where a program would take it as it comes. It is let be where the
 * program asks about what it has not seen yet (direnv, mise, a dev container), or where only
 * something else that is kept makes it count (husky).
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "jail/keeps/keeps.h"

#define KEEPS_LOCK_NAME "promptfax.lock" /* beside the policy: what its tools looked like */
#define KEEPS_MACHINE   "/etc/mcpjail"   /* the machine's policy; writable only if root says so */

struct row {
	const char *name; /* below the tree, or the home */
	struct keep_rule rule;
};

#define DIR_ROW(name, missing_)                                                                    \
	{                                                                                          \
		name,                                                                              \
		{                                                                                  \
			PLACEHOLDER_DIR, missing_, KEEP_SEALED                                     \
		}                                                                                  \
	}
#define FILE_ROW(name, missing_)                                                                   \
	{                                                                                          \
		name,                                                                              \
		{                                                                                  \
			PLACEHOLDER_LINK, missing_, KEEP_SEALED                                    \
		}                                                                                  \
	}
#define BLOCKED MISSING_IS_BLOCKED
#define IGNORED MISSING_IS_IGNORED

/* At the top of a directory that people work in. */
static const struct row project_rows[] = {
	/* Agent hosts: hooks, commands of MCP servers, rights that are granted beforehand. */
	FILE_ROW(".mcp.json", BLOCKED),
	DIR_ROW(".claude", BLOCKED),
	DIR_ROW(".codex", BLOCKED),
	DIR_ROW(".gemini", BLOCKED),
	DIR_ROW(".cursor", BLOCKED),
	FILE_ROW("opencode.json", BLOCKED), /* plugins: loaded without a question */
	FILE_ROW("opencode.jsonc", BLOCKED),
	DIR_ROW(".agents", IGNORED), /* skills, of several hosts */
	DIR_ROW(".amazonq", IGNORED),
	DIR_ROW(".continue", IGNORED),
	DIR_ROW(".kiro", IGNORED),
	DIR_ROW(".qwen", IGNORED),
	DIR_ROW(".roo", IGNORED),
	DIR_ROW(".windsurf", IGNORED),
	/* Editors: tasks that run when the directory is opened, paths of interpreters and shells.
	 */
	DIR_ROW(".vscode", BLOCKED),
	DIR_ROW(".idea", BLOCKED),
	DIR_ROW(".zed", IGNORED),
	DIR_ROW(".devcontainer", IGNORED), /* asked about; initializeCommand runs on the host */
	FILE_ROW(".devcontainer.json", IGNORED), /* the same */
	FILE_ROW(".exrc", IGNORED),              /* vim with 'exrc' */
	FILE_ROW(".dir-locals.el", IGNORED),     /* Emacs: what was once accepted */
	/* Shells that look around when a directory is entered. */
	FILE_ROW(".envrc", IGNORED), /* direnv asks again for what has changed */
	FILE_ROW("mise.toml", IGNORED),
	FILE_ROW(".mise.toml", IGNORED),
	/* What git's core.hooksPath means, as these tools set it; git's own: keeps_git.c. */
	DIR_ROW(".husky", IGNORED),
	DIR_ROW(".githooks", IGNORED),
	/* Other version control: hooks and aliases. */
	FILE_ROW(".hg/hgrc", MISSING_END_IS_BLOCKED),
	FILE_ROW(".jj/repo/config.toml", MISSING_END_IS_BLOCKED),
};

/*
 * In the home, if that or a part of it is writable: --write, the working directory, or a preset
 * that keeps its program's sessions there. Only what is named exactly in filesystem.write opens
 * one of these; to have the directory that holds it does not.
 */
static const struct row home_rows[] = {
	/* Shells, on login, start and exit. */
	FILE_ROW(".bashrc", BLOCKED),
	FILE_ROW(".bash_profile", BLOCKED),
	FILE_ROW(".bash_login", BLOCKED),
	FILE_ROW(".bash_logout", BLOCKED),
	FILE_ROW(".bash_aliases", BLOCKED),
	FILE_ROW(".profile", BLOCKED),
	FILE_ROW(".zshrc", BLOCKED),
	FILE_ROW(".zshenv", BLOCKED),
	FILE_ROW(".zprofile", BLOCKED),
	FILE_ROW(".zlogin", BLOCKED),
	FILE_ROW(".zlogout", BLOCKED),
	FILE_ROW(".kshrc", BLOCKED),
	FILE_ROW(".cshrc", BLOCKED),
	FILE_ROW(".tcshrc", BLOCKED),
	FILE_ROW(".login", BLOCKED),
	FILE_ROW(".inputrc", BLOCKED), /* keys that type commands */
	DIR_ROW(".config/fish", BLOCKED),
	DIR_ROW(".config/nushell", IGNORED),
	DIR_ROW(".oh-my-zsh", IGNORED),
	/* Sessions and services. */
	FILE_ROW(".pam_environment", BLOCKED),
	FILE_ROW(".xprofile", BLOCKED),
	FILE_ROW(".xinitrc", BLOCKED),
	FILE_ROW(".xsession", BLOCKED),
	FILE_ROW(".xsessionrc", BLOCKED),
	DIR_ROW(".config/autostart", BLOCKED),
	DIR_ROW(".config/environment.d", BLOCKED),
	DIR_ROW(".config/systemd", BLOCKED),
	DIR_ROW(".local/share/systemd", BLOCKED),
	DIR_ROW(".local/share/applications", IGNORED),
	DIR_ROW(".local/share/dbus-1", BLOCKED),
	/* Programs that are found by PATH. */
	DIR_ROW("bin", BLOCKED),
	DIR_ROW(".local/bin", BLOCKED),
	DIR_ROW(".cargo/bin", IGNORED),
	FILE_ROW(".cargo/env", IGNORED), /* read by rc files */
	FILE_ROW(".cargo/config.toml", IGNORED),
	DIR_ROW(".npm-global", IGNORED),
	DIR_ROW("go/bin", IGNORED),
	DIR_ROW(".pyenv", IGNORED),
	DIR_ROW(".nvm", IGNORED),
	DIR_ROW(".rustup", IGNORED),
	/* Programs that run what their settings say. */
	FILE_ROW(".claude.json", BLOCKED),
	FILE_ROW(".gitconfig", BLOCKED),
	DIR_ROW(".config/git", BLOCKED),
	FILE_ROW(".npmrc", BLOCKED),
	FILE_ROW(".tmux.conf", BLOCKED),
	DIR_ROW(".config/tmux", IGNORED),
	FILE_ROW(".screenrc", BLOCKED),
	FILE_ROW(".vimrc", BLOCKED),
	DIR_ROW(".vim", IGNORED),
	DIR_ROW(".config/nvim", IGNORED),
	FILE_ROW(".emacs", BLOCKED),
	DIR_ROW(".emacs.d", IGNORED),
	DIR_ROW(".config/emacs", IGNORED),
	DIR_ROW(".config/direnv", IGNORED),
	DIR_ROW(".config/mise", IGNORED),
	FILE_ROW(".gdbinit", BLOCKED),
	FILE_ROW(".pythonrc", IGNORED),
	DIR_ROW(".config/Code/User", IGNORED),
	DIR_ROW(".vscode", IGNORED), /* extensions */
	DIR_ROW(".vscode-server", IGNORED),
	DIR_ROW(".cursor", IGNORED),
	DIR_ROW(".config/zed", IGNORED),
};

/*
 * Agent hosts' own directories in the home. Where one is missing and could be made, it is
 * blocked as a whole; where it is there, what the host acts on is, and its sessions, logs, caches
 * and tokens are not. auth.json and the like stay writable: a token that was renewed is lost with
 * the log-in if it cannot be kept.
 */
struct agent_dir {
	const char *dir;
	const struct row *rows;
	size_t n;
};

static const struct row claude_rows[] = {
	FILE_ROW("settings.json", BLOCKED),
	FILE_ROW("settings.local.json", BLOCKED),
	FILE_ROW("CLAUDE.md", BLOCKED),
	FILE_ROW("daemon.json", BLOCKED),
	FILE_ROW("scheduled_tasks.json", BLOCKED),
	FILE_ROW("launch.json", BLOCKED),
	DIR_ROW("agents", BLOCKED),
	DIR_ROW("commands", BLOCKED),
	DIR_ROW("hooks", BLOCKED),
	DIR_ROW("jobs", BLOCKED),
	DIR_ROW("local", IGNORED), /* the program itself */
	DIR_ROW("output-styles", BLOCKED),
	DIR_ROW("plugins", BLOCKED),
	DIR_ROW("routines", BLOCKED),
	DIR_ROW("rules", BLOCKED),
	DIR_ROW("session-env", BLOCKED),     /* scripts that run before each command */
	DIR_ROW("shell-snapshots", BLOCKED), /* the same */
	DIR_ROW("skills", BLOCKED),
	DIR_ROW("workflows", BLOCKED),
};

static const struct row codex_rows[] = {
	FILE_ROW("config.toml", BLOCKED), /* MCP servers, notify, the sandbox itself */
	FILE_ROW("managed_config.toml", BLOCKED),
	FILE_ROW("requirements.toml", BLOCKED),
	FILE_ROW("hooks.json", BLOCKED),
	FILE_ROW(".env", BLOCKED),
	FILE_ROW("AGENTS.md", BLOCKED),
	FILE_ROW("AGENTS.override.md", BLOCKED),
	DIR_ROW("agents", BLOCKED),
	DIR_ROW("automations", BLOCKED),
	DIR_ROW("hooks", BLOCKED),
	DIR_ROW("packages", IGNORED), /* the program itself */
	DIR_ROW("plugins", BLOCKED),
	DIR_ROW("prompts", BLOCKED),
	DIR_ROW("rules", BLOCKED),           /* commands that are allowed beforehand */
	DIR_ROW("shell_snapshots", BLOCKED), /* scripts that run before each command */
	DIR_ROW("skills", BLOCKED),
	DIR_ROW(".tmp/plugins", BLOCKED),
};

static const struct row gemini_rows[] = {
	FILE_ROW("settings.json", BLOCKED), /* MCP servers, hooks */
	FILE_ROW(".env", BLOCKED),
	FILE_ROW("GEMINI.md", BLOCKED),
	FILE_ROW("trustedFolders.json", BLOCKED),
	FILE_ROW("trusted_hooks.json", BLOCKED),
	DIR_ROW("agents", BLOCKED),
	DIR_ROW("commands", BLOCKED),
	DIR_ROW("extensions", BLOCKED),
	DIR_ROW("hooks", BLOCKED),
	DIR_ROW("policies", BLOCKED),
	DIR_ROW("skills", BLOCKED),
};

/* It will not start where it cannot write a .gitignore. Plugins are loaded without a question. */
static const struct row opencode_rows[] = {
	FILE_ROW("config.json", BLOCKED),
	FILE_ROW("opencode.json", BLOCKED),
	FILE_ROW("opencode.jsonc", BLOCKED),
	FILE_ROW("package.json", BLOCKED),
	FILE_ROW("AGENTS.md", BLOCKED),
	DIR_ROW("agent", BLOCKED),
	DIR_ROW("agents", BLOCKED),
	DIR_ROW("command", BLOCKED),
	DIR_ROW("commands", BLOCKED),
	DIR_ROW("mode", BLOCKED),
	DIR_ROW("modes", BLOCKED),
	DIR_ROW("node_modules", BLOCKED),
	DIR_ROW("plugin", BLOCKED),
	DIR_ROW("plugins", BLOCKED),
	DIR_ROW("skill", BLOCKED),
	DIR_ROW("skills", BLOCKED),
	DIR_ROW("tool", BLOCKED),
	DIR_ROW("tools", BLOCKED),
};

static const struct row opencode_data_rows[] = {
	DIR_ROW("bin", BLOCKED), /* language servers that it has fetched */
};

static const struct row opencode_cache_rows[] = {
	FILE_ROW("package.json", BLOCKED), /* plugins that it has fetched */
	DIR_ROW("bin", BLOCKED),
	DIR_ROW("node_modules", BLOCKED),
	DIR_ROW("packages", BLOCKED),
};

#define AGENT_DIR(dir, rows)                                                                       \
	{                                                                                          \
		dir, rows, ARRAY_SIZE(rows)                                                        \
	}

static const struct agent_dir agent_dirs[] = {
	AGENT_DIR(".claude", claude_rows),
	AGENT_DIR(".codex", codex_rows),
	AGENT_DIR(".gemini", gemini_rows),
	AGENT_DIR(".local/share/opencode", opencode_data_rows),
	AGENT_DIR(".cache/opencode", opencode_cache_rows),
	AGENT_DIR(".config/opencode", opencode_rows),
	{".agents", NULL, 0},
};

/* --- the directories that people work in ------------------------------------------------ */

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

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
	if (!is_directory(path))
		return keeps_add(search, root, name, missing);
	for (size_t i = 0; !r && i < ARRAY_SIZE(opencode_rows); i++) {
		snprintf(path, sizeof(path), "%s/%s", name, opencode_rows[i].name);
		r = keeps_add(search, root, path, opencode_rows[i].rule);
	}
	return r;
}

static int add_row(struct keep_search *search, const char *base, const struct row *row)
{
	return keeps_add(search, base, row->name, row->rule);
}

/* In a home these hold more than settings: their own table has what is kept of them. */
static bool is_agents_own(const struct layout *layout, const char *path)
{
	char own[PATH_MAX];

	for (size_t home = 0; home < LAYOUT_HOMES_MAX; home++)
		for (size_t i = 0; layout->homes[home] && i < ARRAY_SIZE(agent_dirs); i++) {
			snprintf(own, sizeof(own), "%s/%s", layout->homes[home], agent_dirs[i].dir);
			if (!strcmp(own, path))
				return true;
		}
	return false;
}

static int add_project_rows(struct keep_search *search, const char *root)
{
	const struct layout *layout = search->layout;
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(project_rows); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, project_rows[i].name);
		if (!keeps_is_opened(layout, path) && !is_agents_own(layout, path))
			r = add_row(search, root, &project_rows[i]);
	}
	return r;
}

static int add_root(struct keep_search *search, const char *root)
{
	static const struct keep_rule in_place = {PLACEHOLDER_DIR, IGNORED, KEEP_IN_PLACE};
	size_t first = search->held->n;
	int r;

	if (!layout_is_writable(search->layout, root) || !is_directory(root))
		return 0;
	r = placeholders_share(search->held, root);
	if (r < 0)
		return keeps_failed(search, root, r);
	/* One that lies in a wider tree must not be moved away either. */
	r = keeps_add(search, "", root, in_place);
	if (!r)
		r = add_project_rows(search, root);
	if (!r)
		r = add_opencode(search, root);
	if (!r)
		r = keeps_add_git(search, root);
	return r || search->held->n == first ? r : keeps_add_exclude(search, root, first);
}

/* --- homes --------------------------------------------------------------------------- */

static bool is_named(const struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->named.n; i++)
		if (!strcmp(layout->named.items[i], path))
			return true;
	return false;
}

/* The first one takes the lock: mostly nothing of a home can be written. */
static int add_home_row(struct keep_search *search, const char *home, const char *dir,
			const struct row *row)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s%s%s/%s", home, *dir ? "/" : "", dir, row->name);
	if (!layout_is_writable(search->layout, path) || is_named(search->layout, path))
		return 0;
	r = placeholders_share(search->held, home);
	if (r < 0)
		return keeps_failed(search, home, r);
	return keeps_add(search, home, path + strlen(home) + 1, row->rule);
}

static int add_agent_dir(struct keep_search *search, const char *home,
			 const struct agent_dir *agent)
{
	const struct row whole = DIR_ROW(agent->dir, BLOCKED);
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", home, agent->dir);
	if (!agent->n || !is_directory(path))
		return add_home_row(search, home, "", &whole);
	for (size_t i = 0; !r && i < agent->n; i++)
		r = add_home_row(search, home, agent->dir, &agent->rows[i]);
	return r;
}

static int add_home(struct keep_search *search, const char *home)
{
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(home_rows); i++)
		r = add_home_row(search, home, "", &home_rows[i]);
	for (size_t i = 0; !r && i < ARRAY_SIZE(agent_dirs); i++)
		r = add_agent_dir(search, home, &agent_dirs[i]);
	return r;
}

/* --- mcpjail's own ----------------------------------------------------------------------- */

/* The lock in force, and the one that the next run would find. */
static int add_lock_of(struct keep_search *search, const char *policy)
{
	static const struct row lock = FILE_ROW(KEEPS_LOCK_NAME, BLOCKED);
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
	return r < 0 ? keeps_failed(search, real, r) : add_row(search, real, &lock);
}

static int add_own(struct keep_search *search)
{
	static const struct row machine = DIR_ROW(KEEPS_MACHINE, BLOCKED);
	int r = add_lock_of(search, search->layout->policy_path);

	if (!r)
		r = add_lock_of(search, search->layout->policy_name);
	if (r || !layout_is_writable(search->layout, KEEPS_MACHINE))
		return r;
	r = placeholders_share(search->held, "/etc");
	return r < 0 ? keeps_failed(search, "/etc", r) : add_row(search, "", &machine);
}

int keeps_add_rows(struct keep_search *search)
{
	const struct layout *layout = search->layout;
	int r = add_own(search);

	for (size_t i = 0; !r && i < layout->roots.n; i++)
		r = add_root(search, layout->roots.items[i]);
	for (size_t i = 0; !r && i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && strcmp(layout->homes[i], "/"))
			r = add_home(search, layout->homes[i]);
	return r;
}
