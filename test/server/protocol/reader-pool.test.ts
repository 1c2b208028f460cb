// Large bodies are read beside the thread that answers. What they cost in memory is measured in a process of its own.

import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { defaultLimits } from '../../../src/server/limits.js';
import { closeReaders, readInferRequest } from '../../../src/server/protocol/index.js';
import { bytesForThread } from '../../../src/server/protocol/read-request.js';
import { bytesOf, floatsOf, identity, refusal } from './requests.js';

const large = (data: string, count: number, padding = bytesForThread): Uint8Array =>
  bytesOf(
    `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,${count}],"data":[${data}]}]${' '.repeat(padding)}}`,
  );
const read = (body: Uint8Array, limits = defaultLimits) => readInferRequest(body, undefined, identity('FP32'), limits);

test.afterEach.always(() => closeReaders());

test.serial('a large body gives what a small one gives, also several at once', async t => {
  const bodies = [1, 2, 3, 4, 5].map(n => large(`${n},0.1,-2.5e-3`, 3));
  const results = await Promise.all(bodies.map(body => read(body)));
  for (const [index, { run }] of results.entries())
    t.deepEqual(floatsOf(run.inputs.get('INPUT0')!), [index + 1, 0.1, -2.5e-3].map(Math.fround));
  t.is(bodies[0]!.length, 0, 'handed over');
});

test.serial('a body that is part of a buffer stays as it is', async t => {
  const body = large('1,2', 2);
  const part = new Uint8Array(Buffer.concat([Uint8Array.of(1), body])).subarray(1);
  t.deepEqual(floatsOf((await read(part)).run.inputs.get('INPUT0')!), [1, 2]);
  t.is(part.length, body.length);
});

test.serial('refusals cross with their codes', async t => {
  t.regex(await refusal(read(large('1,"2"', 2))), /^BAD_DATA: input "INPUT0": element 1 is "2"/);
  t.regex(await refusal(read(large('1,2', 3))), /^BAD_DATA: .*expected 3, got 2/);
  t.regex(await refusal(read(large('1,', 1))), /^BAD_JSON: /);
  t.regex(await refusal(read(large('[]'.repeat(10), 1, 2 ** 20), { ...defaultLimits, jsonDepth: 3 })), /^BAD_JSON: .*deeper than 3/); // prettier-ignore
  const nested = bytesOf('['.repeat(300_000));
  t.regex(await refusal(read(nested)), /^BAD_JSON: .*deeper than 100/);
});

test.serial('the thread that answers is free meanwhile', async t => {
  await read(large('1', 1)); // starts a thread
  const body = large(`${'0.12345678,'.repeat(2_000_000)}1`, 2_000_001);
  const before = performance.eventLoopUtilization();
  await read(body);
  // as much as this thread was busy itself, whatever else the machine does
  const { utilization, active } = performance.eventLoopUtilization(before);
  t.true(utilization < 0.5, `busy for ${active} ms, ${utilization} of the time`);
});

test.serial('closing refuses what is being read, and threads start anew', async t => {
  const waiting = [1, 2, 3].map(n => refusal(read(large(String(n), 1))));
  await closeReaders();
  for (const said of await Promise.all(waiting)) t.regex(said, /^DRAINING: /);
  t.is((await read(large('1', 1))).run.inputs.size, 1);
});

const pathOf = (file: string) => fileURLToPath(new URL(`../../../src/server/${file}`, import.meta.url));
const program = `
  import { readInferRequest } from ${JSON.stringify(pathOf('protocol/index.js'))};
  import { defaultLimits } from ${JSON.stringify(pathOf('limits.js'))};
  const shapes = { name: 'INPUT0', datatype: 'FP32', shape: [-1, -1] };
  const facts = { inputs: [shapes], outputs: [shapes], maxBatch: 0 };
  const head = '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,33000000],"data":[';
  const body = Buffer.alloc(64 * 2 ** 20, '1,');
  body.write(head);
  body.write('1]}]}', body.length - 5);
  const said = await readInferRequest(body, undefined, facts, defaultLimits).catch(error => error.code);
  console.log(JSON.stringify({ said, megabytes: process.resourceUsage().maxRSS / 1024 }));`;

test.serial('44: 64 MiB of short numbers for FP32 are refused below 1 GiB, and no thread holds the process open', t => {
  const { said, megabytes } = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 240_000 }),
  ) as { said: string; megabytes: number };
  t.is(said, 'TOO_LARGE');
  t.true(megabytes < 1024, `${megabytes} MiB`);
});
