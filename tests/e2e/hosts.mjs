// SPDX-License-Identifier: Apache-2.0
//
// Real programs in the jail: agent hosts with a scripted model, which they reach by its real
// name, and the programs that agents run.
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:https';
import { dirname, join, normalize } from 'node:path';
import assert from 'node:assert/strict';
import { AGENTS, URL_OF_FAX, programsIn } from './agents.mjs';
import { NOBODY, SITE, assertExit, decisions, here, inJail, ledger, mcpjail, scratch, start,
	 test, write } from './harness.mjs';

const HOSTS = join(here, 'hosts');
const PATH = [programsIn([...AGENTS.map(({ preset }) => preset), 'inspector'].map((name) => join(HOSTS, name))),
	      join(here, 'node/node_modules/.bin'), process.env.PATH].join(':');

// --- agent hosts ------------------------------------------------------------

async function runAgent(room, agent, steps, { options = [], env, ...who } = {}) {
	agent.configure(room.home, room.work);
	const run = await inJail(room, options, agent.command(`please do: ${steps}`),
				 { ...who, env: { PATH, ...agent.env, ...env } });
	const asked = room.model.calls();

	assertExit(run, 0);
	assert.ok(asked.length, `the model was never asked\n${run.err}\n${run.out}`);
	// What the last request of all told the model of its tools' results.
	return { ...run, asked, results: asked.map(({ results }) => results ?? []).reduce(
		(longest, results) => results.length > longest.length ? results : longest) };
}

/* Requests to hosts that are no MCP servers. */
const requests = (runDir, verdict) => ledger(runDir)
	.filter(({ type, protocol }) => type === `net.${verdict}` && protocol === 'https');

const toolsOf = (calls) => calls.map(({ tool }) => tool);

/* A denial is to be sentences, with no JSON and no protocol around it of our making. */
function assertClean(text, { wraps = false }, ...patterns) {
	for (const pattern of [/^mcpjail denied [^]* Nothing was sent\./m, ...patterns])
		assert.match(wraps ? text.replace(/^[^]*"text":"/, '') : text, pattern);
	if (!wraps)
		assert.doesNotMatch(text, /[{}]|jsonrpc|isError/);
}

function assertQuoted(agent, run, room) {
	const [session, quote] = run.results;

	assert.match(session, /ses_/);
	assert.match(quote, /"amountCents\\?":200/);
	assert.match(run.out, /RESULT get_quote: [^]*amountCents/, 'the answer reaches the person');
	assert.deepEqual(toolsOf(room.calls()), ['start_session', 'get_quote']);
}

async function quoteAndDenial(agent, room, note, who) {
	const run = await runAgent(room, agent, 'start_session get_quote send_fax', who);

	assertQuoted(agent, run, room);
	const denial = run.results[2];

	note(`${agent.name}: send_fax, as the model saw it:\n${denial}`);
	assertClean(denial, agent, /send_fax/, /approval/, /\/tools\/send_fax\/action/);
	assert.deepEqual(toolsOf(decisions(run.runDir, 'deny')).filter(Boolean), ['send_fax']);
	return run;
}

for (const agent of AGENTS) {
	test(`${agent.name}: with no policy, model, tool, answer; what needs approval is denied in a sentence`,
	     async (room, note) => {
		const run = await quoteAndDenial(agent, room, note);
		const allowed = requests(run.runDir, 'allowed');

		assert.match(run.err, new RegExp(`\\b${agent.preset}\\b`), 'the preset is announced');
		assert.ok(allowed.some(({ host }) => host === agent.model), JSON.stringify(allowed));
		assert.ok(run.asked.every(({ headers }) => !headers.upgrade), 'no WebSocket');
		assert.doesNotMatch(run.err, /[Rr]econnecting/);
		assert.ok(existsSync(join(room.home, agent.state)), `${agent.state} is kept`);
		note(`on stderr:\n${run.err.trimEnd()}`);
	}, { wantsModel: true });

	test(`${agent.name}: its commands run in the jail`, async (room) => {
		const run = await runAgent(room, agent, agent.shell);

		assert.match(run.results[0], /\d{8}T\d{6}\.\d+-/, 'the id of the run');
	}, { wantsModel: true });

	test(`${agent.name}: a second run goes on with the conversation of the first`, async (room) => {
		const { asked: { length } } = await runAgent(room, agent, 'start_session');
		const { asked } = await runAgent(room, { ...agent, command: agent.resume }, 'get_quote');

		assert.ok(asked.slice(length).some(({ results }) => /ses_/.test(results?.[0])),
			  'the model is told what the first run\'s tool had answered');
	}, { wantsModel: true });

	test(`${agent.name}: with a policy that names the preset, a rate limit in a sentence`, async (room, note) => {
		const policy = {
			version: '1', default: 'deny', egress: [{ preset: agent.preset }],
			tools: { start_session: { limits: [
				{ counter: 'sessions', window: 'minute', max: 1, scope: 'grant' }] } },
		};
		const run = await runAgent(room, agent, 'start_session*2', { policy });

		note(`${agent.name}: start_session, as the model saw it:\n${run.results[1]}`);
		assertClean(run.results[1], agent, /at most 1 per minute/, /\/tools\/start_session\/limits\/0/,
			    /[Rr]etry in \d+ s/);
		assert.deepEqual(toolsOf(room.calls()), ['start_session']);
	}, { wantsModel: true });
}

/* Claims of a log-in that nobody signed: only Codex itself reads them here. */
function chatgptToken() {
	const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

	return [part({ alg: 'none' }), part({
		email: 'a@example.com', exp: 4e9,
		'https://api.openai.com/auth': { chatgpt_plan_type: 'pro', chatgpt_account_id: 'account' } }),
		'c2ln'].join('.');
}

test('Codex: with a ChatGPT log-in, once it sends requests uncompressed', async (room, note) => {
	const codex = AGENTS.find(({ name }) => name === 'Codex'), token = chatgptToken();
	const env = { CODEX_API_KEY: '' };

	write(join(room.home, '.codex/auth.json'), {
		auth_mode: 'chatgpt', last_refresh: new Date().toISOString(),
		tokens: { id_token: token, access_token: token, refresh_token: 'r', account_id: 'account' } });
	codex.configure(room.home, room.work);
	const refused = await inJail(room, [], codex.command('please do: start_session'), { env: { PATH } });

	assert.notEqual(refused.code, 0);
	assert.match(refused.err, /mcpjail: .*--disable enable_request_compression/, 'it is told what to do');
	note(refused.err.split('\n').filter((line) => line.includes('mcpjail:')).join('\n'));
	const run = await runAgent(room, { ...codex, env, command: (prompt) =>
		[...codex.command(prompt), '--disable', 'enable_request_compression'] }, 'start_session');

	assert.match(run.results[0], /ses_/);
	assert.ok(requests(run.runDir, 'allowed').some(({ host, detail }) =>
		host === 'chatgpt.com' && detail === 'POST /backend-api/codex/responses'));
}, { wantsModel: true });

test('Claude Code: an unprivileged user gets the same', async (room, note) => {
	if (process.getuid() !== 0)
		return 'SKIP this is an unprivileged user already';
	// Somewhere that user can read: the checkout may lie in root's home directory.
	const bin = join(scratch, 'bin');

	mkdirSync(bin);
	cpSync(join(HOSTS, 'claude-code/node_modules/@anthropic-ai/claude-code-linux-x64/claude'), join(bin, 'claude'));
	cpSync(mcpjail, join(bin, 'mcpjail'));
	const [claude] = AGENTS;

	await quoteAndDenial(claude, room, note, { uid: NOBODY, binary: join(bin, 'mcpjail'),
						   env: { PATH: `${bin}:/usr/bin:/bin` } });
	return undefined;
}, { wantsModel: true });

test('make try: a quote, a denial, records that verify, a refusal and what to add', async (room, note) => {
	const run = await start(join(here, 'try.sh'), ['claude-code'], {
		env: { ...process.env, BUILD: dirname(mcpjail), TRY: '', E2E_KEEP: '' } }).ended;

	note(run.out);
	assertExit(run, 0);
	for (const pattern of [/^RESULT get_quote: .*"amountCents":200/m, /^RESULT send_fax: mcpjail denied /m,
			       /allow {2}get_quote /, /^ {2}anchored$/m,
			       /^mcpjail: example\.org:443 is refused by rule \/default: .* mcpjail --allow example\.org /m,
			       /^{"hello":/m])
		assert.match(run.out, pattern);
	const there = /^mcpjail: records: (.*)\/home\/\.local\//m.exec(run.out)[1];

	assert.ok(!existsSync(there), 'nothing is left');
});

// --- the MCP inspector ------------------------------------------------------

test('MCP inspector: tools, a call, a denial, a rate limit', async (room, note) => {
	const inspect = async (...args) => {
		const run = await inJail(room, [], ['mcp-inspector', '--cli', URL_OF_FAX, '--transport', 'http', ...args],
					 { env: { PATH }, policy: {
			version: '1', default: 'deny',
			tools: { get_quote: {}, send_fax: { action: 'require_approval' }, start_session: { limits: [
				{ counter: 'sessions', window: 'minute', max: 2, scope: 'grant' }] } } } });

		return { ...run, text: () => JSON.parse(run.out).content.map(({ text }) => text).join('\n') };
	};
	const call = (tool, ...args) => inspect('--method', 'tools/call', '--tool-name', tool,
						...args.flatMap((arg) => ['--tool-arg', arg]));
	const list = await inspect('--method', 'tools/list');

	assertExit(list, 0);
	assert.deepEqual(JSON.parse(list.out).tools.map(({ name }) => name).sort(),
			 ['get_quote', 'send_fax', 'start_session']);
	const session = JSON.parse((await call('start_session', 'hostType=other')).text());
	const quote = JSON.parse((await call('get_quote', `sessionId=${session.sessionId}`)).text());

	assert.equal(quote.amountCents, 200);
	const denial = (await call('send_fax', `sessionId=${session.sessionId}`,
				   `sendIntentId=${quote.sendIntentId}`));

	note(`inspector: send_fax:\n${denial.out}${denial.err}`);
	await call('start_session', 'hostType=other');
	const limited = (await call('start_session', 'hostType=other')).text();

	note(`inspector: start_session:\n${limited}`);
	assertClean(limited, {}, /\/tools\/start_session\/limits\/0/, /[Rr]etry in \d+ s/);
	assert.deepEqual(toolsOf(room.calls()), ['start_session', 'get_quote', 'start_session']);
});

// --- what agents run --------------------------------------------------------

/* A web server with files, the rest of the internet's stand-in. */
async function withSite(room, run) {
	const root = join(room.dir, 'site');
	const seen = [];
	const site = createServer({ cert: readFileSync(join(scratch, 'cert.pem')),
				    key: readFileSync(join(scratch, 'key.pem')) }, (req, res) => {
		const file = join(root, normalize(req.url.split('?')[0]));

		seen.push(`${req.method} ${req.url}`);
		res.writeHead(existsSync(file) ? 200 : 404).end(existsSync(file) ? readFileSync(file) : undefined);
	});

	write(join(root, 'hello.txt'), 'hello from outside\n');
	await new Promise((settle) => site.listen(0, '127.0.0.1', settle));
	try {
		await run({ root, seen, ports: { [SITE]: site.address().port } });
	} finally {
		site.close();
		site.closeAllConnections();
	}
}

function makeRepository(root, room) {
	const git = (...args) => execFileSync('git', args, {
		cwd: root, env: { PATH: process.env.PATH, HOME: room.home, GIT_CONFIG_NOSYSTEM: '1',
				  GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com',
				  GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' } });

	git('init', '-q', 'made');
	git('-C', 'made', 'add', '.');
	write(join(root, 'made/README'), 'cloned\n');
	git('-C', 'made', 'add', 'README');
	git('-C', 'made', 'commit', '-q', '-m', 'one');
	git('clone', '-q', '--bare', 'made', 'repo.git');
	git('-C', 'repo.git', 'update-server-info');
}

const PYTHON = `import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
`;
const NODE = 'const r = await fetch(process.argv[1]); console.log(r.status, await r.text())';
const FILE = 'hello.txt', UNLISTED = 'unlisted.example';
const FETCHERS = [
	['curl', (url) => ['curl', '-sS', '-w', '\n%{http_code}\n', url]],
	['Python', (url) => ['python3', '-c', PYTHON, url]],
	['Node', (url) => [process.execPath, '--input-type=module', '-e', NODE, url]],
];

/* What the person is told: which host, and what to add. */
function assertSummaryNames(run, host) {
	assert.ok(run.err.includes(host), run.err);
	assert.match(run.err, new RegExp(`(--allow|policy allow) ${host.replaceAll('.', '\\.')}`));
}

for (const [name, fetcher] of FETCHERS)
	test(`${name}: a host that is allowed answers, another is refused in a sentence`, (room, note) =>
		withSite(room, async ({ seen, ports }) => {
			const refused = await inJail(room, [], fetcher(`https://${SITE}/${FILE}`), { ports });

			assert.match(refused.out, /403/);
			assert.match(refused.out, new RegExp(`mcpjail: ${SITE}:443 is refused by rule /default`));
			assertSummaryNames(refused, SITE);
			assert.deepEqual(seen, []);
			note(`${name}:\n${refused.out.trim()}\non stderr:\n${refused.err.trim()}`);
			const run = await inJail(room, ['--allow', SITE], fetcher(`https://${SITE}/${FILE}`), { ports });

			assertExit(run, 0);
			assert.match(run.out, /hello from outside/);
			assert.deepEqual(seen, [`GET /${FILE}`]);
			const other = await inJail(room, ['--allow', SITE], fetcher(`https://${UNLISTED}/`), { ports });

			assert.match(other.out, /403/);
			assertSummaryNames(other, UNLISTED);
		}));

test('git: a clone from a host that is allowed, none from another', (room) =>
	withSite(room, async ({ root, seen, ports }) => {
		const clone = (host, ...options) => inJail(room, options,
			['git', 'clone', '-q', `https://${host}/repo.git`, 'clone'], { ports });

		makeRepository(root, room);
		const refused = await clone(SITE);

		assert.notEqual(refused.code, 0);
		assert.match(refused.err, /403/);
		assertSummaryNames(refused, SITE);
		assert.deepEqual(seen, []);
		assertExit(await clone(SITE, '--allow', SITE), 0);
		assert.equal(readFileSync(join(room.work, 'clone/README'), 'utf8'), 'cloned\n');
	}));

// --- what a model's provider would do for the agent -------------------------

const MESSAGES = 'https://api.anthropic.com/v1/messages';
const RESPONSES = 'https://api.openai.com/v1/responses';
const GEMINI = 'https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-flash:generateContent';
const CHAT = 'https://api.openai.com/v1/chat/completions';
const CHATGPT = 'https://chatgpt.com/backend-api/codex/responses';
const ZEN = 'https://opencode.ai/zen/v1';
const CODE_ASSIST = 'https://cloudcode-pa.googleapis.com/v1internal:generateContent';

const said = (content) => ({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] });
const asked = (...content) => ({ model: 'm', input: [{ role: 'user', content }] });
const spoken = (...parts) => ({ contents: [{ role: 'user', parts }] });

const ANTHROPIC_PLAIN = [
	said('hi'),
	{ ...said('hi'), tools: [{ name: 'a', input_schema: {} }, { type: 'custom', name: 'b', input_schema: {} },
				 { type: 'bash_20250124', name: 'bash' }] },
	said([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
	      { type: 'tool_result', tool_use_id: 't', content: 'text' },
	      { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'https://example.com' }] },
	      { type: 'search_result', source: 'https://example.com', title: 't', content: [] }]),
];
const image = (url) => ({ type: 'image', source: { type: 'url', url } });
const ANTHROPIC_SMUGGLED = [
	{ ...said('hi'), mcp_servers: [{ type: 'url', url: URL_OF_FAX, name: 'fax' }] },
	{ ...said('hi'), MCP_Servers: [] },
	{ ...said('hi'), container: { skills: [] } },
	...['web_fetch_20250910', 'web_search_20250305', 'code_execution_20250825', 'mcp_toolset', 'tool_of_tomorrow']
		.map((type) => ({ ...said('hi'), tools: [{ name: 'a', input_schema: {} }, { type, name: 'x' }] })),
	{ ...said('hi'), tools: { type: 'web_fetch_20250910' } },
	{ ...said('hi'), messages: [{ role: 'system', content: [{ type: 'tool_addition', tool: {
		type: 'tool_definition', definition: { type: 'web_fetch_20250910', name: 'web_fetch' } } }] }] },
	said([image('https://example.com/a.png')]),
	said([{ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }]),
	said([{ type: 'tool_result', tool_use_id: 't', content: [image('https://example.com/a.png')] }]),
	said([{ type: 'document', source: { type: 'content', content: [image('https://example.com/a.png')] } }]),
];

const OPENAI_PLAIN = [
	{ model: 'm', input: 'hi' },
	{ ...asked({ type: 'input_text', text: 'hi' }), tools: [
		{ type: 'function', name: 'a' }, { type: 'namespace', name: 'n', tools: [{ type: 'custom', name: 'b' }] }] },
	asked({ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }),
	{ model: 'm', input: [{ type: 'function_call_output', call_id: 'c', output: 'https://example.com' }] },
];
const PROVIDER_MCP = { type: 'mcp', server_label: 'fax', server_url: URL_OF_FAX, require_approval: 'never' };
const OPENAI_SMUGGLED = [
	...[PROVIDER_MCP, { type: 'web_search' }, { type: 'web_search_preview' }, { type: 'code_interpreter' },
	    { type: 'shell' }, { type: 'namespace', name: 'n', tools: [PROVIDER_MCP] }]
		.map((tool) => ({ ...asked({ type: 'input_text', text: 'hi' }),
				  tools: [{ type: 'function', name: 'a' }, tool] })),
	{ model: 'm', input: [{ type: 'additional_tools', tools: [PROVIDER_MCP] }] },
	{ model: 'm', input: [{ type: 'additional_tools', tools: [{ type: 'namespace', tools: [PROVIDER_MCP] }] }] },
	{ model: 'm', input: [{ type: 'mcp_approval_response', approve: true, approval_request_id: 'a' }] },
	{ ...asked({ type: 'input_text', text: 'hi' }), prompt: { id: 'pmpt_1' } },
	{ ...asked({ type: 'input_text', text: 'hi' }), model: 'gpt-5-search-api' },
	...['https://example.com/a.png', 'HTTPS:/example.com/a.png', ' hTTps:example.com', 'ht\ttp:\\\\example.com']
		.map((url) => asked({ type: 'input_image', image_url: url })),
	asked({ type: 'input_file', file_url: 'https://example.com/a.pdf' }),
	{ model: 'm', input: [{ type: 'function_call_output', call_id: 'c', output: [
		{ type: 'input_image', image_url: 'https://example.com/a.png' }] }] },
];

const chat = (content) => ({ model: 'm', messages: [{ role: 'user', content }] });
const CHAT_PLAIN = [
	{ ...chat('https://example.com'), tools: [{ type: 'function', function: { name: 'a' } }] },
	chat([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }]),
];
const CHAT_SMUGGLED = [
	{ ...chat('hi'), tools: [{ type: 'mcp', server_url: URL_OF_FAX }] },
	{ ...chat('hi'), web_search_options: {} },
	{ ...chat('hi'), plugins: [{ id: 'web' }] },
	{ ...chat('hi'), model: 'gpt-4o-search-preview' },
	chat([{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]),
];

const GEMINI_PLAIN = [
	spoken({ text: 'hi' }),
	{ ...spoken({ inlineData: { mimeType: 'image/png', data: 'AAAA' } }, { functionResponse: {
		name: 'a', response: { output: 'https://example.com' } } }),
	  systemInstruction: { parts: [{ text: 's' }] }, tools: [{ functionDeclarations: [{ name: 'a' }] }] },
];
const GEMINI_SMUGGLED = [
	...['googleSearch', 'google_search', 'urlContext', 'url_context', 'codeExecution', 'googleMaps', 'file_search',
	    'mcpServers', 'mcp_servers', 'GoogleSearch']
		.map((tool) => ({ ...spoken({ text: 'hi' }), tools: [{ functionDeclarations: [] }, { [tool]: {} }] })),
	{ ...spoken({ text: 'hi' }), tools: { googleSearch: {} } },
	{ ...spoken({ text: 'hi' }), cachedContent: 'cachedContents/a' },
	spoken({ fileData: { fileUri: 'https://example.com/a.pdf' } }),
	spoken({ file_data: { file_uri: 'https://example.com/a.pdf' } }),
	{ contents: { parts: { fileData: { fileUri: 'https://example.com/a.pdf' } } } },
	spoken({ functionResponse: { name: 'a', parts: [{ fileData: { fileUri: 'https://example.com/a.pdf' } }] } }),
];

/* At OpenAI itself, what is kept can be read by whoever owns the key. */
const unkept = (bodies) => bodies.map((body) => ({ ...body, store: false }));
const KEPT = [OPENAI_PLAIN[0], { ...OPENAI_PLAIN[0], store: true }, { ...OPENAI_PLAIN[0], store: null }];

const SMUGGLERS = [
	['claude-code', MESSAGES, ANTHROPIC_PLAIN, ANTHROPIC_SMUGGLED],
	['codex', RESPONSES, unkept(OPENAI_PLAIN), [...unkept(OPENAI_SMUGGLED), ...KEPT]],
	['gemini', GEMINI, GEMINI_PLAIN, GEMINI_SMUGGLED],
	['gemini', CODE_ASSIST, [], GEMINI_SMUGGLED.map((request) => ({ model: 'm', request }))],
	['opencode', MESSAGES, ANTHROPIC_PLAIN, ANTHROPIC_SMUGGLED],
	['opencode', RESPONSES, unkept(OPENAI_PLAIN), [...unkept(OPENAI_SMUGGLED), ...KEPT]],
	['opencode', GEMINI, GEMINI_PLAIN, GEMINI_SMUGGLED],
	['codex', CHATGPT, OPENAI_PLAIN, OPENAI_SMUGGLED],
	['opencode', CHAT, CHAT_PLAIN, [...CHAT_SMUGGLED, { ...CHAT_PLAIN[0], store: true }]],
	['opencode', `${ZEN}/messages`, ANTHROPIC_PLAIN, ANTHROPIC_SMUGGLED],
	['opencode', `${ZEN}/responses`, OPENAI_PLAIN, OPENAI_SMUGGLED],
	['opencode', `${ZEN}/chat/completions`, CHAT_PLAIN, CHAT_SMUGGLED],
];

for (const [preset, url, plain, smuggled] of SMUGGLERS)
	test(`preset ${preset}: what ${new URL(url).host} itself would call or fetch is refused and recorded ` +
	     `(${new URL(url).pathname})`,
	     async (room, note) => {
		const script = join(room.work, 'post.mjs'), cases = join(room.work, 'cases.json');

		cpSync(join(HOSTS, 'post.mjs'), script);
		write(cases, [...plain, ...smuggled].map((body) => ({ url, body })));
		const run = await inJail(room, ['--preset', preset], [process.execPath, script, cases]);

		assertExit(run, 0);
		const answers = JSON.parse(run.out);
		const denied = requests(run.runDir, 'denied').filter(({ rule }) => rule === '/egress/0');

		for (const [i, { status, text }] of answers.entries()) {
			const body = JSON.stringify([...plain, ...smuggled][i]);

			assert.equal(status === 403, i >= plain.length, `${status} for ${body}: ${text}`);
			if (status === 403)
				assert.match(text, new RegExp(`^mcpjail: .*rule /egress/0`), body);
		}
		assert.equal(room.model.calls().length, plain.length, 'nothing of it left');
		assert.equal(denied.length, smuggled.length);
		assert.ok(denied.every(({ host }) => host === new URL(url).host));
		note(`${preset}: ${answers[plain.length].text.trim()}`);
	}, { wantsModel: true });
