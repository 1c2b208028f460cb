import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { encodeSafetensors, elements, tensor, type Tensor } from '../../src/base/index.js';
import { openSafetensors, writeSafetensors, type Streamed } from '../../src/base/node.js';
import { codeOf } from '../code-of.js';
import { everyFault } from '../fault-disk.js';
import { forgetfulDisk } from '../forgetful-disk.js';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'graft-rows-'));
  t.teardown(() => fs.rm(folder, { recursive: true }));
  return folder;
}

/** A tensor handed out in pieces of so many bytes. */
const streamed = ({ type, shape, bytes }: Tensor, size = 3): Streamed => ({
  type,
  shape,
  async *pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  },
});
const tensors = new Map<string, Tensor>([
  ['ids', tensor('int64', [2], [7, 8])],
  ['logits', tensor('float32', [3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])],
  ['one', tensor('float32', [], [5])],
  ['none', tensor('uint8', [0, 4], [])],
]);
const metadata = new Map([['members', '["a","b","c"]']]);
const inPieces = new Map([...tensors].map(([name, at]) => [name, streamed(at)]));

test('a file written in pieces has the bytes of one written whole, and its parts are read where they lie', async t => {
  const path = join(await folderOf(t), 'a.safetensors');
  await writeSafetensors(path, inPieces, metadata);
  t.deepEqual(await fs.readFile(path), Buffer.concat(encodeSafetensors(tensors, metadata)));
  t.is(await codeOf(writeSafetensors(path, inPieces)), 'DISK_EXISTS');

  const file = await openSafetensors(path);
  t.deepEqual([...file.tensors.keys()], ['ids', 'logits', 'one', 'none']);
  t.deepEqual(file.tensors.get('logits'), { type: 'float32', shape: [3, 2, 2] });
  t.deepEqual(file.metadata, metadata);
  for (const [name, wanted] of tensors) t.deepEqual(await file.read(name), wanted);
  const rows = await file.readRows('logits', 1, 2);
  t.deepEqual(rows.shape, [2, 2, 2]);
  t.deepEqual(elements(rows), Float32Array.of(5, 6, 7, 8, 9, 10, 11, 12));
  t.deepEqual((await file.readRows('logits', 3, 0)).shape, [0, 2, 2]);
  t.deepEqual((await file.readRows('none', 0, 0)).bytes, new Uint8Array(0));

  t.is(await codeOf(file.read('weights')), 'ST_TENSOR');
  for (const [from, count] of [
    [0, 4],
    [3, 1],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [Number.NaN, 1],
  ] as const)
    // prettier-ignore
    t.is(await codeOf(file.readRows('logits', from, count)), 'ST_ROWS');
  t.is(await codeOf(file.readRows('one', 0, 1)), 'ST_ROWS');
  await file.close();
});

test('pieces that are more or fewer than their shape leave what was there', async t => {
  const folder = await folderOf(t);
  const path = join(folder, 'a.safetensors');
  for (const bytes of [7, 9, 0]) {
    const short = streamed({ type: 'float32', shape: [2], bytes: new Uint8Array(bytes) });
    t.is(await codeOf(writeSafetensors(path, new Map([['x', short]]))), 'TENSOR_SIZE');
  }
  t.deepEqual(await fs.readdir(folder), []);
  const stopped: Streamed = {
    type: 'float32',
    shape: [2],
    *pieces() {
      yield new Uint8Array(4);
      throw Object.assign(new Error('stopped'), { code: 'STOPPED' });
    },
  };
  t.is(await codeOf(writeSafetensors(path, new Map([['x', stopped]]))), 'DISK_FAILED');
  t.deepEqual(await fs.readdir(folder), []);
});

test('a file that was cut after it was opened is told so', async t => {
  const path = join(await folderOf(t), 'a.safetensors');
  await writeSafetensors(path, inPieces);
  const file = await openSafetensors(path);
  await fs.truncate(path, (await fs.stat(path)).size - 8);
  t.is(await codeOf(file.read('one')), 'ST_INCOMPLETE');
  t.deepEqual(await file.read('ids'), tensors.get('ids'));
  await file.close();
  t.is(await codeOf(openSafetensors(path)), 'ST_INCOMPLETE');
});

const file = (header: string, data = 0, length = BigInt(Buffer.byteLength(header))): Buffer => {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(length);
  return Buffer.concat([head, Buffer.from(header), Buffer.alloc(data)]);
};
const w = (dtype: string, shape: string, offsets: string) =>
  `{"w":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;

test('hostile headers are refused at opening, as they are in memory', async t => {
  const folder = await folderOf(t);
  const hostile: readonly (readonly [string, Buffer, string])[] = [
    ['nothing at all', Buffer.alloc(0), 'ST_HEADER'],
    ['half a length', Buffer.alloc(5), 'ST_HEADER'],
    ['a header of 2^63 bytes', file('{}', 0, 1n << 63n), 'ST_HEADER_TOO_LARGE'],
    ['a header longer than the file', file('{}', 0, 99_999_999n), 'ST_HEADER'],
    ['a header of no JSON', file('{'), 'ST_HEADER'],
    ['a name said twice', file(`${w('U8', '[0]', '[0,0]').slice(0, -1)},${w('U8', '[0]', '[0,0]').slice(1)}`), 'ST_DUPLICATE'], // prettier-ignore
    ['4 GiB of which nothing is there', file(w('F32', '[1073741824]', '[0,4294967296]')), 'ST_INCOMPLETE'],
    ['a shape that wraps round', file(w('F32', '[4294967296,4294967296]', '[0,0]')), 'ST_INFO'],
    ['data that begins late', file(w('U8', '[4]', '[4,8]'), 8), 'ST_OFFSETS'],
    ['bytes behind the data', file(w('U8', '[4]', '[0,4]'), 8), 'ST_INCOMPLETE'],
    ['an unknown type', file(w('Q8', '[4]', '[0,4]'), 4), 'ST_INFO'],
  ];
  for (const [name, bytes, wanted] of hostile) {
    const path = join(folder, 'hostile');
    await fs.writeFile(path, bytes);
    t.is(await codeOf(openSafetensors(path)), wanted, name);
  }
  t.is(await codeOf(openSafetensors(folder)), 'DISK_FAILED');
  t.is(await codeOf(openSafetensors(join(folder, 'none'))), 'DISK_FAILED');
});

testProp(
  'any rows are those of the whole',
  [fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 4 }), fc.nat(9), fc.nat(9)],
  async (t, rows, width, a, b) => {
    const [from, to] = [Math.min(a, b) % (rows + 1), Math.max(a, b) % (rows + 1)];
    if (from > to) return t.pass();
    const { disk } = forgetfulDisk();
    const values = Float32Array.from({ length: rows * width }, (_, i) => i);
    await writeSafetensors('/x', new Map([['x', streamed(tensor('float32', [rows, width], values), 5)]]), undefined, { disk }); // prettier-ignore
    const file = await openSafetensors('/x', { disk });
    t.deepEqual(elements(await file.readRows('x', from, to - from)), values.slice(from * width, to * width));
    await file.close();
  },
  { numRuns: 50 },
);

test('whatever call fails, a streamed file is the old one or the new one, and reading says what failed', async t => {
  const old = new Map([['x', streamed(tensor('uint8', [1], [1]))]]);
  const next = new Map([['x', streamed(tensor('uint8', [4], [1, 2, 3, 4]))]]);
  const bytesOf = (map: ReadonlyMap<string, Tensor>) => new Uint8Array(Buffer.concat(encodeSafetensors(map)));
  const [before, after] = [
    bytesOf(new Map([['x', tensor('uint8', [1], [1])]])),
    bytesOf(new Map([['x', tensor('uint8', [4], [1, 2, 3, 4])]])),
  ];
  const folder = await folderOf(t);
  const path = join(folder, 'x');
  const faults = await everyFault(async ({ disk }, name) => {
    await writeSafetensors(path, old, undefined, { force: true });
    const code = await codeOf(writeSafetensors(path, next, undefined, { disk, force: true }));
    t.regex(code, /^(done|DISK_(FULL|DENIED|FAILED))$/, name);
    const found = new Uint8Array(await fs.readFile(path));
    t.deepEqual(found, found.length === before.length ? before : after, name);
    const read = await codeOf(openSafetensors(path, { disk }).then(async file => {
      await file.read('x').finally(() => file.close());
    })); // prettier-ignore
    t.regex(read, /^(done|DISK_(FULL|DENIED|FAILED))$/, name);
    for (const left of await fs.readdir(folder)) if (left !== 'x') await fs.rm(join(folder, left));
  });
  t.true(faults > 20);
});
