// SPDX-License-Identifier: Apache-2.0
//
// node run.mjs MCPJAIL PROMPTFAX PART…: runs the end-to-end tests of the parts (sdk, hosts)
import { cleanUp, runTests } from './harness.mjs';

for (const part of process.argv.slice(4))
	await import(`./${part}.mjs`);
process.exitCode = await runTests().finally(cleanUp);
