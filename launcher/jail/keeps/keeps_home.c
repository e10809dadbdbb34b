// SPDX-License-Identifier: Apache-2.0
/*
 * What is kept in homes; the measure is that of keeps_rows.c.
 *
 * Longer than most: the tables are what there is to read.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "keeps_row.h"

/*
 * In the home, if that or a part of it is writable: --write, the working directory, or a preset
 * that keeps its program's sessions there. Only what is named exactly in filesystem.write opens
 * one of these; to have the directory that holds it does not.
 */
static const struct keeps_row home_rows[] = {
	/* Shells, on login, start and exit. */
	FILE_ROW(".bashrc", BLOCKED),
	FILE_ROW(".bash_profile", BLOCKED),
	FILE_ROW(".bash_login", BLOCKED),
	FILE_ROW(".bash_logout", BLOCKED),
	FILE_ROW(".bash_aliases", BLOCKED),
	FILE_ROW(".bash_completion", BLOCKED),
	FILE_ROW(".config/bash_completion", BLOCKED),
	DIR_ROW(".local/share/bash-completion", BLOCKED),
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
	FILE_ROW(".i18n", BLOCKED),    /* this and the next are sourced by the system's profile */
	FILE_ROW(".config/locale.conf", BLOCKED),
	FILE_ROW(".config/starship.toml", BLOCKED), /* commands at each prompt */
	DIR_ROW(".config/fish", BLOCKED),
	DIR_ROW(".local/share/fish/vendor_conf.d", MISSING_END_IS_BLOCKED),
	DIR_ROW(".config/elvish", IGNORED),
	DIR_ROW(".config/nushell", BLOCKED),
	DIR_ROW(".config/powershell", IGNORED),
	DIR_ROW(".config/xonsh", IGNORED),
	FILE_ROW(".xonshrc", IGNORED),
	DIR_ROW(".config/zsh", IGNORED),
	DIR_ROW(".oh-my-bash", IGNORED),
	DIR_ROW(".oh-my-zsh", IGNORED),
	/* Sessions and services. */
	FILE_ROW(".pam_environment", BLOCKED),
	FILE_ROW(".xprofile", BLOCKED),
	FILE_ROW(".xinitrc", BLOCKED),
	FILE_ROW(".xsession", BLOCKED),
	FILE_ROW(".xsessionrc", BLOCKED),
	DIR_ROW(".config/autostart", BLOCKED),
	DIR_ROW(".config/environment.d", BLOCKED),
	DIR_ROW(".config/plasma-workspace", BLOCKED), /* scripts at log-in and log-out */
	DIR_ROW(".config/systemd", BLOCKED),
	DIR_ROW(".local/share/systemd", BLOCKED),
	DIR_ROW(".local/share/applications", IGNORED),
	DIR_ROW(".local/share/dbus-1", BLOCKED),
	DIR_ROW(".local/share/gnome-shell", IGNORED), /* extensions */
	DIR_ROW(".local/share/plasma", IGNORED),
	DIR_ROW(".config/awesome", IGNORED),
	DIR_ROW(".config/bspwm", IGNORED),
	DIR_ROW(".config/hypr", IGNORED),
	DIR_ROW(".config/i3", IGNORED),
	DIR_ROW(".config/openbox", IGNORED),
	DIR_ROW(".config/qtile", IGNORED),
	DIR_ROW(".config/sway", IGNORED),
	DIR_ROW(".config/sxhkd", IGNORED),
	DIR_ROW(".config/waybar", IGNORED),
	/* Read as a script by who only wants to know a directory, or an editor. */
	FILE_ROW(".config/user-dirs.dirs", BLOCKED),
	FILE_ROW(".selected_editor", BLOCKED),
	/* Programs that are found by PATH. */
	DIR_ROW("bin", BLOCKED),
	DIR_ROW(".local/bin", BLOCKED),
	DIR_ROW(".local/lib", BLOCKED), /* what each start of Python runs */
	DIR_ROW(".asdf", IGNORED),
	DIR_ROW(".bun/bin", IGNORED),
	DIR_ROW(".cargo/bin", IGNORED),
	FILE_ROW(".cargo/env", IGNORED), /* read by rc files */
	FILE_ROW(".cargo/config", IGNORED),
	FILE_ROW(".cargo/config.toml", IGNORED),
	DIR_ROW(".deno/bin", IGNORED),
	DIR_ROW(".dotnet/tools", IGNORED),
	DIR_ROW(".local/share/mise", IGNORED),
	DIR_ROW(".local/share/pnpm", IGNORED),
	DIR_ROW(".npm-global", IGNORED),
	DIR_ROW("go/bin", IGNORED),
	DIR_ROW(".pyenv", IGNORED),
	DIR_ROW(".rbenv", IGNORED),
	DIR_ROW(".nvm", IGNORED),
	DIR_ROW(".rustup", IGNORED),
	DIR_ROW(".sdkman", IGNORED),
	DIR_ROW(".volta", IGNORED),
	/* Programs that run what their settings say. */
	FILE_ROW(".claude.json", BLOCKED),
	FILE_ROW(".gitconfig", BLOCKED),
	DIR_ROW(".config/git", BLOCKED),
	FILE_ROW(".hgrc", BLOCKED),
	DIR_ROW(".config/hg", IGNORED),
	DIR_ROW(".config/jj", IGNORED),
	FILE_ROW(".npmrc", BLOCKED),
	FILE_ROW(".yarnrc", BLOCKED),
	FILE_ROW(".yarnrc.yml", BLOCKED),
	FILE_ROW(".gradle/init.gradle", MISSING_END_IS_BLOCKED),
	DIR_ROW(".gradle/init.d", MISSING_END_IS_BLOCKED),
	FILE_ROW(".tmux.conf", BLOCKED),
	DIR_ROW(".config/tmux", BLOCKED),
	FILE_ROW(".screenrc", BLOCKED),
	FILE_ROW(".vimrc", BLOCKED),
	DIR_ROW(".vim", BLOCKED),
	DIR_ROW(".config/vim", BLOCKED),
	DIR_ROW(".config/nvim", BLOCKED),
	DIR_ROW(".local/share/nvim/site", MISSING_END_IS_BLOCKED),
	FILE_ROW(".emacs", BLOCKED),
	DIR_ROW(".emacs.d", BLOCKED),
	DIR_ROW(".config/emacs", BLOCKED),
	DIR_ROW(".config/helix", IGNORED),
	DIR_ROW(".config/direnv", IGNORED),
	DIR_ROW(".config/mise", IGNORED),
	FILE_ROW(".gdbinit", BLOCKED),
	FILE_ROW(".gdbearlyinit", BLOCKED),
	DIR_ROW(".config/gdb", BLOCKED),
	FILE_ROW(".lldbinit", BLOCKED),
	FILE_ROW(".irbrc", BLOCKED),
	FILE_ROW(".psqlrc", BLOCKED),
	FILE_ROW(".sqliterc", BLOCKED),
	FILE_ROW(".Rprofile", BLOCKED),
	FILE_ROW(".pythonrc", IGNORED),
	DIR_ROW(".ipython", IGNORED),
	DIR_ROW(".julia/config", IGNORED),
	/* Mail: commands for what comes, and for what is shown. */
	FILE_ROW(".forward", BLOCKED),
	FILE_ROW(".procmailrc", BLOCKED),
	FILE_ROW(".mailcap", BLOCKED),
	FILE_ROW(".muttrc", BLOCKED),
	/* Terminals: what they start. */
	DIR_ROW(".config/alacritty", IGNORED),
	DIR_ROW(".config/foot", IGNORED),
	DIR_ROW(".config/ghostty", IGNORED),
	DIR_ROW(".config/kitty", IGNORED),
	DIR_ROW(".config/wezterm", IGNORED),
	FILE_ROW(".wezterm.lua", IGNORED),
	/* Editors and agent hosts. */
	DIR_ROW(".config/Code/User", IGNORED),
	DIR_ROW(".vscode", IGNORED), /* extensions */
	DIR_ROW(".vscode-server", IGNORED),
	DIR_ROW(".config/VSCodium/User", IGNORED),
	DIR_ROW(".config/Cursor/User", IGNORED),
	DIR_ROW(".cursor", IGNORED),
	DIR_ROW(".cursor-server", IGNORED),
	DIR_ROW(".config/zed", IGNORED),
	DIR_ROW(".config/JetBrains", IGNORED),
	FILE_ROW(".aider.conf.yml", IGNORED),
	DIR_ROW(".continue", IGNORED),
	DIR_ROW(".copilot", IGNORED),
	DIR_ROW(".config/crush", IGNORED),
	DIR_ROW(".factory", IGNORED),
	DIR_ROW(".config/goose", IGNORED),
	DIR_ROW(".kiro", IGNORED),
	DIR_ROW(".qwen", IGNORED),
};

/*
 * Agent hosts' own directories in the home. Where one is missing and could be made, it is
 * blocked as a whole; where it is there, what the host acts on is, and its sessions, logs, caches
 * and tokens are not. auth.json and the like stay writable: a token that was renewed is lost with
 * the log-in if it cannot be kept.
 */
struct agent_dir {
	const char *dir;
	const struct keeps_row *rows;
	size_t n;
};

static const struct keeps_row claude_rows[] = {
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

static const struct keeps_row codex_rows[] = {
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

static const struct keeps_row gemini_rows[] = {
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
static const struct keeps_row opencode_rows[] = {
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

static const struct keeps_row opencode_data_rows[] = {
	DIR_ROW("bin", BLOCKED), /* language servers that it has fetched */
};

static const struct keeps_row opencode_cache_rows[] = {
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

const struct keeps_rows keeps_opencode = {opencode_rows, ARRAY_SIZE(opencode_rows)};

bool keeps_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int keeps_add_row(struct keep_search *search, const char *base, const struct keeps_row *row)
{
	return keeps_add(search, base, row->name, row->rule);
}

/* In a home these hold more than settings: their own table has what is kept of them. */
bool keeps_is_agents_own(const struct layout *layout, const char *path)
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
			const struct keeps_row *row)
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
	const struct keeps_row whole = DIR_ROW(agent->dir, BLOCKED);
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", home, agent->dir);
	if (!agent->n || !keeps_is_directory(path))
		return add_home_row(search, home, "", &whole);
	for (size_t i = 0; !r && i < agent->n; i++)
		r = add_home_row(search, home, agent->dir, &agent->rows[i]);
	return r;
}

int keeps_add_home(struct keep_search *search, const char *home)
{
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(home_rows); i++)
		r = add_home_row(search, home, "", &home_rows[i]);
	for (size_t i = 0; !r && i < ARRAY_SIZE(agent_dirs); i++)
		r = add_agent_dir(search, home, &agent_dirs[i]);
	return r;
}
