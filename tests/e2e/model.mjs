// SPDX-License-Identifier: Apache-2.0
//
// The model APIs, scripted: node model.mjs CERT KEY LOG
//
// Serves Anthropic's messages, OpenAI's responses and Gemini's generateContent on
// https://127.0.0.1:PORT, told apart by their paths, and prints "port N"; ends when its standard
// input does. LOG gets a JSON line for each request, before it is answered, with the results of
// tools it brought.
//
// What the model does is written in the prompt: "please do: start_session*2 get_quote" has
// it call these tools, one after another, under the names that the host offers them by. Then
// it answers with what each result said, so that a test sees what the model saw.
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [cert, key, log] = process.argv.slice(2);

// --- the script -------------------------------------------------------------

const SAY = { command: 'printenv MCPJAIL_RUN', description: 'Say which run this is' };
const ARGUMENTS = {
	start_session: () => ({
		hostType: 'other',
		files: [{ url: 'https://files.example.com/a.pdf', fileName: 'a.pdf' }],
	}),
	get_quote: ({ sessionId }) => ({ sessionId, faxNumber: '+12025550142' }),
	send_fax: ({ sessionId, sendIntentId }) => ({ sessionId, sendIntentId }),
	// The hosts' own tools for commands.
	Bash: () => SAY, bash: () => SAY, run_shell_command: () => SAY,
	exec_command: () => ({ cmd: SAY.command }),
};

/* Of a whole conversation, because its results are counted from the beginning, too; hosts repeat prompts. */
function stepsOf(prompts) {
	const asked = prompts.map((text) => /please do: ([\w* ]+)/.exec(text)?.[1].trim()).filter(Boolean);

	return [...new Set(asked)].flatMap((words) => words.split(/ +/)).flatMap((word) => {
		const [tool, times] = word.split('*');

		return Array(Number(times ?? 1)).fill(tool);
	});
}

/* What earlier results said, by name: ids that later calls need. */
function known(results) {
	const facts = { sessionId: 'none', sendIntentId: 'none' };

	for (const text of results)
		for (const [, name, value] of text.matchAll(/\\?"(sessionId|sendIntentId)\\?":\s*\\?"([\w-]+)/g))
			facts[name] = value;
	return facts;
}

/**
 * What the model does next
 * @asked: prompts, results: texts; tools: names, as the host offers them; and where it does
 *	   not offer all of them, a `search` that finds others or a `program` that calls them
 */
function nextMove({ prompts, results, tools, search, program }) {
	const steps = stepsOf(prompts);
	const step = steps[results.length];
	const id = `call_${results.length}`;

	if (!step)
		return { text: results.map((text, i) => `RESULT ${steps[i] ?? '?'}: ${text}`).join('\n') ||
			       'Nothing to do.' };
	if (!ARGUMENTS[step])
		return { text: `I do not know how to do ${step}. I know: ${Object.keys(ARGUMENTS).join(' ')}` };
	const offered = tools.find(({ name }) => name === step || name.endsWith(`_${step}`));
	const input = ARGUMENTS[step](known(results));

	if (offered)
		return { call: { ...offered, id, input } };
	if (search)
		return { call: { name: search.tool, id: `search_${step}`, input: search.input(step) } };
	if (program)
		return { call: { ...program, id, input:
			`const { name } = ALL_TOOLS.find(({ name }) => name === '${step}' || name.endsWith('_${step}'));\n` +
			`const { content, output } = await tools[name](${JSON.stringify(input)});\n` +
			'text(output ?? content.map((part) => part.text).join());' } };
	return { text: `NO TOOL ${step}` };
}

const plain = (content) => typeof content === 'string' ? content
	: (content ?? []).map((part) => typeof part === 'string' ? part : part.text ?? '').join('\n');

// --- the APIs: what was asked, and how an answer looks ----------------------

const anthropic = {
	asked(body) {
		const parts = body.messages.filter(({ role }) => role === 'user')
			.flatMap(({ content }) => typeof content === 'string' ? [{ type: 'text', text: content }]
										: content);

		return {
			prompts: parts.filter(({ type }) => type === 'text').map(({ text }) => text),
			results: parts.filter(({ type, tool_use_id: id }) => type === 'tool_result' &&
							!id.includes('search_'))
				.map(({ content }) => plain(content)),
			tools: body.tools ?? [],
			search: body.tools?.some(({ name }) => name === 'ToolSearch') &&
				{ tool: 'ToolSearch', input: (step) => ({ query: `+${step}`, max_results: 1 }) },
		};
	},
	message: (model, content, stop) => ({
		id: 'msg_scripted', type: 'message', role: 'assistant', model, content,
		stop_reason: stop, stop_sequence: null, usage: { input_tokens: 10, output_tokens: 10 },
	}),
	answer({ text, call }, body) {
		const block = call ? { type: 'tool_use', id: `toolu_${call.id}`, name: call.name, input: call.input }
				   : { type: 'text', text };
		const stop = call ? 'tool_use' : 'end_turn';

		if (!body.stream)
			return this.message(body.model, [block], stop);
		const events = [
			{ type: 'message_start', message: this.message(body.model, [], null) },
			{ type: 'content_block_start', index: 0,
			  content_block: call ? { ...block, input: {} } : { type: 'text', text: '' } },
			{ type: 'content_block_delta', index: 0,
			  delta: call ? { type: 'input_json_delta', partial_json: JSON.stringify(call.input) }
				      : { type: 'text_delta', text } },
			{ type: 'content_block_stop', index: 0 },
			{ type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null },
			  usage: { output_tokens: 10 } },
			{ type: 'message_stop' },
		];

		return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
	},
};

/*
 * Codex gives its newest models no tools but `exec`, which runs JavaScript that calls them, and
 * that in the input instead of in `tools`; the others get tools, grouped by namespace.
 */
const responses = {
	asked(body) {
		const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input;
		const flat = (tools, namespace) => (tools ?? []).flatMap((tool) =>
			tool.type === 'namespace' ? flat(tool.tools, tool.name)
						  : [{ name: tool.name ?? '', type: tool.type, namespace }]);
		const tools = flat([...(body.tools ?? []), ...items.flatMap((item) => item.tools ?? [])]);

		return {
			prompts: items.filter(({ role }) => role === 'user').map(({ content }) => plain(content)),
			results: items.filter(({ type }) => /^(function|custom_tool)_call_output$/.test(type))
				.map(({ output }) => plain(output?.content ?? output)),
			tools,
			program: tools.find(({ type, name }) => type === 'custom' && name === 'exec'),
		};
	},
	item({ text, call }) {
		if (text !== undefined)
			return { type: 'message', id: 'msg_scripted', role: 'assistant',
				 content: [{ type: 'output_text', text, annotations: [] }] };
		const common = { id: `item_${call.id}`, call_id: call.id, name: call.name,
				 ...(call.namespace && { namespace: call.namespace }) };

		return call.type === 'custom' ? { ...common, type: 'custom_tool_call', input: call.input }
			: { ...common, type: 'function_call', arguments: JSON.stringify(call.input) };
	},
	answer(move, body) {
		const item = { ...this.item(move), status: 'completed' };
		const response = { id: 'resp_scripted', object: 'response', model: body.model, status: 'completed',
				   output: [item],
				   usage: { input_tokens: 10, input_tokens_details: { cached_tokens: 0 },
					    output_tokens: 10, output_tokens_details: { reasoning_tokens: 0 },
					    total_tokens: 20 } };

		if (!body.stream)
			return response;
		const events = [
			{ type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
			{ type: 'response.output_item.added', output_index: 0, item },
			{ type: 'response.output_item.done', output_index: 0, item },
			{ type: 'response.completed', response },
		];

		return events.map((event, i) =>
			`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: i })}\n\n`);
	},
};

const gemini = {
	asked(body) {
		const parts = body.contents.flatMap(({ parts }) => parts);

		return {
			prompts: parts.map(({ text }) => text ?? ''),
			results: parts.filter((part) => part.functionResponse)
				.map(({ functionResponse: { response } }) =>
					response.output ?? response.error ?? JSON.stringify(response)),
			tools: (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []),
		};
	},
	answer(move, body, path) {
		// The CLI has a small model say first how hard the task is.
		const { text, call } = body.generationConfig?.responseJsonSchema
			? { text: '{"complexity_reasoning":"scripted","complexity_score":50}' } : move;
		const answer = {
			candidates: [{ content: { role: 'model',
						  parts: [call ? { functionCall: { name: call.name, args: call.input } }
							       : { text }] },
				       finishReason: 'STOP', index: 0 }],
			usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 10, totalTokenCount: 20 },
		};

		return path.includes(':stream') ? [`data: ${JSON.stringify(answer)}\r\n\r\n`] : answer;
	},
};

const ROUTES = [
	[/^POST \/v1\/messages\/count_tokens$/, () => ({ input_tokens: 10 })],
	[/^POST \/v1\/messages$/, anthropic],
	[/^POST \/v1\/responses$/, responses],
	[/^POST \/v1(beta)?\/models\/[^/]+:countTokens$/, () => ({ totalTokens: 10 })],
	[/^POST \/v1(beta)?\/models\/[^/]+:(streamG|g)enerateContent$/, gemini],
	[/^POST \/backend-api\/codex\/responses$/, responses],
	[/^GET \/backend-api\/wham\/accounts\/check$/, () => ({ accounts: [
		{ id: 'account', workspace_backend_origin: 'https://chatgpt.com',
		  account_routing_override: 'NO_CONSTRAINT' }] })],
	[/^GET \/(v1|backend-api\/codex)\/models$/, () => ({ object: 'list', data: [], models: [] })],
	// For a host that is only to be reached.
	[/^GET \/$/, () => ({ hello: 'from this machine, in its place' })],
];

// --- the server -------------------------------------------------------------

async function bodyOf(req) {
	const chunks = [];

	for await (const chunk of req)
		chunks.push(chunk);
	return chunks.length ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined;
}

function note({ method, url, headers }, body, results) {
	appendFileSync(log, `${JSON.stringify({ method, path: url, headers, body, results })}\n`);
}

async function answerTo(req) {
	const body = await bodyOf(req);
	const path = req.url.split('?')[0];
	const [, api] = ROUTES.find(([pattern]) => pattern.test(`${req.method} ${path}`)) ?? [];
	const asked = api?.asked?.(body);

	note(req, body, asked?.results);
	return asked ? api.answer(nextMove(asked), body, path) : api?.();
}

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (req, res) => {
	try {
		const answer = await answerTo(req);

		if (Array.isArray(answer)) {
			res.writeHead(200, { 'content-type': 'text/event-stream' });
			answer.forEach((event) => res.write(event));
			res.end();
		} else {
			res.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
			res.end(`${JSON.stringify(answer ?? { error: { message: 'not known to the scripted model' } })}\n`);
		}
	} catch (error) {
		console.error(error);
		res.headersSent ? res.destroy() : res.writeHead(500).end();
	}
});

// Codex tries it first, and is to go on without.
server.on('upgrade', (req, socket) => {
	note(req);
	socket.end('HTTP/1.1 426 Upgrade Required\r\nUpgrade: HTTP/1.1\r\nConnection: close\r\n' +
		   'Content-Length: 0\r\n\r\n');
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
process.stdin.on('close', () => process.exit(0)).resume();
