// Frames: what was sent is what arrives, however its bytes are cut; what is no frame is refused with one code.

import test from 'ava';
import fc from 'fast-check';
import { GraftError } from '../../../src/index.js';
import { FrameReader } from '../../../src/server/workers/channel.js';
import { decodeFrame, encodeFrame, prefixBytes, readPrefix, type Frame } from '../../../src/server/workers/frame.js'; // prettier-ignore
import { datatypes, type Datatype, type WireTensor } from '../../../src/server/tensors.js';

const tensors: fc.Arbitrary<WireTensor> = fc.record({
  datatype: fc.constantFrom(...(Object.keys(datatypes) as Datatype[])),
  shape: fc.array(fc.integer({ min: 0, max: 2 ** 53 - 1 }), { maxLength: 5 }),
  data: fc.uint8Array({ maxLength: 40 }),
});
const frames: fc.Arbitrary<Required<Frame>> = fc.record({
  kind: fc.nat(255),
  id: fc.nat(2 ** 32 - 1),
  rung: fc.nat(255),
  numbers: fc.array(fc.double({ noNaN: true }), { maxLength: 6 }),
  text: fc.string({ unit: 'grapheme', maxLength: 30 }),
  tensors: fc
    .array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 12 }), tensors), { maxLength: 4 })
    .map(list => new Map(list)),
});
const bytesOf = (frame: Frame): Buffer => Buffer.concat(encodeFrame(frame));

/** Bytes in pieces, each of a length of the list in turn. */
function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

const plain = (frame: Frame) => ({
  ...frame,
  tensors: [...frame.tensors!].map(([name, { datatype, shape, data }]) => [name, datatype, shape, [...data]]),
});

test('frames arrive as they were sent, however their bytes are cut', t => {
  const law = fc.property(
    fc.array(frames, { minLength: 1, maxLength: 3 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
    (sent, lengths) => {
      const found: Frame[] = [];
      const reader = new FrameReader(frame => found.push(frame));
      for (const piece of cut(Buffer.concat(sent.map(bytesOf)), lengths)) reader.push(piece);
      t.deepEqual(found.map(plain), sent.map(plain));
    },
  );
  t.notThrows(() => fc.assert(law, { numRuns: 300 }));
});

test('where each frame is read to the same place, it is whole until the next one comes', t => {
  const law = fc.property(fc.array(frames, { minLength: 2, maxLength: 4 }), sent => {
    const found: ReturnType<typeof plain>[] = [];
    const reader = new FrameReader(frame => found.push(plain(frame)), true);
    for (const frame of sent) reader.push(bytesOf(frame));
    t.deepEqual(found, sent.map(plain));
  });
  t.notThrows(() => fc.assert(law, { numRuns: 100 }));
});

test('large data is read in place, and begins at a multiple of 8', t => {
  const data = Uint8Array.from({ length: 300_001 }, (_, at) => at % 251);
  const bytes = bytesOf({ kind: 2, id: 7, tensors: new Map([['odd', { datatype: 'UINT8', shape: [3], data: data.subarray(0, 3) }], ['x', { datatype: 'UINT8', shape: [300_001], data }]]) }); // prettier-ignore
  const found: Frame[] = [];
  const reader = new FrameReader(frame => found.push(frame));
  for (let at = 0; at < bytes.length;) {
    const room = reader.room();
    const count = Math.min(room.length, 70_000, bytes.length - at);
    room.set(bytes.subarray(at, at + count));
    reader.filled(count);
    at += count;
  }
  const held = found[0]!.tensors!.get('x')!;
  t.is(found.length, 1);
  t.deepEqual(Buffer.from(held.data), Buffer.from(data));
  t.is(held.data.byteOffset % 8, 0);
});

const refusedAs = (work: () => void): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    return error instanceof GraftError ? error.code : `another error: ${String(error)}`;
  }
};

test('any bytes are a frame or WORKER_CHANNEL, and nothing else', t => {
  const law = fc.property(fc.uint8Array({ minLength: 16, maxLength: 200 }), fc.uint8Array({ maxLength: 64 }), (head, data) => {
    t.true(['taken', 'WORKER_CHANNEL'].includes(refusedAs(() => decodeFrame(head, data))));
    t.is(refusedAs(() => readPrefix(head)), 'WORKER_CHANNEL');
  }); // prettier-ignore
  t.notThrows(() => fc.assert(law, { numRuns: 500 }));
});

test('a frame with one byte changed is a frame or WORKER_CHANNEL', t => {
  const law = fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, where, by) => {
    const bytes = bytesOf(frame);
    const at = where % bytes.length;
    bytes[at] = bytes[at]! ^ by;
    const how = refusedAs(() => {
      const { head } = readPrefix(bytes);
      decodeFrame(bytes.subarray(prefixBytes, prefixBytes + head), bytes.subarray(prefixBytes + head));
    });
    t.true(['taken', 'WORKER_CHANNEL'].includes(how), how);
  });
  t.notThrows(() => fc.assert(law, { numRuns: 500 }));
});
