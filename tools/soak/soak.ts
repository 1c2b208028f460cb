// Serves under load and faults for a while, and counts what was lost, wrong or grew.
// Usage: node dist/tools/soak/soak.js [--minutes 10] [--clients 32] [--seed soak]
//
// A real server with models of several kinds is asked by clients that each wait for an answer before they ask again, while
// processes are killed, models replaced, and others send what is malformed, too large, too slow or never ends. At the end it
// is told to stop under load. Exit status 1 where an answer was lost or wrong. Linux only: it reads /proc.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/index.js';
import { ask, type Asker } from './ask.js';
import { killOne, replaceOne, revive } from './disturb.js';
import { bodyLimit, codeOf, misbehave, strain } from './hostile.js';
import { steady, Swapper, writeModels } from './models.js';
import { childrenOf, openFiles, residentBytes, startServer } from './processes.js';
import { endless, makePictures, pictureQuestions, tensorQuestions, type Known } from './questions.js';
import { printProgress, printTable, type Growth } from './table.js';
import { Tally } from './tally.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '32' },
    seed: { type: 'string', default: 'soak' },
  },
});
const [minutes, clients] = [Number(values.minutes), Number(values.clients)];
const random = new Random(values.seed);
const tally = new Tally();
/** What a server may refuse while processes die and models come and go. */
const inOrder = new Set(['MODEL_NOT_READY', 'QUEUE_FULL', 'QUEUE_TIMEOUT', 'DRAINING', 'WORKER_LOST', 'MEMBER_FAILED', 'RUN_TIMEOUT']); // prettier-ignore

const folder = mkdtempSync(join(tmpdir(), 'graft-soak-'));
const keys = { infer: 'infer-'.padEnd(40, 'k'), admin: 'admin-'.padEnd(40, 'k') };
writeFileSync(join(folder, 'keys.txt'), `infer ${keys.infer}\nadmin ${keys.admin}\n`, { mode: 0o600 });
const repository = join(folder, 'models');
await writeModels(repository);
const server = await startServer([
  ...['--repository', repository, '--watch', '--model-control', 'explicit', '--api-keys', join(folder, 'keys.txt')],
  ...['--limit-body', String(bodyLimit), '--limit-run-time', '5000', '--poll', '1000'],
]);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const asker: Asker = { port: server.port, agent, key: keys.infer };
const admin: Asker = { ...asker, key: keys.admin };
const growth: Growth = { server: [], children: [], files: [] };
let [isOver, isStopping] = [false, false];

try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  server.signal('SIGKILL');
  await server.ended;
  rmSync(folder, { recursive: true, force: true });
}

/** Whether nothing was lost or wrong. */
async function soak(): Promise<boolean> {
  await untilReady();
  const pictureQuestion = await pictureQuestions(await makePictures(random.at('pictures')), question => ask(asker, question)); // prettier-ignore
  const began = performance.now();
  const until = began + minutes * 60_000;
  const isOn = (): boolean => performance.now() < until && !isOver;
  const choose = (chance: Random): Known => {
    const way = chance.integer(tensorQuestions.length + 2);
    return way < tensorQuestions.length ? tensorQuestions[way]!(chance) : pictureQuestion(chance);
  };
  const swapper = new Swapper(repository);
  const every = async (ms: number, work: (chance: Random) => Promise<void> | void, name: string): Promise<void> => {
    const chance = random.at(name);
    while (isOn()) {
      await sleep(ms);
      if (isOn()) await work(chance);
    }
  };
  const jobs = Array.from({ length: clients }, (_, at) => client(random.at('client', at), choose, isOn));
  const probes = [
    '/metrics',
    '/v2/models',
    '/v2/models/stats',
    '/v2/health/ready',
    '/v2/models/ens',
    '/openapi.json',
    '/',
  ];
  jobs.push(
    every(200, probeHealth, 'health'),
    every(500, chance => probe(probes[chance.integer(probes.length)]!), 'probes'),
    every(50, chance => misbehave(asker, chance, tally), 'misbehave'),
    ...[0, 1, 2, 3].map(at => every(100, chance => strain(asker, chance, tally), `strain ${at}`)),
    every(10_000, chance => killOne(server.pid, chance, tally), 'kill'),
    every(5_000, chance => replaceOne(admin, swapper, chance, tally), 'replace'),
    every(5_000, () => revive(admin, tally), 'revive'),
    every(30_000, () => question(endless()), 'endless'),
    every(2_000, () => measure(performance.now() - began), 'measure'),
    every(15_000, () => printProgress(tally, growth, performance.now() - began), 'progress'),
  );
  void server.ended.then(how => {
    if (isStopping) return;
    isOver = true;
    tally.lose('server', `it ended by itself: ${how}`);
  });
  await Promise.all(jobs);
  const restarts = isOver ? [] : await restartsOf();
  const rest = isOver ? 'it ended before' : await atRest();
  if (rest !== '') tally.fault('at rest', rest);
  const ending = await stopUnderLoad(choose);
  printTable(tally, growth, { seconds: (performance.now() - began) / 1000, restarts, ending, tail: server.tail });
  return tally.lost === 0 && tally.wrong === 0;
}

async function untilReady(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) {
    const { body } = await ask(asker, { path: '/v2/health/ready' });
    const { not_ready: names = [] } = JSON.parse(body.toString()) as { not_ready?: string[] };
    if (names.length === 0) return;
    await sleep(200);
  }
  throw new Error(`not all of ${steady.join(', ')} became ready`);
}

/** Asks, waits for the answer, asks again. */
async function client(chance: Random, choose: (chance: Random) => Known, isOn: () => boolean): Promise<void> {
  while (isOn()) {
    await question(choose(chance));
    await sleep(chance.integer(20));
  }
}

async function question({ kind, fault, refusals = [], ...asked }: Known): Promise<void> {
  tally.requests++;
  try {
    const answer = await ask(asker, asked);
    const code = answer.status === 200 ? '' : codeOf(answer.body);
    tally.answered(kind, answer.status, code);
    const isWrong = answer.status === 200 ? fault(answer) : inOrder.has(code) || refusals.includes(code) ? undefined : answer.body.toString(); // prettier-ignore
    if (isWrong !== undefined) tally.fault(kind, `${answer.status} ${isWrong}`);
  } catch (error) {
    tally.lose(kind, String(error));
  }
}

async function probeHealth(): Promise<void> {
  const began = performance.now();
  await probe('/v2/health/live');
  tally.health.push(performance.now() - began);
}

async function probe(path: string): Promise<void> {
  tally.requests++;
  try {
    const { status, body } = await ask(asker, { path });
    tally.answered(path, status, '');
    if (status !== 200 && !(status === 503 && path === '/v2/health/ready'))
      tally.fault(path, `${status} ${body.toString().slice(0, 200)}`);
  } catch (error) {
    tally.lose(path, String(error));
  }
}

function measure(at: number): void {
  growth.server.push({ at, bytes: residentBytes(server.pid) });
  const children = childrenOf(server.pid).reduce((sum, { pid }) => sum + residentBytes(pid), 0);
  growth.children.push({ at, bytes: children });
  growth.files.push({ at, bytes: openFiles(server.pid) });
}

/** Lines of the counter of restarts. */
async function restartsOf(): Promise<string[]> {
  const { body } = await ask(asker, { path: '/metrics' });
  return body.toString().split('\n').filter(line => line.startsWith('graft_worker_restarts_total{')); // prettier-ignore
}

/** What is still under way when nobody asks any more; nothing where all is still. */
async function atRest(): Promise<string> {
  let left: string[] = [];
  for (let turn = 0; turn < 60; turn++) {
    const { body } = await ask(asker, { path: '/metrics' });
    const busy = /^(graft_http_requests_in_flight|graft_inference_queue_length\S*) (\d+)$/;
    // the request for these numbers is one itself
    left = body.toString().split('\n').filter(line => Number(busy.exec(line)?.[2] ?? 0) > (line.includes('in_flight') ? 1 : 0)); // prettier-ignore
    if (left.length === 0) return '';
    await sleep(500);
  }
  return left.join(', ');
}

/** All that is asked in the first seconds after the signal is answered, and the end is in order. */
async function stopUnderLoad(choose: (chance: Random) => Known): Promise<string> {
  if (isOver) return 'it ended before';
  const began = performance.now();
  const asked = Array.from({ length: clients }, (_, at) =>
    client(random.at('end', at), choose, () => performance.now() - began < 4_000),
  );
  await sleep(1_000);
  isStopping = true;
  server.signal('SIGTERM');
  await Promise.all(asked);
  agent.destroy();
  const how = await Promise.race([server.ended, sleep(28_000, 'still running after 28 s', { ref: false })]);
  if (how !== 0) tally.fault('end', `exit ${how}`);
  const left = childrenOf(server.pid).length;
  if (left > 0) tally.fault('end', `${left} processes left`);
  return `exit ${how} after ${((performance.now() - began) / 1000 - 1).toFixed(1)} s`;
}
