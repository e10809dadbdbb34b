// SPDX-License-Identifier: Apache-2.0
//
// What "make try" shows: node try.mjs MCPJAIL PROMPTFAX HOST
//
// A home and a project of their own in which HOST is set up for PromptFax, with a scripted
// model and a stand-in for PromptFax on loopback. At a terminal a shell there; else, or if
// $TRY is a command, commands, each after a prompt, until one fails. All of it is gone at
// the end.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { isatty } from 'node:tty';
import { AGENTS, programsIn } from './agents.mjs';
import { cleanUp, connectTo, here, hostsOf, makeCertificates, mcpjail, promptfax, scratch, start, startServer,
	 untilPrinted } from './harness.mjs';

const OTHER = 'example.org';
const PRIVATE = /^\/(tmp|var\/tmp|dev\/shm|run)\//; // directories that the jail has of its own
const atTerminal = isatty(0) && isatty(1);
const agent = AGENTS.find(({ preset }) => preset === process.argv[4]);
const home = join(scratch, 'home'), project = join(home, 'project'), bin = join(scratch, 'bin'),
      unjailed = join(scratch, 'unjailed');
const names = ['promptfax.app', ...new Set(hostsOf(agent.preset)), OTHER];

async function startServers() {
	makeCertificates(OTHER);
	const fax = start(promptfax, ['--with-parent', '--cert', join(scratch, 'cert.pem'),
				      '--key', join(scratch, 'key.pem')]);
	const port = await untilPrinted(fax, /^port (\d+)$/m);
	const model = await startServer('model.mjs', join(scratch, 'model.jsonl'));

	return names.map((name) => connectTo(name, name === 'promptfax.app' ? port : model.port).join(' '));
}

const quoted = (word) => /^[\w./:@%+=,-]+$/.test(word) ? word : `"${word}"`;

/* mcpjail for people who have no account and no network: the real one, and where names are dialled. */
function writeWrapper(options) {
	mkdirSync(bin);
	writeFileSync(join(bin, 'mcpjail'), `#!/bin/sh
# ${names.join(', ')} are dialled on this machine.
PATH=\${PATH#"${unjailed}:"}
case \${1-} in
trace | verify | policy | doctor) exec "${mcpjail}" "$@" ;;
run) shift ;;
esac
exec "${mcpjail}" \\
${options.map((option) => `\t${option} \\\n`).join('')}\t--upstream-ca "${scratch}/ca.pem" "$@"
`);
	chmodSync(join(bin, 'mcpjail'), 0o755);
}

/* Outside of the jail the host would dial out, with a key that is none. */
function writeWarning() {
	const [name] = agent.command('');

	mkdirSync(unjailed);
	writeFileSync(join(unjailed, name), `#!/bin/sh
echo "without the jail it would leave this machine: use  mcpjail -- ${name} $*" >&2
exit 1
`);
	chmodSync(join(unjailed, name), 0o755);
}

/* The host's directory, or a copy where the jail sees it. */
function visibleHost() {
	const dir = join(here, 'hosts', agent.preset), copy = join(scratch, 'host');

	if (!PRIVATE.test(dir))
		return dir;
	execFileSync('sh', ['-c', 'cp -al "$1" "$2" 2>/dev/null || { rm -rf "$2" && cp -a "$1" "$2"; }',
			    'sh', dir, copy]);
	return copy;
}

function surroundings() {
	const kept = ['TERM', 'COLORTERM', 'LANG', 'LC_ALL', 'USER', 'LOGNAME'].filter((name) => name in process.env);

	return {
		...Object.fromEntries(kept.map((name) => [name, process.env[name]])), ...agent.env,
		HOME: home, PS1: '\\w $ ', PATH: [unjailed, bin, programsIn([host]), process.env.PATH].join(':'),
	};
}

const COMMANDS = [
	`mcpjail -- ${agent.command('please do: start_session get_quote send_fax').map(quoted).join(' ')}`,
	'mcpjail trace',
	'mcpjail verify --anchor ANCHOR',
	`mcpjail -- curl -s https://${OTHER}`,
	`mcpjail --allow ${OTHER} -- curl -s https://${OTHER}`,
];

const banner = `
A shell in a project of its own, with ${agent.name}, a scripted model, which does what the prompt
says, and a stand-in for PromptFax. mcpjail is ${relative('', mcpjail)}, told to dial
${names.join(', ')} on this machine:
the real names, and nothing leaves (${join(bin, 'mcpjail')}).
For instance, with the ANCHOR that the first one prints at its end:

${COMMANDS.map((command) => `    ${command}\n`).join('')}${agent.dialogue ? `
or  mcpjail -- ${agent.dialogue}  and say to it: please do: start_session get_quote
` : ''}
exit, or Ctrl-D, ends it and takes all of it away.
`;

let host, child, stopped;

/*
 * At a terminal, or with what it prints passed on.
 *
 * Return: the exit status, as a shell has it, and what was printed, if that is not a terminal
 */
async function run(command, args) {
	let out = '';

	if (stopped)
		return { status: 1, out };
	// A process group of its own, so that signals reach all of it; a terminal does that itself.
	child = spawn(command, args, { cwd: project, env: surroundings(), detached: !atTerminal,
				       stdio: atTerminal ? 'inherit' : ['ignore', 'pipe', 'inherit'] });
	child.stdout?.on('data', (data) => { process.stdout.write(data); out += data; });
	const status = await new Promise((settle, fail) => {
		child.on('error', fail);
		child.on('close', (code, signal) => settle(signal ? 128 + constants.signals[signal] : code));
	});

	child = undefined;
	return { status, out };
}

async function runCommands(commands) {
	let anchor = 'ANCHOR';

	for (const [i, command] of commands.entries()) {
		const text = command.replace('ANCHOR', anchor);

		console.log(`${i ? '\n' : ''}$ ${text}`);
		const { status, out } = await run('sh', ['-c', atTerminal ? text : `exec 2>&1\n${text}`]);

		if (status)
			return status;
		anchor = /anchor: (\S+)/.exec(out)?.[1] ?? anchor;
	}
	return 0;
}

/* The rest follows when the command has ended. */
function stop(signal) {
	stopped = signal;
	if (child && !atTerminal)
		process.kill(-child.pid, signal);
	else if (signal !== 'SIGINT') // which a terminal sends to all; a shell there ends by this one only
		child?.kill('SIGHUP');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, stop);
process.stdout.on('error', () => stop('SIGTERM'));
try {
	const { TRY } = process.env;

	mkdirSync(project, { recursive: true });
	writeWrapper(await startServers());
	writeWarning();
	agent.configure(home, project);
	host = visibleHost();
	if (TRY || !atTerminal) {
		process.exitCode = await runCommands(TRY ? [TRY] : COMMANDS);
	} else {
		console.log(banner);
		await run('bash', ['--norc', '-i']);
	}
} finally {
	cleanUp();
}
