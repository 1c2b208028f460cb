// What a process may die of, and what is lost by it: the run that it was asked, nothing else.

import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { tensor } from '../../../src/base/index.js';
import { encodeModel } from '../../../src/codec/index.js';
import { Builder, modelOf } from '../../../src/graph/index.js';
import { Expand, ReduceSum } from '../../../src/operators/index.js';
import { codeOf } from '../../code-of.js';
import { patience, until } from '../../until.js';
import { addNetwork, loopNetwork } from '../networks.js';
import { floats, free, numbersOf, opened, wire } from './telling.js';

type Opened = Awaited<ReturnType<typeof opened>>['network'];
const timeLimit = patience;
const ask = (network: Opened, value = 1) => network.run(floats(value, 0, 0, 0), undefined, { timeLimit });
/** Of a network that is asked how long it runs. */
const spin = (network: Opened, rounds: bigint, value = 1) => network.run(new Map([...floats(value, 0, 0, 0), ['rounds', wire('INT64', [1], BigInt64Array.of(rounds))]]), undefined, { timeLimit }); // prettier-ignore
const endless = 2n ** 62n;

test('a process that is killed, or dies of whatever signal, loses its own run; the next one is answered', async t => {
  // an hour lies between them, by its clock: they do not add up
  let hours = 0;
  const { network, told } = await opened(loopNetwork('asked'), { now: () => hours * 3_600_000 });
  const signals = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM', 'SIGBUS'] as const;
  for (const signal of signals) {
    hours++;
    const [pid] = network.pids;
    const run = spin(network, endless);
    await pause(100);
    process.kill(pid!, signal);
    await t.throwsAsync(run, { code: 'WORKER_LOST', message: new RegExp(signal) });
    t.true(network.isReady, 'it is replaced at once, and who asks waits for it');
    await free(network);
    t.not(network.pids[0], pid);
  }
  t.is(numbersOf((await spin(network, 1n, 7)).outputs, 'y')[0], 7);
  t.deepEqual(told.restarts, signals);
  await network.close();
});

test('a process that is idle and dies is replaced before anybody asks', async t => {
  const { network } = await opened(addNetwork());
  const [pid] = network.pids;
  process.kill(pid!, 'SIGKILL');
  await until(() => network.idle > 0 && network.pids[0] !== pid);
  t.deepEqual(numbersOf((await ask(network, 1)).outputs, 'y'), [1, 1, 2, 3]);
  await network.close();
});

test('an endless run is ended at its limit, while other networks answer; a stopped process likewise', async t => {
  const [endless, add] = await Promise.all([opened(loopNetwork()), opened(addNetwork())]);
  t.false(endless.network.facts.canBatch);
  let isOver = false;
  let answers = 0;
  const others = (async () => {
    while (!isOver) {
      t.deepEqual(numbersOf((await ask(add.network, answers)).outputs, 'y'), [answers, 1, 2, 3]);
      answers++;
      await pause(10);
    }
  })();
  const began = performance.now();
  const run = endless.network.run(floats(1, 2, 3, 4), undefined, { timeLimit: 1000 });
  await t.throwsAsync(run, { code: 'RUN_TIMEOUT', message: /1000 ms/ });
  const took = performance.now() - began;
  t.true(took > 990 && took < patience, `${took} ms`);
  t.is(endless.network.idle, 0, 'the process that was ended is not given to anybody');
  isOver = true;
  await others;
  t.true(answers > 1, `${answers} answers meanwhile`);
  await free(endless.network);

  const [pid] = add.network.pids;
  process.kill(pid!, 'SIGSTOP');
  t.is(await codeOf(add.network.run(floats(0, 0, 0, 0), undefined, { timeLimit: 300 })), 'RUN_TIMEOUT');
  await free(add.network);
  t.deepEqual(numbersOf((await ask(add.network, 3)).outputs, 'y'), [3, 1, 2, 3]);
  t.deepEqual(add.told.restarts, ['time limit']);
  await Promise.all([endless.network.close(), add.network.close()]);
});

test('a process over its memory is ended, and says so', async t => {
  // n INT64 [1] → the sum of n · 2^20 floats, again and again: as much memory as it is asked for
  const builder = new Builder('grow');
  const shape = builder.input('n', 'int64', [1]);
  const ones = Expand(builder.parameter('one', tensor('float32', [1], [1])), shape);
  builder.output(ReduceSum(ones, undefined, { keepdims: 0 }), 'y');
  const { network, told } = await opened(modelOf(builder.finish()), { memoryLimit: 400 * 2 ** 20 });
  const many = (n: number) => network.run(new Map([['n', wire('INT64', [1], BigInt64Array.of(BigInt(n)))]]), undefined, { timeLimit }); // prettier-ignore
  t.deepEqual(numbersOf((await many(1000)).outputs, 'y'), [1000]);
  await t.throwsAsync(many(2 ** 31), { code: 'WORKER_LOST', message: /memory limit/ });
  t.deepEqual(told.restarts, ['memory limit']);
  await free(network);
  t.deepEqual(numbersOf((await many(1000)).outputs, 'y'), [1000]);
  await network.close();
});

test('five deaths within a minute take the network down, and nothing else; those in a row wait longer', async t => {
  // all of it within a minute, however long it takes here
  const { network, told } = await opened(addNetwork(), { instances: 2, now: () => 0 });
  const dieAll = async (): Promise<void> => {
    const before = network.pids;
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until(() => !network.pids.some(pid => before.includes(pid)));
  };
  await dieAll();
  await until(() => network.idle === 2);
  // no timer of the test is in time on a busy machine: what is told is
  let whenWaiting = (): void => undefined;
  const isWaiting = new Promise<void>(resolve => (whenWaiting = resolve));
  let isTold = false;
  const refused: Promise<string>[] = [];
  network.onFree(() => {
    isTold ||= network.isReady;
    if (network.isReady || refused.length > 0) return;
    t.regex(network.reason, /SIGKILL.*started again/);
    refused.push(codeOf(ask(network)));
    isTold = false;
    whenWaiting();
  });
  await dieAll();
  await isWaiting;
  t.is(await refused[0], 'MODEL_NOT_READY');
  await free(network);
  t.true(isTold && network.isReady);
  process.kill(network.pids[0]!, 'SIGKILL');
  await until(() => !network.isReady);
  t.regex(network.reason, /died 5 times within a minute.*SIGKILL/);
  t.is(told.restarts.length, 4);
  await network.close();
});

test('files that were changed are not served by a process that comes later', async t => {
  const { network, path, told } = await opened(addNetwork());
  writeFileSync(path, encodeModel(addNetwork([9, 9, 9, 9])));
  process.kill(network.pids[0]!, 'SIGKILL');
  await until(() => !network.isReady);
  t.regex(network.reason, /no longer those that were loaded/);
  t.is(await codeOf(ask(network)), 'MODEL_NOT_READY');
  t.true(told.lines.some(({ level }) => level === 'error'));
  await network.close();
});
