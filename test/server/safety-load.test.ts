// Rows 5.9, 5.12 and 5.13 of safety.md in short: an overload is refused at once, many requests leave nothing behind, and
// under load everybody is given what is theirs. Long forms with the figures of the table: tools/soak.

import test, { type ExecutionContext } from 'ava';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { childrenOf, openFiles, residentBytes } from '../../tools/soak/processes.js';
import { addNetwork, identityNetwork, loopNetwork, pictureBundle, writeVersion } from './networks.js';
import { startServer, type Running } from './running.js';
import { until } from '../until.js';

let at: Running;
test.before(async () => {
  at = await startServer(
    async folder => {
      writeVersion(folder, 'add', addNetwork());
      writeVersion(folder, 'rows', identityNetwork('float32', ['N', 'M']));
      writeVersion(folder, 'slow', loopNetwork('asked'));
      await pictureBundle(join(folder, 'pic', '1'));
    },
    { modelControl: 'explicit', logLevel: 'warn', limits: { queue: 8 } },
  );
  await at.server.started;
});
test.after.always(() => at.close());

/** Asks without a socket. */
async function ask(url: string, payload?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const { statusCode, body } = await at.server.app.inject({ method: payload === undefined ? 'GET' : 'POST', url, ...(payload === undefined ? {} : { payload: payload as object }) }); // prettier-ignore
  return { status: statusCode, json: JSON.parse(body) as Record<string, unknown> };
}
const four = (...data: number[]) => ({ name: 'x', shape: [1, 4], datatype: 'FP32', data });
const spin = (rounds: number) => ask('/v2/models/slow/infer', { inputs: [four(1, 2, 3, 4), { name: 'rounds', shape: [1], datatype: 'INT64', data: [rounds] }] }); // prettier-ignore

test.serial('5.9: at four times of what can be done, what is not done is refused at once', async t => {
  for (let i = 0; i < 3; i++) await spin(50_000);
  const began = performance.now();
  await spin(50_000);
  const rounds = Math.round((50_000 / (performance.now() - began)) * 20);
  const before = process.memoryUsage().rss;
  const [done, refused]: [number[], number[]] = [[], []];
  const start = performance.now();
  // one run and a queue of 8: 36 at once are four times as many
  const client = async (): Promise<void> => {
    while (done.length < 100) {
      const from = performance.now();
      const { status, json } = await spin(rounds);
      const took = performance.now() - from;
      t.true(status === 200 || (status === 503 && json['code'] === 'QUEUE_FULL'), `${status} ${JSON.stringify(json)}`);
      (status === 200 ? done : refused).push(took);
      if (status === 503) await pause(40);
    }
  };
  await Promise.all(Array.from({ length: 36 }, client));
  const run = (performance.now() - start) / done.length;
  const at = (part: number, times: number[]) => times.sort((a, b) => a - b)[Math.floor(part * times.length)]!;
  t.true(refused.length > done.length, `${done.length} done, ${refused.length} refused`);
  // held to the time of a run, which is longer on a busy machine: nobody refused has waited for one in the queue
  t.true(at(0.9, refused) < at(0.5, done) / 2, `${at(0.9, refused)} and ${at(0.5, done)} ms`);
  // who is taken waits for 8 at most
  t.true(at(0.9, done) < 3 * 9 * run, `${at(0.9, done)} ms, a run ${run} ms`);
  t.true(process.memoryUsage().rss - before < 64 * 2 ** 20);
  t.is((await ask('/v2/health/ready')).status, 200);
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test.serial('5.12: many requests, loads and unloads leave nothing behind', async t => {
  const round = async (requests: number, loads: number): Promise<void> => {
    for (let i = 0; i < requests; i += 5)
      await Promise.all([
        ask('/v2/models/add/infer', { inputs: [four(i, 2, 3, 4)] }),
        ask('/v2/models/add/infer', { inputs: [four(1, 2, 3)] }),
        ask(`/v2/models/none-${i}`),
        ask('/v2/repository/index', {}),
        ask('/v2/models/rows/infer', { inputs: [{ name: 'INPUT0', shape: [2, 3], datatype: 'FP32', data: [1, 2, 3, 4, 5, i] }] }), // prettier-ignore
      ]);
    for (let i = 0; i < loads; i++) {
      t.is((await ask('/v2/repository/models/rows/load', {})).status, 200);
      if (i % 2 === 1) t.is((await ask('/v2/repository/models/rows/unload', {})).status, 200);
      if (i % 2 === 1) t.is((await ask('/v2/repository/models/rows/load', {})).status, 200);
    }
  };
  const facts = async () => {
    // what was replaced ends a little later
    await until(() => networks() <= 4);
    collect();
    return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length, files: openFiles(process.pid), networks: networks(), child: residentBytes(childOf('network-child')) }; // prettier-ignore
  };
  const childOf = (program: string) => childrenOf(process.pid).find(one => one.program === program)?.pid ?? 0;
  const networks = () => childrenOf(process.pid).filter(({ program }) => program === 'network-child').length;
  await round(800, 2);
  const before = await facts();
  await round(2400, 8);
  const after = await facts();
  t.is(after.networks, before.networks);
  t.true(Math.abs(after.handles - before.handles) <= 4, `handles: ${before.handles}, ${after.handles}`);
  t.true(Math.abs(after.files - before.files) <= 4, `files: ${before.files}, ${after.files}`);
  // requests of which 2 kB each were kept would show
  t.true(after.heap - before.heap < 4 * 2 ** 20, `heap: ${before.heap}, ${after.heap}`);
  t.true(after.child - before.child < 32 * 2 ** 20, `a process: ${before.child}, ${after.child}`);
});

test.serial('5.13: 32 clients, several models and shapes: each is given its own answer', async t => {
  const rowsOf = (seed: number, rows: number, columns: number) => Array.from({ length: rows * columns }, (_, i) => Math.fround(((seed * 131 + i * 17) % 1000) / 7)); // prettier-ignore
  const bodies: (readonly [url: string, payload: object])[] = [];
  for (let seed = 0; seed < 48; seed++) {
    const [rows, columns] = [1 + (seed % 4), 1 + (seed % 3)];
    bodies.push(['/v2/models/rows/infer', { inputs: [{ name: 'INPUT0', shape: [rows, columns], datatype: 'FP32', data: rowsOf(seed, rows, columns) }] }]); // prettier-ignore
    bodies.push(['/v2/models/add/infer', { inputs: [four(...rowsOf(seed, 1, 4))] }]);
    const pixels = Array.from({ length: rows * 192 }, (_, i) => (seed * 7 + i * 13) % 256);
    bodies.push(['/v2/models/pic/infer', { inputs: [{ name: 'pictures', shape: [rows, 8, 8, 3], datatype: 'UINT8', data: pixels }], outputs: [{ name: 'probabilities' }] }]); // prettier-ignore
  }
  const dataOf = (json: Record<string, unknown>) => (json['outputs'] as { data: number[] }[])[0]!.data;
  const alone: number[][] = [];
  for (const [url, payload] of bodies) alone.push(dataOf((await ask(url, payload)).json));
  let asked = 0;
  const client = async (k: number): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      const which = (k * 37 + i * 11) % bodies.length;
      const { status, json } = await ask(...bodies[which]!);
      if (status === 503) {
        i--;
        await pause(5);
        continue;
      }
      if (!same(t, dataOf(json), alone[which]!, `${which}`)) return;
      asked++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, k) => client(k)));
  t.is(asked, 32 * 40);
  // some of them were one run
  const { model_stats } = (await ask('/v2/models/rows/stats')).json as { model_stats: { batch_stats: { batch_size: number }[] }[] }; // prettier-ignore
  t.true(model_stats[0]!.batch_stats.some(({ batch_size }) => batch_size > 4));
});

function same(t: ExecutionContext, found: readonly number[], wanted: readonly number[], which: string): boolean {
  const isSame = found.length === wanted.length && found.every((value, i) => Math.abs(value - wanted[i]!) <= 1e-6 * Math.max(1, Math.abs(wanted[i]!))); // prettier-ignore
  if (!isSame) t.deepEqual(found, wanted, which);
  return isSame;
}
