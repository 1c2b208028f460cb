// Checkpoints of ONNX Runtime's training. The bytes of `fromRuntime` were written by ONNX Runtime itself (its nominal
// checkpoint of a network of two layers); that the real runtime takes what is written here is shown where it trains.

import test from 'ava';
import { tensor, type Tensor } from '../../src/base/index.js';
import { decodeOrtCheckpoint, encodeOrtCheckpoint, type OrtCheckpoint } from '../../src/codec/index.js';

const fromRuntime = Buffer.from(
  'FAAAAE9EVEMAAAAACAAOAAgABAAIAAAAFAAAAAIAAAAAAAoAEAAMAAgABwAKAAAAAAAAAQgAAAAIAAAAAAAAAAQAAACoAAAAbAAAADgAAAAEAAAAdv//' +
    '/xAAAAABAAAADAAAABAAAAAAAAAAAAAAAAAAAAAIAAAAZmMyLmJpYXMAAAAApv///xAAAAABAAAADAAAABAAAAAAAAAAAAAAAAAAAAAKAAAAZmMyLndl' +
    'aWdodAAA1v///xAAAAABAAAADAAAAAwAAAAAAAAAAAAAAAgAAABmYzEuYmlhcwAADgAUABAAAAAMAAgABAAOAAAAEAAAAAEAAAAMAAAADAAAAAAAAAAA' +
    'AAAACgAAAGZjMS53ZWlnaHQAAA==',
  'base64',
);

const matrix = tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]);
const row = tensor('float32', [3], [7, 8, 9]);
const whole: OrtCheckpoint = {
  version: 2,
  trainable: new Map<string, Tensor>([
    ['w', matrix],
    ['__proto__', row],
    ['é \u{1f600}', tensor('float16', [1], [0.5])],
  ]),
  frozen: new Map<string, Tensor>([
    ['scale', tensor('float32', [], [2])],
    ['ids', tensor('int64', [2], [-1, 2 ** 40])],
    ['none', tensor('float32', [0, 4], [])],
  ]),
  isNominal: false,
  groups: [
    {
      name: 'group0',
      step: 17,
      initialLearningRate: 0.5,
      states: new Map([['w', new Map([['momentum0', matrix], ['momentum1', matrix]])]]), // prettier-ignore
    },
    { name: 'none', step: 0, initialLearningRate: 0, states: new Map() },
  ],
  properties: new Map<string, bigint | number | string>([
    ['epoch', 2n ** 60n],
    ['best', 0.25],
    ['note', 'two\nlines, é'],
    ['zero', 0n],
    ['nothing', ''],
    ['nought', 0],
  ]),
};
const empty: OrtCheckpoint = {
  version: 1,
  trainable: new Map(),
  frozen: new Map(),
  isNominal: false,
  groups: [],
  properties: new Map(),
};
/** Properties lie by kind in the file. */
const byKind = (of: OrtCheckpoint) => ({
  ...of,
  properties: new Map([...of.properties].sort(([, a], [, b]) => kinds.indexOf(typeof a) - kinds.indexOf(typeof b))),
});
const kinds = ['bigint', 'number', 'string'];

test('what is written is read', t => {
  t.deepEqual(decodeOrtCheckpoint(encodeOrtCheckpoint(whole)), byKind(whole));
  t.deepEqual([...decodeOrtCheckpoint(encodeOrtCheckpoint(whole)).trainable.keys()], ['w', '__proto__', 'é \u{1f600}']);
  t.deepEqual(decodeOrtCheckpoint(encodeOrtCheckpoint(empty)), empty);
  t.deepEqual(encodeOrtCheckpoint(whole), encodeOrtCheckpoint(whole));
  // at any place of a larger buffer
  const bytes = encodeOrtCheckpoint(whole);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  t.deepEqual(decodeOrtCheckpoint(shifted.subarray(3)), byKind(whole));
});

test('versions 1 and 2 differ in the version alone', t => {
  const [one, two] = [encodeOrtCheckpoint(whole, { version: 1 }), encodeOrtCheckpoint(whole, { version: 2 })];
  t.is(one.length, two.length);
  t.is(one.filter((byte, i) => byte !== two[i]).length, 1);
  t.is(decodeOrtCheckpoint(one).version, 1);
});

test("ONNX Runtime's own nominal checkpoint is read, and written byte for byte", t => {
  const found = decodeOrtCheckpoint(fromRuntime);
  t.deepEqual([...found.trainable.keys()], ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']);
  t.deepEqual([...found.trainable.values()][0], { type: 'float32', shape: [], bytes: new Uint8Array(0) });
  t.true(found.isNominal);
  t.is(found.frozen.size, 0);
  t.deepEqual(Buffer.from(encodeOrtCheckpoint(found)), fromRuntime);
});

test('damage is named with file and byte', t => {
  const good = encodeOrtCheckpoint({ ...empty, trainable: new Map([['w', matrix]]) });
  const at = (offset: number, value: number) => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint32(offset, value, true);
    return bytes;
  };
  const decode = (bytes: Uint8Array) => () => decodeOrtCheckpoint(bytes, { file: 'dir/checkpoint' });
  t.throws(decode(new Uint8Array(0)), { code: 'CHECKPOINT_FORMAT' });
  t.throws(decode(new TextEncoder().encode('PK\u0003\u0004 a zip')), {
    code: 'CHECKPOINT_FORMAT',
    message: /dir\/checkpoint/,
  });
  t.throws(decode(good.subarray(0, 40)), { code: 'CHECKPOINT_MALFORMED', message: /dir\/checkpoint .*\(byte \d+\)/ });
  t.throws(decode(at(0, 0)), { code: 'CHECKPOINT_MALFORMED', message: /lies nowhere/ });
  t.throws(decode(at(0, 0xfffffff0)), { code: 'CHECKPOINT_MALFORMED', message: /outside the file/ });
  t.throws(decode(at(0, 18)), { code: 'CHECKPOINT_MALFORMED' });
});

test('other versions and tensors in a second file are refused by name', t => {
  const bytes = encodeOrtCheckpoint(empty, { version: 2 });
  const one = encodeOrtCheckpoint(empty, { version: 1 });
  const place = bytes.findIndex((byte, i) => byte !== one[i]);
  bytes[place] = 3;
  t.throws(() => decodeOrtCheckpoint(bytes), { code: 'CHECKPOINT_VERSION', message: /version 3/ });
  // the module gets a vtable of one slot more, at the end of the file: has_external_data, in the place of is_nominal_state
  const nominal = encodeOrtCheckpoint({ ...empty, isNominal: true });
  const view = new DataView(nominal.buffer, nominal.byteOffset, nominal.length);
  const root = view.getUint32(0, true);
  const field = root + view.getUint16(root - view.getInt32(root, true) + 6, true);
  const module = field + view.getUint32(field, true);
  const vtable = module - view.getInt32(module, true);
  t.is(view.getUint16(vtable, true), 10, 'three slots');
  const longer = new Uint8Array(nominal.length + 12);
  longer.set(nominal);
  const next = new DataView(longer.buffer);
  next.setInt32(module, module - nominal.length, true);
  const flag = view.getUint16(vtable + 8, true);
  const slots = [
    12,
    view.getUint16(vtable + 2, true),
    view.getUint16(vtable + 4, true),
    view.getUint16(vtable + 6, true),
  ];
  [...slots, flag, flag].forEach((value, i) => next.setUint16(nominal.length + 2 * i, value, true));
  t.throws(() => decodeOrtCheckpoint(longer), { code: 'CHECKPOINT_EXTERNAL_DATA' });
});

test('names must be new, tensors of their size', t => {
  const both = { ...empty, trainable: new Map([['w', matrix]]), frozen: new Map([['w', matrix]]) };
  t.throws(() => encodeOrtCheckpoint(both), { code: 'CHECKPOINT_NAME', message: /both trainable and frozen/ });
  const twice = encodeOrtCheckpoint({ ...empty, trainable: new Map([['a', row], ['b', row]]) }); // prettier-ignore
  const letter = Buffer.from(twice).indexOf('\u0001\u0000\u0000\u0000b') + 4;
  twice[letter] = 'a'.charCodeAt(0);
  t.throws(() => decodeOrtCheckpoint(twice), { code: 'CHECKPOINT_NAME', message: /"a".*given twice/ });
  for (const name of ['a\u0000b', '\ud800', 'x'.repeat(5000)])
    t.throws(() => encodeOrtCheckpoint({ ...empty, trainable: new Map([[name, row]]) }), { code: 'CHECKPOINT_NAME' });
  const short = { type: 'float32', shape: [4], bytes: new Uint8Array(12) } as const;
  const strings = { type: 'string', shape: [0], bytes: new Uint8Array(0), strings: [] } as const;
  for (const wrong of [short, strings])
    t.throws(() => encodeOrtCheckpoint({ ...empty, frozen: new Map([['w', wrong]]) }), { code: 'CHECKPOINT_TENSOR' });
});

test('more than FlatBuffers can hold is a limit', t => {
  const huge = { type: 'float32', shape: [2 ** 30], bytes: { length: 2 ** 32 } as Uint8Array } as const;
  t.throws(() => encodeOrtCheckpoint({ ...empty, trainable: new Map([['w', huge]]) }), { code: 'CHECKPOINT_LIMIT' });
});
