// What serving costs beside the work itself: tensor requests against a bare batched loop of onnxruntime, picture requests against
// decoding and running alone, a lone request against a bare run, and the health of a saturated server.
// Usage: node dist/tools/bench/serving.js --bundle run/bundle --pictures FOLDER [--rounds 15] [--requests 480]
//
// CPU time of the server's process tree (utime + stime of it and its children) a picture, in turns with the bare loops, which
// run in this process at one thread; autocannon asks from this process too, and its own time counts nowhere. Rounds are short
// and many, since a machine that others use too is faster or slower from one ten seconds to the next.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import autocannon from 'autocannon';
import { tensor } from '../../src/base/index.js';
import { preparePicture } from '../../src/pictures/node.js';
import { checkPreprocessing } from '../../src/pictures/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { openBundle } from '../../src/workflows/open-bundle.js';
import { listPictures } from '../../src/pictures/node.js';
import { measured, median } from './measure.js';

const { values } = parseArgs({
  options: {
    bundle: { type: 'string', default: 'run/bundle' },
    pictures: { type: 'string', default: 'pictures' },
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '480' },
    connections: { type: 'string', default: '32' },
    batch: { type: 'string', default: '16' },
  },
});
const [rounds, requests, connections, batch] = [values.rounds, values.requests, values.connections, values.batch].map(Number) as [number, number, number, number]; // prettier-ignore

/** Requests before anything is measured. */
const warm = 1600;

/** Of the server itself, and of each of its children, of the last asked. */
let last: readonly number[] = [];
const bundle = await openBundle(values.bundle);
const preprocessing = checkPreprocessing(bundle.manifest.preprocessing);
const { width, height } = preprocessing;
const files = (await listPictures([values.pictures])).slice(0, 64).map(file => readFileSync(file));
const prepared: Uint8Array[] = [];
for (const bytes of files) prepared.push(await preparePicture(bytes, preprocessing));
const runtime = nodeRuntime();
const session = await runtime.open(bundle.model);

const server = spawn(
  process.execPath,
  [fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url)), 'serve', `m=${values.bundle}`, '--port', '0', '--log-level', 'silent', '--max-batch', String(batch), '--picture-processes', '1'],
  { stdio: ['ignore', 'ignore', 'pipe'] },
); // prettier-ignore
const url = await urlOf(server);
try {
  await bench();
} finally {
  server.kill('SIGKILL');
  await session.close();
}

async function bench(): Promise<void> {
  const tensors: number[] = [];
  const pictures: number[] = [];
  const lone: { served: number; bare: number }[] = [];
  await bare(batch * 2);
  // what the compiler of JavaScript does at first is not what a request costs
  await ask(tensorRequest, warm);
  await ask(pictureRequest, 2 * warm);
  for (let round = 0; round < rounds; round++) {
    const alone = await measured(() => bare(requests));
    const served = await ofTree(() => ask(tensorRequest, requests));
    tensors.push(served / alone.cpu);
    console.log(`  of the server and its processes: ${last.map(time => (time / requests).toFixed(2)).join(', ')} ms a request`);
    const decoding = await measured(() => decodeAll(requests));
    const running = await measured(() => bare(requests));
    const shown = await ofTree(() => ask(pictureRequest, requests));
    pictures.push(shown / (decoding.cpu + running.cpu));
    console.log(`  of pictures: ${last.map(time => (time / requests).toFixed(2)).join(', ')} ms a request`);
    lone.push(await single());
    console.log(`round ${round + 1}: tensors ${tensors.at(-1)!.toFixed(3)} (${(served / requests).toFixed(2)} ms against ${(alone.cpu / requests).toFixed(2)}), pictures ${pictures.at(-1)!.toFixed(3)} (${(shown / requests).toFixed(2)} ms against ${(decoding.cpu / requests).toFixed(2)} + ${(running.cpu / requests).toFixed(2)})`); // prettier-ignore
  }
  const [health] = await Promise.all([whileBusy(), ask(tensorRequest, warm)]);
  const own = median(lone.map(one => one.served));
  const least = median(lone.map(one => one.bare));
  const line = (what: string, value: string, wanted: string) => console.log(`${what.padEnd(52)} ${value.padStart(10)}   asked ${wanted}`); // prettier-ignore
  line('tensor requests, CPU to a bare batched loop', median(tensors).toFixed(3), '1.11');
  line('picture requests, CPU to decode + forward alone', median(pictures).toFixed(3), '1.18');
  line('/v2/health/live p99 while saturated, ms', health.p99.toFixed(1), `20 (p50 ${health.p50.toFixed(1)})`);
  line('a lone tensor request, ms', own.toFixed(2), `${(1.15 * least + 3).toFixed(2)} (1.15 x ${least.toFixed(2)} bare + 3)`);
} // prettier-ignore

/** Pictures through the network alone, many a run. */
async function bare(count: number, rows = batch): Promise<void> {
  const bytes = new Uint8Array(rows * width * height * 3);
  for (let done = 0; done < count; done += rows) {
    for (let i = 0; i < rows; i++) bytes.set(prepared[(done + i) % prepared.length]!, i * width * height * 3);
    const feed = runtime.tensor(tensor('uint8', [rows, height, width, 3], bytes));
    const results = await session.run(new Map([['pictures', feed]]), ['probabilities']);
    for (const held of results.values()) held.dispose();
  }
}

async function decodeAll(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await preparePicture(files[i % files.length]!, preprocessing);
}

type Setup = (i: number) => { path: string; headers: Record<string, string>; body: Buffer };

function tensorRequest(i: number): ReturnType<Setup> {
  const head = JSON.stringify({
    inputs: [{ name: 'pictures', shape: [1, height, width, 3], datatype: 'UINT8', parameters: { binary_data_size: width * height * 3 } }],
    outputs: [{ name: 'probabilities', parameters: { binary_data: true } }],
  }); // prettier-ignore
  return {
    path: '/v2/models/m/infer',
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
    body: Buffer.concat([Buffer.from(head), prepared[i % prepared.length]!]),
  };
}

function pictureRequest(i: number): ReturnType<Setup> {
  const body = files[i % files.length]!;
  return { path: '/v1/models/m/predict', headers: { 'content-type': 'image/jpeg' }, body };
}

/** Asks so many requests over so many connections; all must be answered. */
async function ask(setup: Setup, amount: number): Promise<void> {
  const list = Array.from({ length: 64 }, (_, i) => ({ method: 'POST' as const, ...setup(i) }));
  const result = await autocannon({ url, connections, amount, requests: list, timeout: 60 });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refusals, ${result.errors} errors`);
}

/** Milliseconds of CPU of the server and its children. */
async function ofTree(work: () => Promise<void>): Promise<number> {
  const before = treeTimes(server.pid!);
  await work();
  const spent = treeTimes(server.pid!).map((time, i) => time - (before[i] ?? 0));
  last = spent;
  return spent.reduce((a, b) => a + b, 0);
}

function treeTimes(root: number): number[] {
  const own = (pid: number): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10; // ticks of a hundredth of a second
  };
  const children = readdirSync(join('/proc', String(root), 'task')).flatMap(task =>
    readFileSync(`/proc/${root}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  ); // prettier-ignore
  return [root, ...children].map(own);
}

/** Latencies of /v2/health/live while others keep the server busy; asked from a process that does nothing else. */
async function whileBusy(): Promise<{ p50: number; p99: number }> {
  const program = createRequire(import.meta.url).resolve('autocannon');
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--json', '--connections', '1', '--duration', '5', '--overallRate', '50', `${url}/v2/health/live`]); // prettier-ignore
  const { latency } = JSON.parse(stdout) as { readonly latency: { readonly p50: number; readonly p99: number } };
  return { p50: latency.p50, p99: latency.p99 };
}

/** One request at a time, and one bare run at a time, in turns: medians in ms. */
async function single(): Promise<{ served: number; bare: number }> {
  const served: number[] = [];
  const alone: number[] = [];
  for (let i = 0; i < 20; i++) {
    const { path, headers, body } = tensorRequest(i);
    let began = performance.now();
    const response = await fetch(url + path, { method: 'POST', headers, body: new Uint8Array(body) });
    await response.arrayBuffer();
    served.push(performance.now() - began);
    began = performance.now();
    await bare(1, 1);
    alone.push(performance.now() - began);
  }
  return { served: median(served), bare: median(alone) };
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', code => reject(new Error(`the server ended with ${code}: ${text}`)));
    child.stderr!.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const at = /serving at (\S+)/.exec(text)?.[1];
      if (at !== undefined && text.includes('ready')) resolve(at);
    });
  });
}
