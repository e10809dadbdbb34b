// SPDX-License-Identifier: Apache-2.0
//
// The SDK's agent against the SDK's server, directly and in the jail: what the agent was told
// is compared with what the server saw. The stand-in in C of the other tests has to speak
// what the SDK speaks, too.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { NOBODY, assertExit, count, decisions, here, inJail, ledger, linesOf, mcpjail, promptfax, scratch, start,
	 test, untilPrinted } from './harness.mjs';

const PUBLISHED = {
	version: '1', default: 'deny',
	tools: { start_session: { limits: [
		{ counter: 'start_session_rate', window: 'minute', max: 10, scope: 'grant' }] } },
};
const ALLOW_ALL = { version: '1', default: 'allow' };

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
async function jailed(room, policy, grant, era, steps, { place = here, ...who } = {}) {
	const run = await inJail(room, ['-g', grant], [process.execPath, join(place, 'agent.mjs'),
						       'https://promptfax.app/mcp', era, ...steps],
				 { policy, cwd: place, ...who });

	assertExit(run, 0);
	return { ...run, told: JSON.parse(run.out) };
}

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
		cpSync(here, place, { recursive: true, filter: (path) => path !== join(here, 'hosts') });
		cpSync(mcpjail, join(scratch, 'mcpjail'));
	}
	const run = await jailed(room, PUBLISHED, 'ci', 'modern', ['list', 'sessions:12', 'send'],
				 { uid: NOBODY, place, binary: join(scratch, 'mcpjail') });

	assert.deepEqual(run.told.tools, ['start_session']);
	assertRateLimited(run, room.calls());
	assertSendDenied(run, room.calls());
	return undefined;
});
