// Channels over real sockets: frames in order both ways, a far end that leaves, and one that does not speak frames.

import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { GraftError } from '../../../src/index.js';
import { openChannel, type Channel } from '../../../src/server/workers/channel.js';
import type { Frame } from '../../../src/server/workers/frame.js';

/** Two ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const far = await new Promise<Socket>(resolve => server.once('connection', resolve));
  server.close();
  return [near, far];
}

interface End {
  readonly channel: Channel;
  readonly frames: Frame[];
  readonly ended: Promise<unknown>;
}

function endOf(socket: Socket, told: (frame: Frame) => void = () => undefined): End {
  const frames: Frame[] = [];
  let end: (error?: unknown) => void = () => undefined;
  const ended = new Promise<unknown>(resolve => (end = resolve));
  const frame = (one: Frame): void => {
    frames.push(one);
    told(one);
  };
  return { channel: openChannel(socket, { frame, ended: error => end(error) }), frames, ended };
}

test('many frames, small and large, come in their order and whole', async t => {
  const [near, far] = await pair();
  const sizes = [0, 1, 7, 8, 70_000, 3, 2_000_000, 5];
  let all: () => void = () => undefined;
  const came = new Promise<void>(resolve => (all = resolve));
  const receiver = endOf(far, ({ id }) => id === sizes.length - 1 && all());
  const sender = endOf(near);
  sizes.forEach((size, id) => {
    const data = new Uint8Array(size).fill(id + 1);
    sender.channel.send({ kind: 2, id, text: `frame ${id}`, tensors: new Map([['x', { datatype: 'UINT8', shape: [size], data }]]) }); // prettier-ignore
  });
  await came;
  t.deepEqual(receiver.frames.map(({ id, text }) => [id, text]), sizes.map((_, id) => [id, `frame ${id}`])); // prettier-ignore
  for (const { id, tensors } of receiver.frames) {
    const { data } = tensors!.get('x')!;
    t.is(data.length, sizes[id]!);
    t.true(data.every(value => value === id + 1));
  }
  sender.channel.close();
  receiver.channel.close();
});

test('an end that closes is told to the other one, once, without an error', async t => {
  const [near, far] = await pair();
  const [sender, receiver] = [endOf(near), endOf(far)];
  sender.channel.close();
  t.is(await receiver.ended, undefined);
  t.is(await sender.ended, undefined);
  t.notThrows(() => sender.channel.send({ kind: 2, id: 1 }), 'nobody is there to hear it');
});

test('bytes that are no frame end the channel with WORKER_CHANNEL', async t => {
  const [near, far] = await pair();
  const receiver = endOf(far);
  near.on('error', () => undefined);
  near.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const error = await receiver.ended;
  t.true(error instanceof GraftError);
  t.is((error as GraftError).code, 'WORKER_CHANNEL');
  t.is(receiver.frames.length, 0);
  near.destroy();
});
