// What a tensor costs on its way to a process and back: our frames beside node's own messages (structured clone, and JSON
// with base64), in CPU time of both processes and in latency.
// Usage: node dist/tools/bench/channel.js [--rounds 200]

import { fork, spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openChannel, openInherited } from '../../src/server/workers/channel.js';
import { kinds, type Frame } from '../../src/server/workers/frame.js';
import type { WireTensor } from '../../src/server/tensors.js';
import { median } from './measure.js';

const self = fileURLToPath(import.meta.url);
const ways = ['frames', 'advanced', 'json'] as const;
type Way = (typeof ways)[number];

/** A message of node's own channel; without a tensor it asks for the CPU time that was used. */
interface Message {
  readonly tensor?: Omit<WireTensor, 'data'> & { readonly data: Uint8Array | string };
  readonly cpu?: number;
}

/** Milliseconds of all threads of this process since it began. */
const cpuOf = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The other side: gives each tensor back as new bytes, as a network would. */
function echo(way: Way): void {
  if (way === 'frames') {
    const channel = openInherited(3, {
      frame: ({ id, tensors = new Map<string, WireTensor>() }) => {
        channel.send({ kind: kinds.answer, id, numbers: [cpuOf()], tensors });
      },
      ended: () => process.exit(0),
    });
    return;
  }
  process.on('message', ({ tensor }: Message) => process.send!(tensor ? { tensor: packed(unpacked(tensor), way) } : { cpu: cpuOf() })); // prettier-ignore
  process.on('disconnect', () => process.exit(0));
}

const packed = (tensor: WireTensor, way: Way): NonNullable<Message['tensor']> =>
  way === 'json' ? { ...tensor, data: Buffer.from(tensor.data).toString('base64') } : tensor;
const unpacked = (tensor: NonNullable<Message['tensor']>): WireTensor => ({
  ...tensor,
  data: typeof tensor.data === 'string' ? Buffer.from(tensor.data, 'base64') : tensor.data,
});

/** A connection over which a tensor goes there and back. */
interface Line {
  round(tensor: WireTensor): Promise<WireTensor>;
  /** CPU time of the other process. */
  cpu(): Promise<number>;
  close(): void;
}

function open(way: Way): Line {
  if (way === 'frames') return openFrames();
  const child: ChildProcess = fork(self, ['echo', way], { serialization: way });
  let resolve = (_message: Message): void => undefined;
  child.on('message', (message: Message) => resolve(message));
  const ask = (message: Message): Promise<Message> =>
    new Promise(done => {
      resolve = done;
      child.send(message);
    });
  return {
    round: async tensor => unpacked((await ask({ tensor: packed(tensor, way) })).tensor!),
    cpu: async () => (await ask({})).cpu!,
    close: () => child.disconnect(),
  };
}

function openFrames(): Line {
  const child = spawn(process.execPath, [self, 'echo', 'frames'], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  let resolve = (_frame: Frame): void => undefined;
  const channel = openChannel(child.stdio[3] as Socket, { frame: frame => resolve(frame), ended: () => undefined });
  let id = 0;
  const ask = (tensors: ReadonlyMap<string, WireTensor>): Promise<Frame> =>
    new Promise(done => {
      resolve = done;
      channel.send({ kind: kinds.run, id: id++, tensors });
    });
  return {
    round: async tensor => (await ask(new Map([['x', tensor]]))).tensors!.get('x')!,
    cpu: async () => (await ask(new Map())).numbers![0]!,
    close: () => channel.close(),
  };
}

async function compare(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } });
  const rounds = Number(values.rounds);
  const tensors: readonly (readonly [string, WireTensor])[] = [
    ['150 kB UINT8', { datatype: 'UINT8', shape: [1, 224, 224, 3], data: new Uint8Array(150_528).fill(7) }],
    ['600 kB FP32', { datatype: 'FP32', shape: [1, 3, 224, 224], data: new Uint8Array(602_112).fill(7) }],
  ];
  console.log('tensor        way        CPU of both, ms   latency p50, ms');
  for (const [name, tensor] of tensors)
    for (const way of ways) {
      const line = open(way);
      for (let i = 0; i < 20; i++) await line.round(tensor);
      const [ours, theirs] = [cpuOf(), await line.cpu()];
      const times: number[] = [];
      for (let i = 0; i < rounds; i++) {
        const began = performance.now();
        const { data } = await line.round(tensor);
        times.push(performance.now() - began);
        if (data.length !== tensor.data.length) throw new Error(`${way}: ${data.length} bytes came back`);
      }
      const cpu = (cpuOf() - ours + (await line.cpu()) - theirs) / rounds;
      console.log(
        `${name.padEnd(13)} ${way.padEnd(10)} ${cpu.toFixed(3).padStart(15)} ${median(times).toFixed(3).padStart(17)}`,
      );
      line.close();
    }
}

if (process.argv[2] === 'echo') echo(process.argv[3] as Way);
else await compare();
