import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { isAlive } from '../../../src/base/processes.js';
import { cleanEnvironment } from '../../../src/server/workers/spawn.js';
import { until } from '../../until.js';
import { addNetwork, loopNetwork } from '../networks.js';
import { fileOf, opened } from './telling.js';

const hostile = {
  NODE_OPTIONS: '--require /tmp/evil.cjs',
  LD_PRELOAD: '/tmp/evil.so',
  LD_LIBRARY_PATH: '/tmp',
  NODE_PATH: '/tmp',
  DYLD_INSERT_LIBRARIES: '/tmp/evil.dylib',
  GRAFT_API_KEYS: 'k'.repeat(32),
  PATH: '/tmp/evil',
};

test('of an environment only what is known to be harmless is passed on', t => {
  t.deepEqual(cleanEnvironment({ ...hostile, HOME: '/home/a', LANG: 'C', TZ: 'UTC', TMPDIR: '/x' }), { VIPS_BLOCK_UNTRUSTED: '1', HOME: '/home/a', LANG: 'C', TZ: 'UTC', TMPDIR: '/x' }); // prettier-ignore
});

const hasProc = process.platform === 'linux';

(hasProc ? test.serial : test.skip)('a process sees nothing else of it, and no argument but its program', async t => {
  const before = { ...process.env };
  // what a loader would act upon is set after this process was started
  Object.assign(process.env, hostile);
  try {
    const { network } = await opened(addNetwork());
    const [pid] = network.pids;
    const seen = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean).map(text => text.split('=')[0]!); // prettier-ignore
    t.deepEqual(
      seen.filter(name => !['HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'VIPS_BLOCK_UNTRUSTED'].includes(name)),
      [],
    );
    t.true(seen.includes('VIPS_BLOCK_UNTRUSTED'));
    const [program, heap, ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    t.is(program, process.execPath);
    t.regex(heap!, /^--max-old-space-size=\d+$/);
    t.deepEqual(rest.slice(0, -1), ['--single-threaded-gc', '--heap-growing-percent=300']);
    t.regex(rest.at(-1)!, /network-child\.js$/);
    await network.close();
  } finally {
    for (const name of Object.keys(hostile)) delete process.env[name];
    Object.assign(process.env, before);
  }
});

test('processes end when the one that started them is killed, also within an endless run', async t => {
  const workers = new URL('../../../src/server/workers/index.js', import.meta.url).href;
  const paths = [addNetwork(), loopNetwork()].map(fileOf);
  const script = `
    import { openNetwork } from ${JSON.stringify(workers)};
    const log = { info() {}, warn() {}, error() {} };
    const telemetry = { workerRestarted() {} };
    const open = path => openNetwork({ path, name: 'n', version: '1', memoryLimit: 2 ** 32, loadTime: 60000, log, telemetry });
    const networks = await Promise.all(${JSON.stringify(paths)}.map(open));
    const x = { datatype: 'FP32', shape: [1, 4], data: new Uint8Array(16) };
    networks[1].run(new Map([['x', x]]), undefined, { timeLimit: 60000 });
    setTimeout(() => console.log(JSON.stringify(networks.flatMap(({ pids }) => pids))), 200);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('.', import.meta.url)) }); // prettier-ignore
  const text = await new Promise<string>(resolve =>
    parent.stdout.once('data', (data: Buffer) => resolve(String(data))),
  );
  const pids = JSON.parse(text) as number[];
  t.is(pids.length, 2);
  t.true(pids.every(isAlive));
  parent.kill('SIGKILL');
  // nobody may be there to collect what has ended: that counts as gone
  await until(
    () => !pids.some(isAlive),
    () => `${pids.filter(isAlive).join(', ')} still run`,
  );
});
