// graft serve as a program: its flags, what it prints, and how it ends (the protocol's table of cases, rows 61 and 62).

import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { serveCommand } from '../../src/cli/commands/serve.js';
import { defaultLimits } from '../../src/server/index.js';
import { patience, until } from '../until.js';
import { loopNetwork, temporary, writeVersion } from '../server/networks.js';
import { startProcess, type ServerProcess } from '../server/process.js';

const four = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };

/** A run of so many rounds; its status. */
async function spin({ url }: ServerProcess, model: string, rounds: number): Promise<number> {
  const inputs = [four, { name: 'rounds', shape: [1], datatype: 'INT64', data: [rounds] }];
  const answer = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });
  await answer.arrayBuffer();
  return answer.status;
}
const status = async (url: string): Promise<number> => (await fetch(url)).status;
const ready = ({ url, err }: ServerProcess) => until(async () => (await status(`${url}/v2/health/ready`)) === 200, err);
/** Waits until so many requests are in it, that of its figures with them. */
const busy = ({ url, err }: ServerProcess, count: number) => until(async () => (await (await fetch(`${url}/metrics`)).text()).includes(`\ngraft_http_requests_in_flight ${count + 1}\n`), err); // prettier-ignore

/** Its exit status; where it waits for what never comes, that. */
const ending = ({ ended }: ServerProcess) => Promise.race([ended, pause(patience, 'it waits', { ref: false })]);

/** Whether a server takes connections. */
const isOpen = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

test('every limit has a flag, with its default in the help of none but itself', t => {
  const flags = Object.keys(serveCommand.flags).filter(name => name.startsWith('limit'));
  const wanted = Object.keys(defaultLimits).map(name => `limit${name[0]!.toUpperCase()}${name.slice(1)}`);
  t.deepEqual(flags.sort(), wanted.sort());
});

test('wrong flags end with status 2 and a code, without a stack', async t => {
  for (const [flags, code] of [
    [['--versions', 'newest', 'a'], 'SERVE_OPTION'],
    [['--limit-body', 'much', 'a'], 'CLI_USAGE'],
    [[], 'SERVE_NO_MODELS'],
  ] as const) {
    const server = await startProcess(t, [...flags, '--json']);
    t.is(await server.ended, 2, code);
    t.true(server.out().includes(`"${code}"`), server.out() + server.err());
    t.false(/\n\s+at /.test(server.err()));
  }
});

test.serial('row 61: a signal lets those who wait and those who run finish, and ends with 0', async t => {
  const folder = temporary();
  writeVersion(folder, 'slow', loopNetwork('asked'));
  const flags = ['--instances', '2', '--limit-drain-accept', '1500', '--log-level', 'info'];
  const server = await startProcess(t, ['--repository', folder, ...flags]);
  await ready(server);
  // the first runs are slower
  for (let i = 0; i < 3; i++) t.is(await spin(server, 'slow', 50_000), 200);
  const began = performance.now();
  t.is(await spin(server, 'slow', 50_000), 200);
  const rounds = Math.round((50_000 / (performance.now() - began)) * 300);
  const answers = Promise.all(Array.from({ length: 8 }, () => spin(server, 'slow', rounds)));
  await busy(server, 8);
  server.child.kill('SIGTERM');
  await until(() => server.out().includes('"msg":"draining"'), server.err);
  t.is(await status(`${server.url}/v2/health/ready`), 503);
  // it is still served, so that who has not heard yet loses nothing
  t.is(await status(`${server.url}/v2/models/slow`), 200);
  await until(async () => !(await isOpen(Number(new URL(server.url).port))));
  t.deepEqual(
    await answers,
    Array.from({ length: 8 }, () => 200),
  );
  t.is(await server.ended, 0);
  t.regex(server.err(), /finishing what was asked/);
});

test.serial('row 61: a run that does not end is not waited for', async t => {
  const folder = temporary();
  writeVersion(folder, 'slow', loopNetwork('asked'));
  const flags = ['--limit-drain-accept', '100', '--limit-drain-finish', '300'];
  const server = await startProcess(t, ['--repository', folder, ...flags]);
  await ready(server);
  const running = spin(server, 'slow', Number.MAX_SAFE_INTEGER).catch(() => 'cut');
  await busy(server, 1);
  server.child.kill('SIGTERM');
  t.is(await ending(server), 0);
  t.is(await running, 'cut');
});

for (const [signals, wanted] of [
  [1, 0],
  [2, 1],
] as const)
  test.serial(`row 62: ${signals === 1 ? 'a signal' : 'a second signal'} while a model is loaded`, async t => {
    const folder = temporary();
    // its trial takes its time
    writeVersion(folder, 'endless', loopNetwork());
    const server = await startProcess(t, [
      '--repository',
      folder,
      '--limit-drain-accept',
      signals === 1 ? '200' : '600000',
    ]);
    await pause(600);
    t.is(await status(`${server.url}/v2/health/ready`), 503);
    server.child.kill('SIGTERM');
    await until(() => server.err().includes('finishing what was asked'), server.err);
    if (signals === 2) server.child.kill('SIGTERM');
    t.is(await ending(server), wanted);
  });
