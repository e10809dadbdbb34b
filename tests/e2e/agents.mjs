// SPDX-License-Identifier: Apache-2.0
//
// The agent hosts, each as a person has it: its own configuration file with the MCP server, its
// key in the environment. hosts/PRESET has its packages, of one version.
import { join } from 'node:path';
import { write } from './harness.mjs';

export const URL_OF_FAX = 'https://promptfax.app/mcp';

/**
 * What is known of a host
 * @preset: its name in policy/egress/
 * @model: where its model is
 * @state: something that it leaves in the home for the next time
 * @configure: writes what it reads at its start; gets the home and the project's directory
 * @command: puts a prompt to it
 * @resume: the same, in the last conversation
 * @dialogue: talks with a person, without a question first
 * @shell: the tool by which it runs commands
 * @wraps: it puts the call and the whole answer around an error's text
 */
export const AGENTS = [{
	name: 'Claude Code', preset: 'claude-code', state: '.claude/projects', env: { ANTHROPIC_API_KEY: 'sk-ant-e2e' },
	model: 'api.anthropic.com',
	configure(home, project) {
		write(join(home, '.claude.json'), {
			mcpServers: { promptfax: { type: 'http', url: URL_OF_FAX } },
			// What it asks a person on its first start.
			hasCompletedOnboarding: true,
			projects: { [project]: { hasTrustDialogAccepted: true } },
			customApiKeyResponses: { approved: [this.env.ANTHROPIC_API_KEY.slice(-20)], rejected: [] },
		});
		write(join(home, '.claude/settings.json'), {
			permissions: { allow: ['mcp__promptfax', 'Bash'] }, tui: 'default' });
	},
	command: (prompt) => ['claude', '-p', prompt],
	resume: (prompt) => ['claude', '--continue', '-p', prompt],
	dialogue: 'claude',
	shell: 'Bash',
}, {
	name: 'Codex', preset: 'codex', state: '.codex/sessions', env: { CODEX_API_KEY: 'sk-e2e' },
	model: 'api.openai.com',
	configure: (home) => write(join(home, '.codex/config.toml'),
				   `[mcp_servers.promptfax]\nurl = "${URL_OF_FAX}"\n` +
				   'default_tools_approval_mode = "approve"\n'),
	// Its own sandbox for commands cannot be made inside of another one.
	command: (prompt) => ['codex', 'exec', '--skip-git-repo-check', '-s', 'danger-full-access', prompt],
	resume: (prompt) => ['codex', 'exec', '--skip-git-repo-check', '-s', 'danger-full-access', 'resume', '--last', prompt],
	shell: 'exec_command',
}, {
	name: 'Gemini CLI', wraps: true, preset: 'gemini', state: '.gemini/tmp',
	env: { GEMINI_API_KEY: 'AIe2e', GEMINI_CLI_TRUST_WORKSPACE: 'true' },
	model: 'generativelanguage.googleapis.com',
	configure: (home) => write(join(home, '.gemini/settings.json'),
				   { mcpServers: { promptfax: { httpUrl: URL_OF_FAX, trust: true } } }),
	command: (prompt) => ['gemini', '--approval-mode', 'yolo', '-p', prompt],
	resume: (prompt) => ['gemini', '--approval-mode', 'yolo', '--resume', 'latest', '-p', prompt],
	shell: 'run_shell_command',
}, {
	name: 'opencode', preset: 'opencode', state: '.local/share/opencode/opencode.db',
	env: { ANTHROPIC_API_KEY: 'sk-ant-e2e' },
	model: 'api.anthropic.com',
	configure: (home) => write(join(home, '.config/opencode/opencode.json'),
				   { mcp: { promptfax: { type: 'remote', url: URL_OF_FAX } } }),
	command: (prompt) => ['opencode', 'run', prompt],
	resume: (prompt) => ['opencode', 'run', '--continue', prompt],
	shell: 'bash',
}];

/** Where the programs of hosts lie, as a PATH. @dirs: of hosts/, or copies of them */
export const programsIn = (dirs) => dirs.flatMap((dir) => [
	'.bin', '@anthropic-ai/claude-code-linux-x64', 'opencode-linux-x64-baseline/bin',
].map((place) => join(dir, 'node_modules', place))).join(':');
