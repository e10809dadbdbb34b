// SPDX-License-Identifier: Apache-2.0
//
// What the end-to-end tests share: a place to work in, servers, mcpjail, and the runner, which
// prints TAP and, as its last line, "N passed, N failed, N skipped".
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

export const here = dirname(fileURLToPath(import.meta.url));
export const [mcpjail, promptfax] = [process.argv[2] ?? 'build/mcpjail',
				     process.argv[3] ?? 'build/tests/fake/promptfax'].map((path) => resolve(path));
export const NOBODY = 65534;
const RUN_LIMIT_MS = 60_000;

/* The hosts that the servers stand in for; all of them have one certificate. */
export const SITE = 'files.example.com';
export const hostsOf = (preset) => JSON.parse(
	readFileSync(join(here, `../../policy/egress/${preset}.json`), 'utf8')).egress.map(({ host }) => host);
export const MODEL_HOSTS = [...new Set(['claude-code', 'codex', 'gemini', 'opencode'].flatMap(hostsOf))];

// Not in /tmp or /var/tmp: those are private in the jail. Not in root's home either: one
// user who gets in there is not root.
export const scratch = mkdtempSync(join(process.getuid() ? homedir() : '/home', 'mcpjail-e2e-'));
const children = new Set();
let rooms = 0;

export function start(command, args, options = {}) {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });

	child.out = child.err = '';
	child.stdout.on('data', (data) => { child.out += data; });
	child.stderr.on('data', (data) => { child.err += data; });
	children.add(child);
	child.ended = new Promise((settle) => {
		child.on('error', (error) => { child.err += error.message; });
		child.on('close', (code, signal) => {
			children.delete(child);
			settle({ code, signal, out: child.out, err: child.err });
		});
	});
	return child;
}

export function write(file, content) {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

export const linesOf = (file) => readFileSync(file, 'utf8').split('\n').filter(Boolean)
	.map((line) => JSON.parse(line));

export async function untilPrinted(child, pattern) {
	for (let waited = 0; waited < 10_000; waited += 20) {
		const found = pattern.exec(child.out);

		if (found)
			return found[1];
		await new Promise((settle) => setTimeout(settle, 20));
	}
	throw new Error(`the server did not start: ${child.err}`);
}

export async function startServer(script, log) {
	writeFileSync(log, '');
	// The pipe is how it notices that this process is gone.
	const server = start(process.execPath, [join(here, script), join(scratch, 'cert.pem'),
						join(scratch, 'key.pem'), log], { stdio: 'pipe' });

	return { server, port: await untilPrinted(server, /^port (\d+)$/m), calls: () => linesOf(log) };
}

/**
 * A room: PromptFax, a model if wanted, a user's home and project, and the state of one
 * mcpjail user
 */
export async function makeRoom({ wantsModel = false } = {}) {
	const dir = join(scratch, `room${++rooms}`);

	mkdirSync(join(dir, 'home'), { recursive: true, mode: 0o755 });
	mkdirSync(join(dir, 'work'));
	const fax = await startServer('server.mjs', join(dir, 'calls.jsonl'));
	const model = wantsModel ? await startServer('model.mjs', join(dir, 'model.jsonl')) : undefined;
	const servers = [fax, model].filter(Boolean).map(({ server }) => server);

	return {
		dir, model, port: fax.port, runs: 0, home: join(dir, 'home'), work: join(dir, 'work'),
		calls: fax.calls,
		close: () => Promise.all(servers.map((server) => { server.kill(); return server.ended; })),
	};
}

export const count = (calls, tool) => calls.filter((call) => call.tool === tool).length;
export const connectTo = (host, port) => ['--connect-to', `${host}:443:127.0.0.1:${port}`];

/**
 * Run a command in the jail, all of the internet being the room's servers
 * @options: mcpjail's
 * @who:     uid; binary; cwd; env; policy: an object; ports: of further hosts
 *
 * Return: how it ended, with what, and its run directory
 */
export async function inJail(room, options, command, who = {}) {
	const { uid, binary = mcpjail, cwd = room.work, policy, ports = {} } = who;
	const runDir = join(room.dir, `run${room.runs++}`);
	const policyFile = join(room.dir, `policy${room.runs}.json`);
	const env = { PATH: process.env.PATH, HOME: room.home, ...who.env };
	const models = room.model ? MODEL_HOSTS.flatMap((host) => connectTo(host, room.model.port)) : [];

	if (policy)
		writeFileSync(policyFile, JSON.stringify(policy));
	if (uid)
		execFileSync('chown', ['-R', `${uid}:${uid}`, room.dir]);
	const run = start(binary, [...(policy ? ['-p', policyFile] : []), ...connectTo('promptfax.app', room.port),
				   ...models, ...Object.entries(ports).flatMap(([host, port]) => connectTo(host, port)),
				   '--upstream-ca', join(scratch, 'ca.pem'), '--run-dir', runDir, ...options,
				   '--', ...command],
			  { env, cwd, uid, gid: uid });
	const alarm = setTimeout(() => run.kill('SIGKILL'), RUN_LIMIT_MS);
	const ended = await run.ended;

	clearTimeout(alarm);
	return { ...ended, runDir, env };
}

export function assertExit(run, code) {
	assert.equal(run.code, code, `exit ${run.code} ${run.signal ?? ''}\n${run.err}\n${run.out}`);
}

export const ledger = (runDir) => linesOf(join(runDir, 'ledger.jsonl'));
export const decisions = (runDir, verdict) => ledger(runDir)
	.filter((record) => record.type === 'call.decision' && record.verdict === verdict);

// --- the runner -------------------------------------------------------------

const tests = [];

/**
 * Declare a test
 * @run:  gets a room and a function that prints a comment; returns "SKIP why" to be skipped
 * @room: what makeRoom() takes
 */
export function test(name, run, room) {
	if (new RegExp(process.env.E2E_ONLY ?? '').test(name))
		tests.push({ name, run, room });
}

export function makeCertificates(...names) {
	execFileSync(join(here, '../fake/certs.sh'), [scratch, ...MODEL_HOSTS, SITE, ...names]);
	execFileSync('chmod', ['0755', scratch]);
	execFileSync('chmod', ['0644', join(scratch, 'ca.pem')]);
}

export async function runTests() {
	const tally = { passed: 0, failed: 0, skipped: 0 };

	makeCertificates();
	assert.ok(existsSync(mcpjail), `${mcpjail} is not built`);
	console.log(`1..${tests.length}`);
	for (const [i, { name, run, room: wants }] of tests.entries()) {
		const room = await makeRoom(wants);
		let verdict = 'ok', note = '';

		try {
			const outcome = await run(room, (text) => console.log(text.replace(/^/gm, '# ')));

			note = outcome ? ` # ${outcome}` : '';
			tally[outcome ? 'skipped' : 'passed']++;
		} catch (error) {
			verdict = 'not ok';
			note = `\n${String(error.stack).replace(/^/gm, '# ')}`;
			tally.failed++;
		}
		await room.close();
		console.log(`${verdict} ${i + 1} - ${name}${note}`);
	}
	console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
	return tally.failed ? 1 : 0;
}

export function cleanUp() {
	for (const child of children)
		child.kill('SIGKILL');
	if (process.env.E2E_KEEP)
		console.log(`# kept: ${scratch}`);
	else
		rmSync(scratch, { recursive: true, force: true });
}
