// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes that agent hosts bring along, inside the jail: they can be made where the policy says
// so, hold what they are to hold, and where it does not the person learns which switch it takes.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { programsIn } from './agents.mjs';
import { NOBODY, assertExit, here, inJail, test, write } from './harness.mjs';

const PATH = [programsIn(['codex', 'sandbox-runtime'].map((name) => join(here, 'hosts', name))),
	      join(here, 'node/node_modules/.bin'), process.env.PATH].join(':');
const SWITCH = /^mcpjail: refused: a sandbox of the command's own.*"jail": \{"nested_sandbox": true\}/m;

/* What is tried in the sandbox: a word for each thing that went through. */
const TRIAL = (room) => `id -u; ls /proc | grep -cx 1; echo x >${room.work}/inside && echo WROTE_WORK; ` +
	`echo x >${room.home}/outside && echo WROTE_HOME; ` +
	'curl -sS -m 10 https://promptfax.app/mcp -o /dev/null && echo REACHED; true';

const SANDBOXES = [
	{
		name: 'Codex, workspace', writes: true,
		command: (room) => ['codex', 'sandbox', '-P', ':workspace', '--', 'sh', '-c', TRIAL(room)],
	},
	{
		name: 'Codex, read-only', writes: false,
		command: (room) => ['codex', 'sandbox', '-P', ':read-only', '--', 'sh', '-c', TRIAL(room)],
	},
	{
		name: 'srt', writes: true,
		command: (room) => {
			write(join(room.dir, 'srt.json'), {
				network: { allowedDomains: [], deniedDomains: [] },
				filesystem: { denyRead: [], allowWrite: [room.work], denyWrite: [] },
			});
			return ['srt', '-s', join(room.dir, 'srt.json'), '-c', TRIAL(room)];
		},
	},
];

/* The kernel lets root make none in the jail. */
const uid = process.getuid() || NOBODY;
const policy = (nested_sandbox) => ({ version: '1', default: 'allow', jail: { nested_sandbox } });

for (const { name, writes, command } of SANDBOXES) {
	test(`${name}: its sandbox works where the policy allows it`, async (room) => {
		const run = await inJail(room, [], command(room),
					 { uid, env: { PATH }, policy: policy(true) });

		assertExit(run, 0);
		assert.match(run.out, new RegExp(`^${uid}$`, 'm'));
		assert.match(run.out, /^1$/m, 'it has a /proc of its own');
		assert.equal(run.out.includes('WROTE_WORK'), writes, run.out);
		assert.equal(existsSync(join(room.work, 'inside')), writes);
		assert.doesNotMatch(run.out, /WROTE_HOME|REACHED/, 'it holds');
	});
	test(`${name}: without, the switch is named`, async (room) => {
		const run = await inJail(room, [], command(room),
					 { uid, env: { PATH }, policy: policy(false) });

		assert.notEqual(run.code, 0);
		assert.doesNotMatch(run.out, /WROTE|REACHED/);
		assert.match(run.err, SWITCH);
	});
}
