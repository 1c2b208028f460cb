import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GraftError, Random } from '../../src/base/index.js';
import { lock, realDisk, sha256, type Disk } from '../../src/base/node.js';
import type { CachedRow, FeatureCache } from '../../src/features/index.js';
import { openCache, type CacheWarning } from '../../src/features/node.js';
import { codeOf } from '../code-of.js';
import { everyFault, faultDisk } from '../fault-disk.js';
import { forgetfulDisk } from '../forgetful-disk.js';
import { hashOf } from './stream.js';

const key = sha256('key');
async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'graft-cache-'));
  t.teardown(() => fs.rm(folder, { recursive: true, force: true }));
  return folder;
}
const rowOf = (n: number, width = 3): CachedRow => ({
  sha256: hashOf(n),
  features: Float32Array.from({ length: width }, (_, i) => n + i / 8),
});
const rowsOf = (from: number, to: number): CachedRow[] => Array.from({ length: to - from }, (_, i) => rowOf(from + i));
/** Which of so many rows a cache knows; those it knows must be right. */
async function known(t: ExecutionContext, cache: FeatureCache, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) {
    const row = await cache.get(hashOf(n));
    if (row) found.push(n);
    if (row) t.deepEqual(row, rowOf(n).features);
  }
  return found;
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test('rows are found again, by picture and view', async t => {
  const folder = await folderOf(t);
  const cache = await openCache({ folder, key });
  t.deepEqual(await fs.readdir(folder), []);
  const features = Float32Array.of(1, NaN, -0);
  await cache.add([rowOf(1), { ...rowOf(1), view: 2 ** 52 - 1, features }, rowOf(2)]);
  await cache.add([rowOf(2), rowOf(3), rowOf(3)]);
  await cache.add([rowOf(1)]); // nothing new: nothing is written
  features.fill(0);
  for (const at of [cache, await openCache({ folder, key })]) {
    t.deepEqual(await known(t, at, 5), [1, 2, 3]);
    t.deepEqual(await at.get(hashOf(1), 2 ** 52 - 1), Float32Array.of(1, NaN, -0));
    t.is(await at.get(hashOf(1), 7), undefined);
  }
  const names = await fs.readdir(join(folder, key));
  t.is(names.length, 3, names.join());
  for (const name of names)
    if (name !== 'index.json') t.is(name, `${sha256(await fs.readFile(join(folder, key, name)))}.safetensors`);
  t.deepEqual(await known(t, await openCache({ folder, key: sha256('other') }), 5), []);
});

test('what cannot name a cache or a row is refused', async t => {
  const folder = await folderOf(t);
  t.is(await codeOf(openCache({ folder, key: '../elsewhere' })), 'FEATURES_CACHE_KEY');
  const cache = await openCache({ folder, key });
  t.is(await codeOf(cache.get('../x')), 'FEATURES_ROW');
  t.is(await codeOf(cache.get(hashOf(1), 1.5)), 'FEATURES_ROW');
  t.is(await codeOf(cache.add([{ ...rowOf(1), sha256: 'x' }])), 'FEATURES_ROW');
  t.is(await codeOf(cache.add([rowOf(1), rowOf(2, 4)])), 'FEATURES_ROW');
  await cache.add([rowOf(1)]);
  const index = join(folder, key, 'index.json');
  const text = await fs.readFile(index, 'utf8');
  await fs.writeFile(index, text.replace('"version":1', '"version":2'));
  t.is(await codeOf(openCache({ folder, key })), 'FEATURES_CACHE_VERSION');
});

test('torn files: damage is told, never used, and its rows are computed again', async t => {
  const folder = await folderOf(t);
  await (await openCache({ folder, key })).add(rowsOf(0, 2));
  const [shard] = (await fs.readdir(join(folder, key))).filter(name => name.endsWith('.safetensors'));
  const path = join(folder, key, shard!);
  const whole = await fs.readFile(path);
  const random = new Random(3);
  const flip = (bit: number) => {
    const torn = Uint8Array.from(whole);
    torn[bit >> 3]! ^= 1 << (bit & 7);
    return torn;
  };
  const cuts = upTo(whole.length).map(cut => whole.subarray(0, cut));
  const flips = Array.from({ length: 200 }, () => flip(random.integer(whole.length * 8)));
  for (const torn of [...cuts, ...flips]) {
    await fs.writeFile(path, torn);
    const warnings: CacheWarning[] = [];
    const cache = await openCache({ folder, key, onWarning: warning => warnings.push(warning) });
    t.deepEqual(await known(t, cache, 2), []);
    t.deepEqual(warnings.map(({ file }) => file), [path]); // prettier-ignore
  }
  const cache = await openCache({ folder, key });
  await cache.get(hashOf(0));
  await cache.add(rowsOf(1, 3)); // the damaged shard goes
  t.false((await fs.readdir(join(folder, key))).includes(shard!));
  t.deepEqual(await known(t, await openCache({ folder, key }), 3), [1, 2]);
  await fs.writeFile(path, whole); // back from a backup: not listed, found all the same
  t.deepEqual(await known(t, await openCache({ folder, key }), 3), [0, 1, 2]);
});

test('a damaged shard whose rows are computed again is whole again', async t => {
  const folder = await folderOf(t);
  await (await openCache({ folder, key })).add(rowsOf(0, 2));
  const [shard] = (await fs.readdir(join(folder, key))).filter(name => name.endsWith('.safetensors'));
  await fs.truncate(join(folder, key, shard!), 10);
  const cache = await openCache({ folder, key });
  t.deepEqual(await known(t, cache, 2), []);
  await cache.add(rowsOf(0, 2));
  t.deepEqual(await known(t, await openCache({ folder, key }), 2), [0, 1]);
  t.is((await fs.readdir(join(folder, key))).length, 2);
});

test('a damaged or lost index costs nothing', async t => {
  const folder = await folderOf(t);
  const cache = await openCache({ folder, key });
  await cache.add(rowsOf(0, 2));
  await cache.add(rowsOf(2, 4));
  const index = join(folder, key, 'index.json');
  const text = await fs.readFile(index, 'utf8');
  const damaged = [
    ...upTo(text.length - 1).map(cut => text.slice(0, cut)),
    '[]',
    '{"version":1}',
    '{"version":1,"shards":[1]}',
  ];
  for (const torn of [...damaged, text.replace(/"rows":"./, '"rows":"'), text.replace('"sha256":"', '"sha256":"../')]) {
    await fs.writeFile(index, torn);
    const warnings: CacheWarning[] = [];
    t.deepEqual(await known(t, await openCache({ folder, key, onWarning: at => warnings.push(at) }), 4), upTo(4));
    t.deepEqual(warnings.map(({ file }) => file), [index], torn); // prettier-ignore
  }
  await fs.rm(index);
  t.deepEqual(await known(t, await openCache({ folder, key }), 4), upTo(4));
});

test('a shard of another cache is not used', async t => {
  const folder = await folderOf(t);
  const other = sha256('other');
  await (await openCache({ folder, key })).add(rowsOf(0, 2));
  await fs.cp(join(folder, key), join(folder, other), { recursive: true });
  const warnings: CacheWarning[] = [];
  const cache = await openCache({ folder, key: other, onWarning: warning => warnings.push(warning) });
  t.deepEqual(await known(t, cache, 2), []);
  t.regex(warnings[0]!.reason, /another cache/);
});

test('every fault: no row that was said to be kept is lost, and none is wrong', async t => {
  const folder = '/cache';
  let { disk } = forgetfulDisk();
  const faults = await everyFault(
    async (fault, name) => {
      await (await openCache({ folder, key, disk })).add(rowsOf(0, 2));
      let kept = 2;
      try {
        const cache = await openCache({ folder, key, disk: fault.disk });
        await cache.get(hashOf(0));
        await cache.add(rowsOf(2, 4));
        kept = 4;
        await cache.add(rowsOf(4, 5));
        kept = 5;
      } catch (error) {
        t.regex(error instanceof GraftError ? error.code : String(error), /^DISK_/, name);
      }
      const warnings: CacheWarning[] = [];
      const again = await openCache({ folder, key, disk, onWarning: warning => warnings.push(warning) });
      const found = await known(t, again, 5);
      t.true(found.length >= kept, `${name}: ${found.join()} of ${kept}`);
      t.deepEqual(found, upTo(found.length), name);
      t.deepEqual(warnings, [], name);
      const left = await disk.readdir(join(folder, key));
      t.deepEqual(left.filter(file => file.endsWith('.tmp')), [], name); // prettier-ignore
    },
    () => ({ disk } = forgetfulDisk()).disk,
  );
  t.true(faults > 200);
});

test('power cuts: no row that was said to be kept is lost, and none is wrong', async t => {
  const random = new Random(11);
  for (let at = 1, more = true; more; at++)
    for (let trial = 0; trial < 8; trial++) {
      const { disk: inner, crash } = forgetfulDisk();
      const fault = faultDisk({ at, code: 'EIO', forever: true, inner });
      let kept = 0;
      try {
        const cache = await openCache({ folder: '/cache', key, disk: fault.disk });
        for (kept = 0; kept < 4; kept += 2) await cache.add(rowsOf(kept, kept + 2));
      } catch (error) {
        t.true(error instanceof GraftError);
      }
      more = fault.failed();
      crash(() => trial > 0 && random.uniform() < 0.5, trial % 2 === 0);
      const found = await known(t, await openCache({ folder: '/cache', key, disk: inner }), 4);
      t.true(found.length >= kept, `call ${at}, trial ${trial}: ${found.join()} of ${kept}`);
    }
});

test('a disk that cannot read a shard now does not lose it', async t => {
  const folder = await folderOf(t);
  await (await openCache({ folder, key })).add(rowsOf(0, 2));
  let failing = false;
  const readFile: Disk['readFile'] = path =>
    failing && path.endsWith('.safetensors')
      ? faultDisk({ at: 1, code: 'EMFILE', forever: true }).disk.readFile(path)
      : realDisk.readFile(path);
  const warnings: CacheWarning[] = [];
  const disk = { ...realDisk, readFile };
  const cache = await openCache({ folder, key, disk, onWarning: warning => warnings.push(warning) });
  failing = true;
  t.is(await cache.get(hashOf(0)), undefined);
  t.regex(warnings[0]!.reason, /EMFILE/);
  failing = false;
  await cache.add([rowOf(9)]);
  t.deepEqual(await known(t, await openCache({ folder, key }), 10), [0, 1, 9]);
});

test('a writer that cannot get the lock loses nothing', async t => {
  const folder = await folderOf(t);
  const held = await lock(join(folder, key));
  await (await openCache({ folder, key })).add(rowsOf(0, 2));
  await held.release();
  t.false((await fs.readdir(join(folder, key))).includes('index.json'));
  t.deepEqual(await known(t, await openCache({ folder, key }), 2), [0, 1]);
});

test('processes that write at once lose nothing, also when killed', async t => {
  const folder = await folderOf(t);
  const door = new URL('../../src/features/node.js', import.meta.url).href;
  const { href } = new URL('./stream.js', import.meta.url);
  const script = `import { openCache } from '${door}'; import { hashOf } from '${href}';
    const [folder, key, from, to] = process.argv.slice(1);
    const cache = await openCache({ folder, key });
    for (let n = Number(from); n < Number(to); n++) {
      await cache.add([{ sha256: hashOf(n), features: Float32Array.from([0, 1, 2], i => n + i / 8) }]);
      console.log(n);
    }`;
  const start = (from: number, to: number) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, folder, key, String(from), String(to)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const saved = new Set<number>();
  const running = [start(0, 20), start(20, 40), start(40, 1000)].map(async (child, i) => {
    child.stdout.on('data', (text: Buffer) => {
      for (const line of text.toString().split('\n')) if (line) saved.add(Number(line));
      if (i === 2 && saved.has(45)) child.kill('SIGKILL');
    });
    await once(child, 'close');
  });
  await Promise.all(running);
  t.true(saved.has(39) && saved.has(19));
  const warnings: CacheWarning[] = [];
  const cache = await openCache({ folder, key, onWarning: warning => warnings.push(warning) });
  const found = new Set(await known(t, cache, 100));
  for (const n of saved) t.true(found.has(n), String(n));
  t.deepEqual(warnings, []);
  const left = await fs.readdir(join(folder, key));
  t.deepEqual(left.filter(name => name.endsWith('.tmp')), []); // prettier-ignore
});
