// The protocol's table of cases, rows 47 to 50, 60, 67 and 70: full queues, limits of time, a process that is killed,
// statistics, a member that fails, clients that are slow; and priorities. A network that takes as long as it is asked to
// takes the place of sleeps, and no time is held to a clock: the machine may be busy. Long forms: tools/soak.
// Rows 5.8 and 5.10 of safety.md.

import test, { type ExecutionContext } from 'ava';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { childrenOf } from '../../tools/soak/processes.js';
import { addNetwork, identityNetwork, loopNetwork, pictureBundle, writeVersion } from './networks.js';
import { startServer, type Read, type Running } from './running.js';
import { until } from '../until.js';

let at: Running;
/** Rounds of the loop in a millisecond, as this machine does them. */
let pace = 0;
/** The process of `slow`. */
let slowProcess = 0;

test.before(async t => {
  at = await startServer(
    async folder => {
      writeVersion(folder, 'add', addNetwork());
      writeVersion(folder, 'rows', identityNetwork('float32', ['N', 4]));
      for (const name of ['slow', 'short', 'long']) writeVersion(folder, name, loopNetwork('asked'));
      await pictureBundle(join(folder, 'good', '1'), { seed: 'a' });
      await pictureBundle(join(folder, 'bad', '1'), { seed: 'b', fails: true });
      mkdirSync(join(folder, 'ens', '1'), { recursive: true });
      const root = { op: 'average', members: [{ model: 'good' }, { model: 'bad' }] };
      writeFileSync(join(folder, 'ens', '1', 'ensemble.json'), JSON.stringify({ version: 1, root }));
    },
    {
      modelControl: 'explicit',
      load: ['add', 'rows', 'long', 'good', 'bad', 'ens'],
      limits: { headersTime: 1000, requestTime: 10_000, checkInterval: 200 },
    },
  );
  await at.server.started;
  const load = (name: string, config: unknown) => at.post(t, `/v2/repository/models/${name}/load`, { parameters: { config: JSON.stringify(config) } }); // prettier-ignore
  t.is((await load('short', { run_time_ms: 800 })).status, 200);
  const before = new Set(childrenOf(process.pid).map(({ pid }) => pid));
  t.is((await load('slow', { queue: 1 })).status, 200);
  slowProcess = childrenOf(process.pid).find(({ pid, program }) => !before.has(pid) && program === 'network-child')?.pid ?? 0; // prettier-ignore
  // the first runs are slower
  for (let i = 0; i < 4; i++) {
    const began = performance.now();
    await loop(t, 'long', 100_000);
    pace = Math.max(pace, 100_000 / (performance.now() - began));
  }
});
test.after.always(() => at.close());

const four = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };
const rounded = (rounds: string, parameters: unknown = {}) => `{"inputs":[${JSON.stringify(four)},{"name":"rounds","shape":[1],"datatype":"INT64","data":["${rounds}"]}],"parameters":${JSON.stringify(parameters)}}`; // prettier-ignore
const json = { 'content-type': 'application/json' };
function loop(t: ExecutionContext, model: string, rounds: number | string, parameters?: unknown): Promise<Read> {
  return at.infer(t, model, rounded(String(rounds), parameters), json);
}
/** About so many milliseconds. */
const spin = (t: ExecutionContext, model: string, milliseconds: number, parameters?: unknown) => loop(t, model, Math.round(milliseconds * pace), parameters); // prettier-ignore
const endless = '9223372036854775807';
const add = (t: ExecutionContext) => at.infer(t, 'add', { inputs: [four] });
const ready = async (t: ExecutionContext, model: string) => (await at.get(t, `/v2/models/${model}/ready`)).status === 200; // prettier-ignore
const metric = async (t: ExecutionContext, line: RegExp) => Number(line.exec((await at.get(t, '/metrics')).text)?.[1] ?? 0); // prettier-ignore

/** Requests of a model that have begun to run so far. */
const started = (t: ExecutionContext, model: string) => metric(t, new RegExp(`^graft_inference_queue_duration_seconds_count\\{model="${model}",version="1"\\} (\\d+)$`, 'm')); // prettier-ignore
const waiting = (t: ExecutionContext, model: string) => metric(t, new RegExp(`^graft_inference_queue_length\\{model="${model}",version="1"\\} (\\d+)$`, 'm')); // prettier-ignore

/** Starts a run, and waits until the network is in it. */
async function begun(t: ExecutionContext, model: string, run: () => Promise<Read>) {
  const before = await started(t, model);
  const answer = run();
  await until(async () => (await started(t, model)) > before);
  return { answer };
}

/** Does something during a run, which is asked to take longer until it outlasts that. */
async function during<T>(t: ExecutionContext, model: string, what: () => Promise<T>): Promise<T> {
  for (let milliseconds = 400; ; milliseconds *= 2) {
    let isOver = false;
    const running = await begun(t, model, () => spin(t, model, milliseconds).finally(() => (isOver = true)));
    const done = await what();
    if (!isOver) {
      t.is((await running.answer).status, 200);
      return done;
    }
  }
}

test.serial('row 47: a full queue refuses at once', async t => {
  const { second, third, length } = await during(t, 'slow', async () => {
    const second = spin(t, 'slow', 1);
    await until(async () => (await waiting(t, 'slow')) === 1);
    return { second, third: await spin(t, 'slow', 1), length: await waiting(t, 'slow') };
  });
  t.deepEqual([third.status, third.code], [503, 'QUEUE_FULL']);
  const wait = Number(third.headers.get('retry-after'));
  t.true(wait >= 1 && wait <= 30);
  t.is(length, 1);
  t.is((await second).status, 200);
});

test.serial('row 48: a request may say how long it waits', async t => {
  const { late, took } = await during(t, 'slow', async () => {
    const began = performance.now();
    return { late: await spin(t, 'slow', 1, { timeout: 100_000 }), took: performance.now() - began };
  });
  t.deepEqual([late.status, late.code], [503, 'QUEUE_TIMEOUT']);
  t.true(took >= 99, `${took} ms`);
});

test.serial('row 49: a run that does not end is ended; others are answered all along', async t => {
  const began = performance.now();
  let isOver = false;
  const running = loop(t, 'short', endless).finally(() => (isOver = true));
  let answered = 0;
  while (!isOver) {
    t.is((await add(t)).status, 200);
    answered++;
    await pause(5);
  }
  const answer = await running;
  const took = performance.now() - began;
  t.deepEqual([answer.status, answer.code], [504, 'RUN_TIMEOUT']);
  // the limit of others is 30 s
  t.true(took >= 800 && took < 20_000, `${took} ms`);
  t.true(answered >= 3, `${answered} answers`);
  await until(() => ready(t, 'short'));
  t.is((await loop(t, 'short', 10)).status, 200);
});

test.serial('row 50: a process that is killed in a run', async t => {
  if (slowProcess === 0) return t.pass('this system has no /proc');
  const restarts = () => metric(t, /^graft_worker_restarts_total\{reason="SIGKILL"\} (\d+)$/m);
  const before = await restarts();
  const running = await begun(t, 'slow', () => loop(t, 'slow', endless));
  process.kill(slowProcess, 'SIGKILL');
  const answer = await running.answer;
  t.deepEqual([answer.status, answer.code], [503, 'WORKER_LOST']);
  t.is((await add(t)).status, 200);
  // what comes meanwhile waits for the next process
  t.is((await loop(t, 'slow', 10)).status, 200);
  t.true(await ready(t, 'slow'));
  t.is(await restarts(), before + 1);
});

interface Counted {
  readonly count: number;
  readonly ns: number;
}
interface Statistics {
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<string, Counted>>;
  readonly batch_stats: readonly {
    readonly batch_size: number;
    readonly compute_infer: Counted;
    readonly compute_input: Counted;
  }[];
}
const statistics = async (t: ExecutionContext, model: string) => ((await at.get(t, `/v2/models/${model}/stats`)).json['model_stats'] as Statistics[])[0]!; // prettier-ignore

test.serial('row 60: statistics', async t => {
  const ask = (rows: number, first = 0) => at.infer(t, 'rows', { inputs: [{ name: 'INPUT0', shape: [rows, 4], datatype: 'FP32', data: Array.from({ length: rows * 4 }, (_, i) => first + i) }] }); // prettier-ignore
  const none = await statistics(t, 'rows');
  t.deepEqual([none.inference_count, none.execution_count, none.batch_stats], [0, 0, []]);
  for (let i = 0; i < 3; i++) t.is((await ask(8)).status, 200);
  const batches = await statistics(t, 'rows');
  t.deepEqual([batches.inference_count, batches.execution_count], [24, 3]);
  t.deepEqual(batches.batch_stats.map(({ batch_size, compute_infer }) => [batch_size, compute_infer.count]), [[8, 3]]); // prettier-ignore
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(1, 10 * i)));
  // nobody is given what is another's
  answers.forEach((answer, i) => t.deepEqual((answer.json['outputs'] as { data: number[] }[])[0]!.data, [0, 1, 2, 3].map(value => 10 * i + value))); // prettier-ignore
  t.is((await at.infer(t, 'rows', { inputs: [] })).code, 'MISSING_INPUT');
  const all = await statistics(t, 'rows');
  t.is(all.inference_count, 32);
  t.true(all.execution_count >= 4 && all.execution_count <= 11);
  const sum = (of: (one: Statistics['batch_stats'][number]) => number) => all.batch_stats.reduce((s, one) => s + of(one), 0); // prettier-ignore
  t.is(
    sum(one => one.batch_size * one.compute_infer.count),
    32,
  );
  t.is(
    sum(one => one.compute_infer.count),
    all.execution_count,
  );
  const { success, fail, queue, compute_infer } = all.inference_stats;
  t.deepEqual([success!.count, fail!.count, queue!.count], [11, 1, 11]);
  t.true(success!.ns > 0 && compute_infer!.ns > 0);
});

test.serial('row 67: a member that fails', async t => {
  const white = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
  const black = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'black' } })
    .png()
    .toBuffer();
  const ask = (model: string, picture: Buffer, query = '') => at.post(t, `/v1/models/${model}/predict?top=10&${query}`, new Uint8Array(picture), { 'content-type': 'image/png' }); // prettier-ignore
  t.is((await ask('ens', black)).status, 200);
  const failed = await ask('bad', white);
  t.deepEqual([failed.status, failed.code], [500, 'RUN_FAILED']);
  const refused = await ask('ens', white);
  t.deepEqual([refused.status, refused.code], [503, 'MEMBER_FAILED']);
  t.regex(refused.error, /member bad/);
  const degraded = await ask('ens', white, 'on_member_failure=degrade&members=1');
  t.is(degraded.status, 200);
  t.like(degraded.json, { degraded: true, degraded_reason: 'member-failure', missing_members: ['bad'] });
  const scores = (answer: Read) => (answer.json['predictions'] as { labels: { index: number; score: number }[] }[])[0]!.labels; // prettier-ignore
  const other = scores(await ask('good', white));
  scores(degraded).forEach(({ index, score }, i) => {
    t.is(index, other[i]!.index);
    t.true(Math.abs(score - other[i]!.score) < 1e-6);
  });
  const inputs = [{ name: 'pictures', shape: [1, 8, 8, 3], datatype: 'UINT8', data: Array.from({ length: 192 }, () => 255) }]; // prettier-ignore
  t.is((await at.infer(t, 'ens', { inputs })).code, 'MEMBER_FAILED');
  const tensors = await at.infer(t, 'ens', { inputs, parameters: { graft_on_member_failure: 'degrade' } });
  t.is(tensors.status, 200, tensors.text);
  t.true(await metric(t, /^graft_ensemble_member_failures_total\{model="ens",member="bad",reason="RUN_FAILED"\} (\d+)$/m) >= 4); // prettier-ignore
  t.is(await metric(t, /^graft_ensemble_degraded_total\{model="ens"\} (\d+)$/m), 2);
});

test.serial('priorities: 1 goes before those that came earlier', async t => {
  const { order, answers } = await during(t, 'long', async () => {
    const order: string[] = [];
    const answers: Promise<Read>[] = [];
    for (const [i, priority] of [0, 0, 1].entries()) {
      answers.push(spin(t, 'long', 20, { priority }).finally(() => order.push(`${priority} ${i}`)));
      await until(async () => (await waiting(t, 'long')) > i || order.length > 0);
    }
    return { order, answers };
  });
  for (const { status } of await Promise.all(answers)) t.is(status, 200);
  t.deepEqual(order, ['1 2', '0 0', '0 1']);
});

/** A client that sends headers a byte at a time; milliseconds until it was cut off. */
function slowClient(port: number): Promise<number> {
  return new Promise(resolve => {
    const text = `GET /v2 HTTP/1.1\r\nHost: a\r\nX-Slow: ${'a'.repeat(1000)}`;
    const socket = connect(port, '127.0.0.1');
    const began = performance.now();
    let sent = 0;
    const timer = setInterval(() => socket.write(text[sent++ % text.length]!), 200);
    socket.on('error', () => undefined).resume();
    socket.on('close', () => {
      clearInterval(timer);
      resolve(performance.now() - began);
    });
  });
}

test.serial('row 70: slow clients are cut off, and hurt nobody', async t => {
  const median = async (isOver: () => boolean) => {
    const times: number[] = [];
    while (!isOver()) {
      const began = performance.now();
      t.is((await add(t)).status, 200);
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
  };
  let asked = 0;
  const atRest = await median(() => asked++ >= 100);
  let isOver = false;
  const clients = Promise.all(Array.from({ length: 200 }, () => slowClient(at.port))).finally(() => (isOver = true));
  const beside = await median(() => isOver);
  const lasted = (await clients).sort((a, b) => a - b);
  t.true(lasted[0]! >= 900 && lasted.at(-1)! < 20_000, `${lasted[0]} to ${lasted.at(-1)} ms`);
  // the 200 clients run in this very process; a tenth of the time that they are given would be a server that waits for them
  t.true(beside < 2 * atRest + 100, `${beside} ms, ${atRest} at rest`);
});
