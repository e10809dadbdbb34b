// SPDX-License-Identifier: Apache-2.0
//
// An agent that asks model APIs itself: node post.mjs FILE, where FILE holds a JSON list of
// { url, body, type }. Prints one JSON line: status and text of each answer.
import { readFileSync } from 'node:fs';

const answers = [];

for (const { url, body, type = 'application/json' } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
	const response = await fetch(url, { method: 'POST', headers: { 'content-type': type },
					    body: JSON.stringify(body) });

	answers.push({ status: response.status, text: await response.text() });
}
console.log(JSON.stringify(answers));
