// SPDX-License-Identifier: Apache-2.0
//
// PromptFax on the official SDK: node server.mjs CERT KEY LOG
//
// Serves both eras on https://127.0.0.1:PORT/mcp and prints "port N"; ends when its standard
// input does. LOG gets a JSON line for each tool call that arrived, before it is answered.
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { randomUUID } from 'node:crypto';
import { createMcpHandler, isLegacyRequest, McpServer } from '@modelcontextprotocol/server';
import {
	NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest,
} from '@modelcontextprotocol/node';
import * as z from 'zod';

const [cert, key, log] = process.argv.slice(2);

const priceCents = (pages) => Math.min(450, 200 + Math.max(0, pages - 5) * 10);
const sessions = new Map();
const intents = new Map();

const answer = (structured) => ({
	content: [{ type: 'text', text: JSON.stringify(structured) }],
	structuredContent: structured,
});
const problem = (text) => ({ content: [{ type: 'text', text }], isError: true });

const file = z.object({
	url: z.string().optional(), download_url: z.string().optional(), fileName: z.string().optional(),
});
const sessionId = z.string();
const sendIntentId = z.string();

function moved(from, to) {
	return ({ sendIntentId: id }) => {
		const intent = intents.get(id);

		if (!intent || !from.includes(intent.state))
			return problem(`the fax is ${intent?.state ?? 'unknown'}`);
		intent.state = to;
		return answer(intent);
	};
}

async function progress(ctx, done, total) {
	const progressToken = ctx.mcpReq._meta?.progressToken;

	if (progressToken !== undefined)
		await ctx.mcpReq.notify({
			method: 'notifications/progress',
			params: { progressToken, progress: done, total },
		});
}

const tools = {
	start_session: {
		schema: { hostType: z.enum(['chatgpt', 'claude', 'browser', 'other']).optional(),
			  files: z.array(file).optional() },
		run({ files = [] }) {
			const id = `ses_${randomUUID()}`;

			sessions.set(id, { pages: files.length * 3 });
			return answer({ sessionId: id, documents: files.length });
		},
	},
	attach_document: {
		schema: { sessionId, documentId: z.string().optional(),
			  fileUrls: z.array(z.string()).optional() },
		run({ sessionId: id, fileUrls = [] }) {
			const session = sessions.get(id);

			if (!session)
				return problem('no such session');
			session.pages += fileUrls.length * 3;
			return answer({ sessionId: id, pages: session.pages });
		},
	},
	get_quote: {
		schema: { sessionId, faxNumber: z.string().optional() },
		async run({ sessionId: id, faxNumber = '' }, ctx) {
			const session = sessions.get(id);
			const intent = { sendIntentId: `int_${randomUUID()}`, faxNumber, state: 'quoted',
					 pages: session?.pages, amountCents: priceCents(session?.pages ?? 0) };

			if (!session)
				return problem('no such session');
			// Reported on the way, so that the answer is an event stream.
			await progress(ctx, 1, 2);
			await progress(ctx, 2, 2);
			intents.set(intent.sendIntentId, intent);
			return answer(intent);
		},
	},
	checkout: {
		schema: { sessionId, sendIntentId, autoSendAfterAuthorization: z.boolean().optional() },
		run: moved(['quoted'], 'authorized'),
	},
	send_fax: { schema: { sessionId, sendIntentId }, run: moved(['authorized'], 'sending') },
	cancel: { schema: { sessionId, sendIntentId }, run: moved(['quoted', 'authorized'], 'cancelled') },
	retry_failed_fax: {
		schema: { sessionId, sendIntentId, faxNumber: z.string().optional() },
		run: moved(['failed'], 'sending'),
	},
	get_status: {
		schema: { sessionId, sendIntentId },
		run: ({ sendIntentId: id }) => intents.has(id) ? answer(intents.get(id)) : problem('unknown'),
	},
};

function makeServer() {
	const server = new McpServer({ name: 'promptfax', version: '1.0.0' });

	for (const [name, { schema, run }] of Object.entries(tools)) {
		const inputSchema = z.object(schema);

		server.registerTool(name, { description: `PromptFax: ${name}`, inputSchema },
			(args, ctx) => {
				appendFileSync(log, `${JSON.stringify({ tool: name, args })}\n`);
				return run(args, ctx);
			});
	}
	return server;
}

const modern = toNodeHandler(createMcpHandler(makeServer, { legacy: 'reject' }));
const transports = new Map();

/* Sessions as of 2025: an id per initialize, GET for the server's stream, DELETE at the end. */
async function legacy(req, res, body) {
	let transport = transports.get(req.headers['mcp-session-id']);

	if (!transport) {
		transport = new NodeStreamableHTTPServerTransport({
			sessionIdGenerator: randomUUID,
			onsessioninitialized: (id) => transports.set(id, transport),
			onsessionclosed: (id) => transports.delete(id),
		});
		await makeServer().connect(transport);
	}
	await transport.handleRequest(req, res, body);
}

async function bodyOf(req) {
	const chunks = [];

	for await (const chunk of req)
		chunks.push(chunk);
	return chunks.length ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined;
}

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (req, res) => {
	try {
		if (new URL(req.url, 'https://localhost').pathname !== '/mcp')
			return res.writeHead(404).end('not found\n');
		const body = await bodyOf(req);

		if (await isLegacyRequest(await toWebRequest(req, body), body))
			await legacy(req, res, body);
		else
			await modern(req, res, body);
	} catch (error) {
		console.error(error);
		res.headersSent ? res.destroy() : res.writeHead(500).end();
	}
});

server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
process.stdin.on('close', () => process.exit(0)).resume();
