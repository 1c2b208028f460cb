import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GraftError } from '../../src/base/index.js';
import { cleanLeftovers, lock, realDisk, type Disk } from '../../src/base/node.js';
import { thisProcess } from '../../src/base/processes.js';
import { codeOf } from '../code-of.js';
import { everyFault } from '../fault-disk.js';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'graft-lock-'));
  t.teardown(() => fs.rm(folder, { recursive: true }));
  return folder;
}
/** What a process that is gone would have written. */
const gone = () => ({ ...thisProcess(), pid: spawnSync(process.execPath, ['-e', '']).pid, start: '', token: 'gone' });

test('one at a time, also within a process', async t => {
  const folder = join(await folderOf(t), 'run');
  const first = await lock(folder);
  const error = await t.throwsAsync<GraftError>(lock(folder));
  t.is(error.code, 'LOCKED');
  t.is(error.kind, 'locked');
  t.regex(error.message, new RegExp(`process ${process.pid} on ${hostname()}`));
  await first.release();
  await first.release();
  const second = await lock(folder);
  await first.release(); // a lock that is somebody else's by now stays
  t.is(await codeOf(lock(folder)), 'LOCKED');
  await second.release();
  t.deepEqual(await fs.readdir(folder), []);
});

test('stale is what is surely gone, nothing else', async t => {
  const folder = await folderOf(t);
  const path = join(folder, 'lock');
  const mine = { ...thisProcess(), token: 'other' };
  const rows: readonly (readonly [what: string, content: unknown, code: string])[] = [
    ['a process that is gone', gone(), 'done'],
    ['one that lives', mine, 'LOCKED'],
    ['one that lives, of unknown start', { ...mine, start: '' }, 'LOCKED'],
    ['another machine', { ...gone(), host: 'elsewhere' }, 'LOCKED'],
    ['another container', { ...gone(), space: 'pid:[1]' }, 'LOCKED'],
    ['no JSON', undefined, 'LOCKED'],
    ['nothing known', null, 'LOCKED'],
    ['a number for a name', { ...gone(), host: 1 }, 'LOCKED'],
    ['a process of no number', { ...gone(), pid: 0 }, 'LOCKED'],
  ];
  for (const [what, content, code] of rows) {
    await fs.writeFile(path, content === undefined ? '' : JSON.stringify(content));
    const promise = lock(folder);
    t.is(await codeOf(promise), code, what);
    if (code === 'done') await (await promise).release();
    else t.is(await fs.readFile(path, 'utf8'), content === undefined ? '' : JSON.stringify(content), what);
    await fs.rm(path, { force: true });
    t.deepEqual(await fs.readdir(folder), [], what);
  }
});

test('a number that names a later process is stale', async t => {
  if (thisProcess().start === '') return t.pass('no /proc: not told apart');
  const folder = await folderOf(t);
  await fs.writeFile(join(folder, 'lock'), JSON.stringify({ ...thisProcess(), start: 'boot 1', token: 'earlier' }));
  await (await lock(folder)).release();
  t.deepEqual(await fs.readdir(folder), []);
});

test('a takeover that died is taken over', async t => {
  const folder = await folderOf(t);
  for (const name of ['lock', 'lock.takeover']) await fs.writeFile(join(folder, name), JSON.stringify(gone()));
  await (await lock(folder)).release();
  t.deepEqual(await fs.readdir(folder), []);
  for (const [name, holder] of [
    ['lock', gone()],
    ['lock.takeover', { ...thisProcess(), token: 'x' }],
  ] as const)
    // prettier-ignore
    await fs.writeFile(join(folder, name), JSON.stringify(holder));
  t.is(await codeOf(lock(folder)), 'LOCKED');
});

test('a lock that could not be removed when it was released is taken again', async t => {
  const folder = await folderOf(t);
  let failing = true;
  const unlink: Disk['unlink'] = path =>
    failing && path.endsWith('lock') ? Promise.reject(new Error('EIO')) : realDisk.unlink(path);
  const held = await lock(folder, { disk: { ...realDisk, unlink } });
  await held.release();
  t.deepEqual(await fs.readdir(folder), ['lock']);
  failing = false;
  await (await lock(folder)).release();
  t.deepEqual(await fs.readdir(folder), []);
});

test('disks without links lock too', async t => {
  const folder = await folderOf(t);
  const link = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }));
  const disk: Disk = { ...realDisk, link };
  const held = await lock(folder, { disk });
  t.is(await codeOf(lock(folder, { disk })), 'LOCKED');
  await held.release();
  t.deepEqual(await fs.readdir(folder), []);
});

test('every fault: locked or not, never half', async t => {
  const folder = await folderOf(t);
  for (const stale of [false, true]) {
    const content = JSON.stringify(gone());
    await everyFault(async (fault, name) => {
      if (stale) await fs.writeFile(join(folder, 'lock'), content);
      try {
        const held = await lock(folder, { disk: fault.disk });
        t.is(await codeOf(lock(folder)), 'LOCKED', name);
        await held.release();
      } catch (error) {
        t.regex((error as GraftError).code, /^DISK_/, name);
      }
      await cleanLeftovers(folder);
      // A lock or a guard that could not be removed names this process: it is stale when that ends.
      for (const left of await fs.readdir(folder)) {
        t.true(['lock', 'lock.takeover'].includes(left), `${name}: ${left}`);
        await fs.rm(join(folder, left));
      }
    });
  }
});

/** Starts a process that runs a script with `lock`; it ends when its input does. */
function child(script: string, ...args: string[]) {
  const door = new URL('../../src/base/node.js', import.meta.url).href;
  const code = `import { lock } from '${door}'; import * as fs from 'node:fs/promises';
    const [${['folder', 'count'].join(', ')}] = process.argv.slice(1); ${script}`;
  const running = spawn(process.execPath, ['--input-type=module', '-e', code, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = (async () => {
    let all = '';
    for await (const part of running.stdout) {
      all += String(part);
      if (all.endsWith('\n')) break;
    }
    return all.trim();
  })();
  return { said, ends: once(running, 'exit'), stop: () => running.stdin.end() };
}

test('three processes, a hundred turns each: never two at once', async t => {
  const folder = await folderOf(t);
  const script = `let turns = 0, overlaps = 0;
    while (turns < Number(count)) {
      let held;
      try { held = await lock(folder); } catch (error) { if (error.code !== 'LOCKED') throw error; continue; }
      try { await fs.writeFile(folder + '/inside', '', { flag: 'wx' }); } catch { overlaps++; }
      await fs.rm(folder + '/inside', { force: true });
      await held.release();
      turns++;
    }
    console.log(overlaps);`;
  const children = [1, 2, 3].map(() => child(script, folder, '100'));
  t.deepEqual(await Promise.all(children.map(one => one.said)), ['0', '0', '0']);
  await Promise.all(children.map(one => (one.stop(), one.ends)));
  t.deepEqual(await fs.readdir(folder), []);
});

test('three processes find a hundred stale locks: each is taken over once', async t => {
  const folder = await folderOf(t);
  const content = JSON.stringify(gone());
  const count = 100;
  for (let i = 0; i < count; i++) {
    await fs.mkdir(join(folder, String(i)));
    await fs.writeFile(join(folder, String(i), 'lock'), content);
  }
  const script = `const won = [];
    for (let i = 0; i < Number(count); i++) {
      try { await lock(folder + '/' + i); won.push(i); } catch (error) { if (error.code !== 'LOCKED') throw error; }
    }
    console.log(JSON.stringify(won)); process.stdin.resume(); process.stdin.on('end', () => process.exit());`;
  const children = [1, 2, 3].map(() => child(script, folder, String(count)));
  const won = (await Promise.all(children.map(one => one.said))).flatMap(text => JSON.parse(text) as number[]);
  t.deepEqual(won.sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i)); // prettier-ignore
  await Promise.all(children.map(one => (one.stop(), one.ends)));
});
