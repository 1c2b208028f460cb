import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GraftError, Random } from '../../src/base/index.js';
import {
  appendLine,
  cleanLeftovers,
  makeFolder,
  readChecked,
  realDisk,
  sha256,
  writeAtomically,
  writeTogether,
  type Disk,
} from '../../src/base/node.js';
import { codeOf } from '../code-of.js';
import { everyFault, faultDisk } from '../fault-disk.js';
import { forgetfulDisk } from '../forgetful-disk.js';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'graft-disk-'));
  t.teardown(() => fs.rm(folder, { recursive: true }));
  return folder;
}
const text = (path: string): Promise<string> => fs.readFile(path, 'utf8');
const coded = /^(done|DISK_(FULL|DENIED|FAILED))$/;

test('a file is written with the permissions of the umask, and replaced only where that is asked for', async t => {
  const folder = await folderOf(t);
  const path = join(folder, 'a "name" #1 🙂');
  await writeAtomically(path, [Uint8Array.of(104), Uint8Array.of(), Uint8Array.of(105)]);
  t.is(await text(path), 'hi');
  t.is((await fs.stat(path)).mode & 0o777, 0o644 & ~process.umask());
  t.is(await codeOf(writeAtomically(path, 'no')), 'DISK_EXISTS');
  t.is(await text(path), 'hi');
  await fs.chmod(path, 0o600);
  await writeAtomically(path, 'new', { force: true });
  t.is(await text(path), 'new');
  t.is((await fs.stat(path)).mode & 0o777, 0o600);
  t.deepEqual(await fs.readdir(folder), ['a "name" #1 🙂']);
});

test('names up to the system’s 255 bytes are written', async t => {
  const folder = await folderOf(t);
  await writeAtomically(join(folder, 'é'.repeat(127)), 'x');
  t.is(await codeOf(writeAtomically(join(folder, 'x'.repeat(256)), 'x')), 'DISK_FAILED');
  t.deepEqual(await fs.readdir(folder), ['é'.repeat(127)]);
});

test('errors name the path and say what to do', async t => {
  const folder = await folderOf(t);
  const error = await t.throwsAsync<GraftError>(writeAtomically(join(folder, 'no', 'such'), 'x'));
  t.is(error.code, 'DISK_FAILED');
  t.regex(error.message, /no\/such.*ENOENT/);
  await fs.mkdir(join(folder, 'taken'));
  t.is(await codeOf(writeAtomically(join(folder, 'taken'), 'x', { force: true })), 'DISK_FAILED');
  t.is(
    await codeOf(writeTogether(folder, new Map([['taken', 'x'], ['m', '']]), 'm', { force: true })),
    'DISK_FAILED',
  ); // prettier-ignore
  t.is(await codeOf(writeTogether(folder, new Map([['../out', 'x']]), 'm')), 'DISK_FAILED');
  t.deepEqual(await fs.readdir(folder), ['taken']);
  const fullDisk: Disk = { ...realDisk, freeBytes: () => Promise.resolve(3) };
  t.is(await codeOf(writeAtomically(join(folder, 'big'), 'four', { disk: fullDisk })), 'DISK_FULL');
  const denied = faultDisk({ at: 1, code: 'EROFS', forever: true }).disk;
  t.is(await codeOf(writeAtomically(join(folder, 'x'), 'x', { disk: denied })), 'DISK_DENIED');
});

test('folders are made with their parents; a link to a folder is one', async t => {
  const folder = await folderOf(t);
  await makeFolder(join(folder, 'a', 'b', 'c'));
  await makeFolder(join(folder, 'a', 'b', 'c'));
  t.deepEqual(await fs.readdir(join(folder, 'a', 'b')), ['c']);
  await fs.symlink(join(folder, 'a'), join(folder, 'link'));
  await makeFolder(join(folder, 'link', 'd'));
  t.deepEqual((await fs.readdir(join(folder, 'a'))).sort(), ['b', 'd']);
  await fs.writeFile(join(folder, 'file'), '');
  t.is(await codeOf(makeFolder(join(folder, 'file'))), 'DISK_FAILED');
  t.is(await codeOf(makeFolder(join(folder, 'file', 'x'))), 'DISK_FAILED');
});

test('every fault: writeAtomically leaves the old file or the new one', async t => {
  const folder = await folderOf(t);
  const path = join(folder, 'file');
  for (const old of [undefined, 'the old content']) {
    const faults = await everyFault(async (fault, name) => {
      await fs.rm(path, { force: true });
      if (old !== undefined) await fs.writeFile(path, old);
      const code = await codeOf(writeAtomically(path, 'the new one', { disk: fault.disk, force: true }));
      t.regex(code, coded, name);
      await cleanLeftovers(folder);
      const now = (await fs.readdir(folder)).length === 0 ? undefined : await text(path);
      t.true(now === old || now === 'the new one', `${name}: ${now}`);
      if (code === 'done') t.is(now, 'the new one', name);
      t.deepEqual(await fs.readdir(folder), now === undefined ? [] : ['file'], name);
    });
    t.true(faults > 100);
  }
});

const files = (version: string) =>
  new Map([
    ['model', [Buffer.from(`model ${version}`)]],
    ['labels', [Buffer.from(`labels ${version}`)]],
    ['manifest', [Buffer.from(version)]],
  ]);

/** The version that a folder holds: none, one, or a mixture. */
async function versionOf(folder: string, disk: Disk): Promise<string> {
  const read = async (name: string) => {
    try {
      return Buffer.from(await disk.readFile(join(folder, name))).toString();
    } catch {
      return undefined;
    }
  };
  const manifest = await read('manifest');
  if (manifest === undefined) return (await read('model')) ?? (await read('labels')) ?? 'none';
  const whole = (await read('model')) === `model ${manifest}` && (await read('labels')) === `labels ${manifest}`;
  return whole ? manifest : 'mixture';
}

test('every fault: writeTogether leaves all the old files or all the new ones', async t => {
  const parent = await folderOf(t);
  const folder = join(parent, 'bundle');
  for (const old of ['none', 'one']) {
    const faults = await everyFault(async (fault, name) => {
      await fs.rm(folder, { recursive: true, force: true });
      if (old === 'one') {
        await fs.mkdir(folder);
        for (const [file, [content]] of files(old)) await fs.writeFile(join(folder, file), content!);
      }
      const code = await codeOf(writeTogether(folder, files('two'), 'manifest', { disk: fault.disk, force: true }));
      t.regex(code, coded, name);
      await cleanLeftovers(folder);
      const now = await versionOf(folder, realDisk);
      t.true(now === old || now === 'two', `${name}: ${now}`);
      if (code === 'done') t.is(now, 'two', name);
      const left = await fs.readdir(folder).catch(() => []);
      t.deepEqual(left.sort(), now === 'none' ? [] : ['labels', 'manifest', 'model'], name);
    });
    t.true(faults > 200);
  }
});

test('a result half replaced is not put back over a later one', async t => {
  const folder = await folderOf(t);
  await writeTogether(folder, files('one'), 'manifest');
  for (let at = 1; ; at++) {
    const fault = faultDisk({ at, code: 'EIO', forever: true });
    await codeOf(writeTogether(folder, files('two'), 'manifest', { disk: fault.disk, force: true }));
    await writeTogether(folder, files('three'), 'manifest', { force: true });
    await cleanLeftovers(folder);
    t.is(await versionOf(folder, realDisk), 'three');
    if (!fault.failed()) break;
  }
});

test('power cuts: what was said to be saved is there, and never a mixture', async t => {
  const random = new Random(7);
  for (const old of ['none', 'one'])
    for (let at = 1, more = true; more; at++)
      for (let trial = 0; trial < 12; trial++) {
        const { disk: inner, crash } = forgetfulDisk();
        await inner.mkdir('/out');
        if (old === 'one') {
          await writeTogether('/out/bundle', files('one'), 'manifest', { disk: inner });
          await writeAtomically('/out/file', 'one', { disk: inner });
        }
        await inner.syncFolder('/out');
        await inner.syncFolder('/');
        const fault = faultDisk({ at, code: 'EIO', forever: true, inner });
        const options = { disk: fault.disk, force: true };
        const alone = await codeOf(writeAtomically('/out/file', 'two', options));
        const together = await codeOf(writeTogether('/out/bundle', files('two'), 'manifest', options));
        more = fault.failed();
        // The first trials lose all or nothing, the others some.
        crash(() => (trial === 0 ? false : trial === 1 ? true : random.uniform() < 0.5), trial % 2 === 0);
        await cleanLeftovers('/out', { disk: inner });
        await cleanLeftovers('/out/bundle', { disk: inner });
        const file = await inner.readFile('/out/file').then(
          bytes => Buffer.from(bytes).toString(),
          () => 'none',
        );
        const bundle = await versionOf('/out/bundle', inner);
        t.true([old, 'two'].includes(file), `call ${at}: ${file}`);
        t.true([old, 'two'].includes(bundle), `call ${at}, trial ${trial}: ${bundle}`);
        if (alone === 'done') t.is(file, 'two');
        if (together === 'done') t.is(bundle, 'two');
      }
});

test('a reader beside a writer gets the file that its manifest means', async t => {
  const folder = await folderOf(t);
  await writeTogether(folder, files('0'), 'manifest');
  let writing = true;
  const writer = (async () => {
    for (let i = 1; i <= 100; i++) await writeTogether(folder, files(String(i)), 'manifest', { force: true });
    writing = false;
  })();
  let reads = 0;
  while (writing) {
    const version = await text(join(folder, 'manifest'));
    const wanted = `model ${version}`;
    const record = { name: 'model', bytes: wanted.length, sha256: sha256(wanted) };
    // The manifest may have been replaced since it was read: then the file is of a later one, and is refused.
    const found = await readChecked(folder, record).then(
      bytes => Buffer.from(bytes).toString(),
      (error: unknown) => error,
    );
    if (found instanceof GraftError) {
      t.is(found.code, 'STATE_CORRUPT');
      t.not(await text(join(folder, 'manifest')), version);
    } else t.is(found, wanted);
    reads++;
  }
  await writer;
  t.true(reads > 10);
});

test('damage is found by size and hash', async t => {
  const folder = await folderOf(t);
  const whole = Buffer.from('the content of a file');
  const record = { name: 'file', bytes: whole.length, sha256: sha256(whole) };
  const path = join(folder, 'file');
  const found = async (bytes: Uint8Array) => {
    await fs.writeFile(path, bytes);
    return codeOf(readChecked(folder, record));
  };
  t.is(await found(whole), 'done');
  for (let cut = 0; cut < whole.length; cut++) t.is(await found(whole.subarray(0, cut)), 'STATE_CORRUPT');
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const torn = Uint8Array.from(whole);
    torn[bit >> 3]! ^= 1 << (bit & 7);
    t.is(await found(torn), 'STATE_CORRUPT');
  }
  await fs.rm(path);
  t.is(await codeOf(readChecked(folder, record)), 'STATE_CORRUPT');
  t.is(await codeOf(readChecked(folder, { ...record, name: '../file' })), 'STATE_CORRUPT');
});

test('left-overs of dead processes are removed, of living ones kept', async t => {
  const folder = await folderOf(t);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const names = [
    `.a.${dead}.0123456789ab.tmp`,
    `.a.${process.ppid}.0123456789ab.tmp`,
    `.a.${process.pid}.0123456789ac.tmp`,
  ];
  const others = ['.a.tmp', 'a.1.0123456789ab.tmp', `.a.${dead}.0123456789ab.tmp.x`];
  for (const name of [...names, ...others]) await fs.writeFile(join(folder, name), '');
  t.deepEqual((await cleanLeftovers(folder)).sort(), [names[0]!, names[2]!].sort());
  t.deepEqual((await fs.readdir(folder)).sort(), [names[1]!, ...others].sort());
  t.deepEqual(await cleanLeftovers(join(folder, 'none')), []);
});

test('lines are added whole; one torn by a power cut is dropped', async t => {
  const folder = await folderOf(t);
  const path = join(folder, 'history.jsonl');
  await appendLine(path, 'one');
  await fs.appendFile(path, 'x'.repeat(10_000));
  await appendLine(path, 'two');
  t.is(await text(path), 'one\ntwo\n');
  const faults = await everyFault(async (fault, name) => {
    await fs.writeFile(path, 'one\ntw');
    const code = await codeOf(appendLine(path, 'three', { disk: fault.disk }));
    t.regex(code, coded, name);
    if (code === 'done') t.is(await text(path), 'one\nthree\n', name);
    await appendLine(path, 'four');
    t.regex(await text(path), /^one\n(three\n)?four\n$/, name);
  });
  t.true(faults > 50);
});
