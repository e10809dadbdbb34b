// SPDX-License-Identifier: Apache-2.0
//
// An agent on the official SDK's client: node agent.mjs URL ERA STEP…
//
// ERA: legacy (initialize), modern (pinned to 2026-07-28) or auto (probe, then either).
// STEP: list, sessions:N, quote, pay, send. Prints one JSON line: what it was told.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, era, ...steps] = process.argv.slice(2);
const modes = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } };
const told = { era: null, tools: [], calls: [], progress: 0 };

const client = new Client(
	{ name: 'e2e-agent', version: '1.0.0' },
	{ versionNegotiation: { mode: modes[era] }, capabilities: { roots: {}, sampling: {} } });
const transport = new StreamableHTTPClientTransport(new URL(url));

async function call(name, args) {
	const options = { onprogress: () => { told.progress++; } };

	try {
		const result = await client.callTool({ name, arguments: args }, options);

		told.calls.push({ tool: name, isError: result.isError === true,
				  text: result.content.map((part) => part.text).join('\n') });
		return result.structuredContent ?? {};
	} catch (error) {
		told.calls.push({ tool: name, thrown: `${error.name}: ${error.message}` });
		return {};
	}
}

const run = {
	async list() {
		told.tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
	},
	async sessions(state, n) {
		for (let i = 0; i < n; i++)
			Object.assign(state, await call('start_session', {
				hostType: 'other',
				files: [{ url: 'https://files.example.com/a.pdf', fileName: 'a.pdf' }],
			}));
	},
	async quote(state) {
		Object.assign(state, await call('get_quote',
			{ sessionId: state.sessionId ?? 'none', faxNumber: '+12025550142' }));
	},
	async pay(state) {
		await call('checkout', { sessionId: state.sessionId ?? 'none',
					 sendIntentId: state.sendIntentId ?? 'none',
					 autoSendAfterAuthorization: false });
	},
	async send(state) {
		await call('send_fax', { sessionId: state.sessionId ?? 'none',
					 sendIntentId: state.sendIntentId ?? 'none' });
	},
};

await client.connect(transport);
told.era = client.getProtocolEra();
const state = {};

for (const step of steps) {
	const [name, argument] = step.split(':');

	await run[name](state, Number(argument ?? 1));
}
await transport.terminateSession();
await client.close();
console.log(JSON.stringify(told));
