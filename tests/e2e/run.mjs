// SPDX-License-Identifier: Apache-2.0
//
// node run.mjs MCPJAIL PROMPTFAX: runs the SDK's agent against the SDK's server, directly
// and in the jail, and compares what the agent was told with what the server saw. PROMPTFAX
// is the stand-in in C of the other tests: it has to speak what the SDK speaks. Prints TAP
// and, as its last line, "N passed, N failed, N skipped".
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync,
	 readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

const here = dirname(fileURLToPath(import.meta.url));
const [mcpjail, promptfax] = [process.argv[2] ?? 'build/mcpjail',
			      process.argv[3] ?? 'build/tests/fake/promptfax'].map((path) => resolve(path));
const NOBODY = 65534;
const RUN_LIMIT_MS = 60_000;

const PUBLISHED = {
	version: '1', default: 'deny',
	tools: { start_session: { limits: [
		{ counter: 'start_session_rate', window: 'minute', max: 10, scope: 'grant' }] } },
};
const ALLOW_ALL = { version: '1', default: 'allow' };

// --- parts ------------------------------------------------------------------

const scratch = mkdtempSync(join(tmpdir(), 'mcpjail-e2e-'));
const children = new Set();
let rooms = 0;

function start(command, args, options = {}) {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });

	child.out = child.err = '';
	child.stdout.on('data', (data) => { child.out += data; });
	child.stderr.on('data', (data) => { child.err += data; });
	children.add(child);
	child.ended = new Promise((settle) => child.on('close', (code, signal) => {
		children.delete(child);
		settle({ code, signal, out: child.out, err: child.err });
	}));
	return child;
}

const linesOf = (file) => readFileSync(file, 'utf8').split('\n').filter(Boolean)
	.map((line) => JSON.parse(line));

async function untilPrinted(child, pattern) {
	for (let waited = 0; waited < 10_000; waited += 20) {
		const found = pattern.exec(child.out);

		if (found)
			return found[1];
		await new Promise((settle) => setTimeout(settle, 20));
	}
	throw new Error(`the server did not start: ${child.err}`);
}

/* A room is one server with its log, and the state of one mcpjail user. */
async function makeRoom() {
	const dir = join(scratch, `room${++rooms}`);
	const log = join(dir, 'calls.jsonl');

	mkdirSync(join(dir, 'home'), { recursive: true, mode: 0o755 });
	writeFileSync(log, '');
	const server = start(process.execPath, [join(here, 'server.mjs'), join(scratch, 'cert.pem'),
						join(scratch, 'key.pem'), log]);
	const port = await untilPrinted(server, /^port (\d+)$/m);

	return {
		dir, port, runs: 0,
		calls: () => linesOf(log),
		close: () => { server.kill(); return server.ended; },
	};
}

const count = (calls, tool) => calls.filter((call) => call.tool === tool).length;

/* The agent without a jail: what it and the server would do to each other. */
async function direct(room, era, ...steps) {
	const agent = start(process.execPath,
		[join(here, 'agent.mjs'), `https://localhost:${room.port}/mcp`, era, ...steps],
		{ env: { ...process.env, NODE_EXTRA_CA_CERTS: join(scratch, 'ca.pem') } });
	const ended = await agent.ended;

	assert.equal(ended.code, 0, ended.err);
	return JSON.parse(ended.out);
}

/* The agent in the jail; @who: uid, where its files lie, which binary. */
async function jailed(room, policy, grant, era, steps, who = {}) {
	const { uid, place = here, binary = mcpjail } = who;
	const policyFile = join(room.dir, `policy${room.runs}.json`);
	const runDir = join(room.dir, `run${room.runs++}`);
	const env = { PATH: process.env.PATH, HOME: join(room.dir, 'home'),
		      XDG_STATE_HOME: join(room.dir, 'home', 'state') };

	writeFileSync(policyFile, JSON.stringify(policy));
	if (uid) {
		chownSync(room.dir, uid, uid);
		chownSync(env.HOME, uid, uid);
	}
	const run = start(binary,
		['-p', policyFile, '-g', grant, '--connect-to', `promptfax.app:443:127.0.0.1:${room.port}`,
		 '--upstream-ca', join(scratch, 'ca.pem'), '--run-dir', runDir, '--',
		 process.execPath, join(place, 'agent.mjs'), 'https://promptfax.app/mcp', era, ...steps],
		{ env, cwd: place, uid, gid: uid });
	const alarm = setTimeout(() => run.kill('SIGKILL'), RUN_LIMIT_MS);
	const ended = await run.ended;

	clearTimeout(alarm);
	assert.equal(ended.code, 0, `exit ${ended.code} ${ended.signal ?? ''}\n${ended.err}\n${ended.out}`);
	return { told: JSON.parse(ended.out), runDir, err: ended.err, env };
}

const ledger = (runDir) => linesOf(join(runDir, 'ledger.jsonl'));
const decisions = (runDir, verdict) => ledger(runDir)
	.filter((record) => record.type === 'call.decision' && record.verdict === verdict);

// --- what must hold ---------------------------------------------------------

function assertRateLimited({ told, runDir }, seen) {
	const sessions = told.calls.filter((call) => call.tool === 'start_session');
	const refused = sessions.filter((call) => call.isError);

	assert.equal(sessions.length, 12);
	assert.ok(sessions.every((call) => !call.thrown), JSON.stringify(sessions));
	assert.equal(refused.length, 2);
	assert.ok(sessions.slice(10).every((call) => call.isError), 'the last two are refused');
	for (const { text } of refused) {
		assert.match(text, /\/tools\/start_session\/limits\/0/);
		assert.match(text, /\b\d+ ?s(econds?)?\b/, 'says how long to wait');
	}
	assert.equal(count(seen, 'start_session'), 10);
	assert.equal(decisions(runDir, 'deny').length, 3);
}

function assertSendDenied({ told }, seen) {
	const [send] = told.calls.filter((call) => call.tool === 'send_fax');

	assert.equal(send.thrown, undefined, 'a result, not a protocol error');
	assert.equal(send.isError, true);
	assert.match(send.text, /send_fax/);
	assert.match(send.text, /\/default/);
	assert.equal(count(seen, 'send_fax'), 0, 'send_fax never reaches the server');
}

const tests = [];
const test = (name, run) => tests.push({ name, run });
const ALL_TOOLS = ['attach_document', 'cancel', 'checkout', 'get_quote', 'get_status',
		   'retry_failed_fax', 'send_fax', 'start_session'];

for (const era of ['legacy', 'modern', 'auto']) {
	test(`${era}: without a jail the agent may do everything`, async (room) => {
		const told = await direct(room, era, 'list', 'sessions:12', 'quote', 'pay', 'send');

		assert.equal(told.era, era === 'legacy' ? 'legacy' : 'modern');
		assert.deepEqual(told.tools, ALL_TOOLS);
		assert.ok(told.calls.every((call) => call.isError === false), JSON.stringify(told.calls));
		assert.equal(room.calls().length, 15);
		assert.equal(told.progress, 2);
	});

	for (const knobs of [[], ['--sse', '--delay-ms', '20']])
		test(`${era}: the stand-in in C is the same without a jail ${knobs.join(' ')}`, async (room) => {
			const log = join(room.dir, 'promptfax.jsonl');
			const fax = start(promptfax, ['--cert', join(scratch, 'cert.pem'), '--key',
						      join(scratch, 'key.pem'), '--log', log, ...knobs]);
			const port = await untilPrinted(fax, /^port (\d+)$/m);
			const told = await direct({ port }, era, 'list', 'sessions:2', 'quote', 'pay', 'send');
			const calls = linesOf(log).filter((line) => line.method === 'tools/call');

			fax.kill();
			assert.equal((await fax.ended).code, 0);
			assert.equal(told.era, era === 'legacy' ? 'legacy' : 'modern');
			assert.deepEqual(told.tools, ALL_TOOLS);
			assert.ok(told.calls.every((call) => call.isError === false), JSON.stringify(told.calls));
			assert.deepEqual(calls.map((call) => call.tool), told.calls.map((call) => call.tool));
			assert.equal(told.progress, knobs.length ? 5 : 0);
		});

	test(`${era}: the published policy lets ten sessions through and nothing else`, async (room) => {
		const run = await jailed(room, PUBLISHED, 'ci', era, ['list', 'sessions:12', 'send']);

		assert.equal(run.told.era, era === 'legacy' ? 'legacy' : 'modern');
		assert.deepEqual(run.told.tools, ['start_session']);
		assertRateLimited(run, room.calls());
		assertSendDenied(run, room.calls());
		assert.equal(room.calls().length, 10);
	});

	test(`${era}: under allow-all every call passes and is recorded`, async (room) => {
		const { told, runDir } = await jailed(room, ALLOW_ALL, 'ci', era,
						      ['list', 'sessions:3', 'quote', 'pay', 'send']);
		const seen = room.calls();

		assert.deepEqual(told.tools, ALL_TOOLS);
		assert.ok(told.calls.every((call) => call.isError === false), JSON.stringify(told.calls));
		assert.deepEqual(seen.map((call) => call.tool), told.calls.map((call) => call.tool));
		assert.equal(told.progress, 2, 'progress arrives while the call runs');
		assert.equal(decisions(runDir, 'allow').length, seen.length);
		assert.deepEqual(decisions(runDir, 'allow').map((record) => record.tool),
				 seen.map((call) => call.tool));
		assert.equal(ledger(runDir).filter((record) => record.type === 'call.result').length,
			     seen.length);
	});
}

test('two runs at once share a grant, another grant has its own', async (room) => {
	const pair = await Promise.all([
		jailed(room, PUBLISHED, 'ci', 'legacy', ['sessions:8']),
		jailed(room, PUBLISHED, 'ci', 'modern', ['sessions:8']),
	]);
	const allowed = pair.flatMap(({ told }) => told.calls).filter((call) => call.isError === false);

	assert.equal(allowed.length, 10);
	assert.equal(room.calls().length, 10);
	const other = await jailed(room, PUBLISHED, 'other', 'modern', ['sessions:11']);

	assert.equal(other.told.calls.filter((call) => call.isError === false).length, 10);
	assert.equal(room.calls().length, 20);
});

test('the ledger of a run verifies, and a changed byte is found', async (room) => {
	const { runDir, env } = await jailed(room, PUBLISHED, 'ci', 'modern', ['sessions:12', 'send']);
	const verify = (...args) => start(mcpjail, ['verify', runDir, ...args], { env }).ended;
	const head = JSON.parse(readFileSync(join(runDir, 'status.json'))).log_head;
	const file = join(runDir, 'ledger.jsonl');

	assert.equal((await verify('--anchor', head)).code, 0);
	assert.equal((await verify()).code, 0);
	writeFileSync(file, readFileSync(file, 'utf8').replace('"tool":"send_fax"', '"tool":"send_fux"'));
	const tampered = await verify('--anchor', head);

	assert.equal(tampered.code, 1, tampered.out + tampered.err);
});

test('an unprivileged user gets the same', async (room) => {
	if (process.getuid() !== 0)
		return 'SKIP this is an unprivileged user already';
	// Somewhere that user can read: the checkout may lie in root's home directory.
	const place = join(scratch, 'place');

	if (!existsSync(place)) {
		cpSync(here, place, { recursive: true });
		cpSync(mcpjail, join(scratch, 'mcpjail'));
	}
	const run = await jailed(room, PUBLISHED, 'ci', 'modern', ['list', 'sessions:12', 'send'],
				 { uid: NOBODY, place, binary: join(scratch, 'mcpjail') });

	assert.deepEqual(run.told.tools, ['start_session']);
	assertRateLimited(run, room.calls());
	assertSendDenied(run, room.calls());
	return undefined;
});

// --- the runner -------------------------------------------------------------

async function main() {
	const tally = { passed: 0, failed: 0, skipped: 0 };

	execFileSync(join(here, '../fake/certs.sh'), [scratch]);
	execFileSync('chmod', ['0755', scratch]);
	execFileSync('chmod', ['0644', join(scratch, 'ca.pem')]);
	console.log(`1..${tests.length}`);
	for (const [i, { name, run }] of tests.entries()) {
		const needsJail = !name.includes('without a jail');
		const room = await makeRoom();
		let verdict = 'ok', note = '';

		try {
			if (needsJail)
				assert.ok(existsSync(mcpjail), `${mcpjail} is not built`);
			const outcome = await run(room);

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

process.exitCode = await main().finally(() => {
	for (const child of children)
		child.kill('SIGKILL');
	if (!process.env.E2E_KEEP)
		rmSync(scratch, { recursive: true, force: true });
	else
		console.log(`# kept: ${scratch} ${readdirSync(scratch).join(' ')}`);
});
