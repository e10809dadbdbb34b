// SPDX-License-Identifier: Apache-2.0
//
// Places outside the jail that an escaped agent could reach.
//
// node bait.mjs listen LOG SOCKET…   listens on the sockets and on TCP and UDP ports of
//                                    127.0.0.1; prints {"tcp", "udp", "sockets"}; says "bait"
//                                    and logs a line to whoever comes
// node bait.mjs touch BAIT           comes to each, from outside, to show that it works
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

async function listen(log, sockets) {
	const serve = (what) => createServer((socket) => {
		appendFileSync(log, `${what}\n`);
		socket.on('error', () => {});
		socket.end('bait\n');
	});
	const tcp = serve('tcp');
	const udp = createSocket('udp4');

	writeFileSync(log, '');
	for (const path of sockets) {
		await once(serve(path).listen(path), 'listening');
		chmodSync(path, 0o666);
	}
	await once(tcp.listen(0, '127.0.0.1'), 'listening');
	udp.on('message', (data, from) => {
		appendFileSync(log, 'udp\n');
		udp.send('bait\n', from.port, from.address);
	});
	udp.bind(0, '127.0.0.1');
	await once(udp, 'listening');
	console.log(JSON.stringify({ tcp: tcp.address().port, udp: udp.address().port, sockets }));
}

async function touch({ tcp, udp, sockets }) {
	for (const options of [{ host: '127.0.0.1', port: tcp }, ...sockets.map((path) => ({ path }))]) {
		const socket = createConnection(options);

		socket.resume();
		await once(socket, 'close');
	}
	const socket = createSocket('udp4');

	socket.send('hello', udp, '127.0.0.1');
	await once(socket, 'message');
	socket.close();
}

const [mode, first, ...rest] = process.argv.slice(2);

await (mode === 'listen' ? listen(first, rest) : touch(JSON.parse(first)));
