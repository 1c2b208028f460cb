import test from 'ava';
import fc from 'fast-check';
import {
  bitsOf,
  byteLength,
  decodeSafetensors,
  elements,
  encodeSafetensors,
  GraftError,
  tensor,
  type DataType,
  type Tensor,
} from '../../src/base/index.js';

const encoder = new TextEncoder();

/** A file of a header's text and so many bytes of data. */
function file(header: string | Uint8Array, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const head = typeof header === 'string' ? encoder.encode(header) : header;
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + head.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(head.length), true);
  bytes.set(head, 8);
  bytes.set(body, 8 + head.length);
  return bytes;
}
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
function codeOf(run: () => unknown): string {
  try {
    run();
    return 'loads';
  } catch (error) {
    return error instanceof GraftError ? error.code : `uncoded ${String(error)}`;
  }
}
const one = (fields: string) => `{"w":{${fields}}}`;
const w = (dtype: string, shape: string, offsets: string) =>
  one(`"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}`);

test('the bytes are those that the format’s own library writes', t => {
  // Python, safetensors 0.8.0: safetensors.numpy.save({'b': np.float32([1]), 'a': np.float32([2]), 'i': np.int64([3]), 'u': np.uint8([4])})
  const tensors = new Map([
    ['u', tensor('uint8', [1], [4])],
    ['b', tensor('float32', [1], [1])],
    ['i', tensor('int64', [1], [3])],
    ['a', tensor('float32', [1], [2])],
  ]);
  const header =
    '{"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},' +
    '"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"u":{"dtype":"U8","shape":[1],"data_offsets":[16,17]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  const data = Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 128, 63, 4);
  t.deepEqual(joined(encodeSafetensors(tensors)), file(padded, data));
});

test('what is written is read, whatever the types, shapes and names', t => {
  const types = (Object.keys(bitsOf) as DataType[]).filter(type => bitsOf[type] >= 8 && type !== 'complex128');
  const one = fc
    .tuple(fc.constantFrom(...types), fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 8 }), fc.integer())
    .map(([type, shape, seed]): Tensor => {
      const bytes = Uint8Array.from({ length: byteLength(type, shape) }, (_, i) => (seed + i * 37) & 255);
      return { type, shape, bytes };
    });
  const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '', 'é', 'é'));
  const entries = fc.uniqueArray(fc.tuple(name, one), { selector: ([name]) => name, maxLength: 12 });
  fc.assert(
    fc.property(entries, fc.dictionary(name, fc.string()), fc.integer({ min: 0, max: 7 }), (entries, notes, shift) => {
      const tensors = new Map(entries.filter(([name]) => name !== '__metadata__'));
      const metadata = new Map(Object.entries(notes));
      const bytes = joined(encodeSafetensors(tensors, metadata));
      // At any alignment, and the same bytes whatever the order of the maps.
      const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
      shifted.set(bytes);
      const read = decodeSafetensors(shifted);
      t.deepEqual(new Map([...read.tensors].sort()), new Map([...tensors].sort()));
      t.deepEqual(new Map([...read.metadata].sort()), new Map([...metadata].sort()));
      t.deepEqual(joined(encodeSafetensors(new Map([...tensors].reverse()), new Map([...metadata].reverse()))), bytes);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('tensors are views, and values are right at odd addresses', t => {
  const bytes = joined(encodeSafetensors(new Map([['w', tensor('float32', [3], [1, 2, 3])]])));
  t.is(decodeSafetensors(bytes).tensors.get('w')!.bytes.buffer, bytes.buffer);
  const odd = new Uint8Array(bytes.length + 1).subarray(1);
  odd.set(bytes);
  t.deepEqual([...(elements(decodeSafetensors(odd).tensors.get('w')!) as Float32Array)], [1, 2, 3]);
  const buffer = Buffer.from(odd.buffer, 1);
  t.deepEqual([...(elements(decodeSafetensors(buffer).tensors.get('w')!) as Float32Array)], [1, 2, 3]);
});

test('names are data: no name reaches a prototype', t => {
  const header = ['__proto__', 'constructor', 'toString']
    .map((name, i) => `"${name}":{"dtype":"U8","shape":[],"data_offsets":[${i},${i + 1}]}`)
    .join();
  const { tensors } = decodeSafetensors(file(`{${header}}`, Uint8Array.of(5, 6, 7)));
  t.deepEqual(
    [...tensors.values()].map(at => at.bytes[0]),
    [5, 6, 7],
  );
  t.false('dtype' in {});
});

const refused: readonly (readonly [what: string, bytes: Uint8Array, code: string])[] = [
  ['no bytes', new Uint8Array(0), 'ST_HEADER'],
  ['seven bytes', new Uint8Array(7), 'ST_HEADER'],
  ['a header longer than the file', file('', 0, 33n), 'ST_HEADER'],
  ['a header of one byte', file('{'), 'ST_HEADER'],
  ['99 MB claimed', file('{}', 0, 99_000_000n), 'ST_HEADER'],
  ['2^63 claimed', file('{}', 0, 1n << 63n), 'ST_HEADER_TOO_LARGE'],
  ['100,000,001 claimed', file('{}', 0, 100_000_001n), 'ST_HEADER_TOO_LARGE'],
  ['no UTF-8', file(Uint8Array.of(123, 255, 125)), 'ST_HEADER'],
  ['a byte-order mark', file('\uFEFF{}'), 'ST_HEADER'],
  ['an array', file('[]'), 'ST_HEADER'],
  ['a number', file('12'), 'ST_HEADER'],
  ['text after', file('{}x'), 'ST_HEADER'],
  ['two objects', file('{}{}'), 'ST_HEADER'],
  ['single quotes', file("{'a':1}"), 'ST_HEADER'],
  ['a comma at the end', file('{"a":1,}'), 'ST_HEADER'],
  ['no colon', file('{"a" 1}'), 'ST_HEADER'],
  ['an open string', file('{"a'), 'ST_HEADER'],
  ['a line break in a string', file('{"a\n":1}'), 'ST_HEADER'],
  ['a bad escape', file('{"\\x":1}'), 'ST_HEADER'],
  ['a short \\u', file('{"\\u12":1}'), 'ST_HEADER'],
  ['half a surrogate pair', file('{"\\ud800":1}'), 'ST_HEADER'],
  ['the other half', file('{"\\udc00":1}'), 'ST_HEADER'],
  ['NaN', file(w('U8', '[NaN]', '[0,1]'), 1), 'ST_HEADER'],
  ['Infinity', file(w('U8', '[1e999]', '[0,1]'), 1), 'ST_HEADER'],
  ['a leading zero', file(w('U8', '[01]', '[0,1]'), 1), 'ST_HEADER'],
  ['a plus', file(w('U8', '[+1]', '[0,1]'), 1), 'ST_HEADER'],
  ['hexadecimal', file(w('U8', '[0x1]', '[0,1]'), 1), 'ST_HEADER'],
  ['a million digits', file(w('U8', `[${'9'.repeat(1_000_000)}]`, '[0,1]'), 1), 'ST_HEADER'],
  ['a comment', file('{/* */}'), 'ST_HEADER'],
  ['deep nesting', file(`{"a":${'['.repeat(50_000)}`), 'ST_HEADER'],
  ['deep objects', file('{"a":'.repeat(50_000)), 'ST_HEADER'],
  ['metadata of numbers', file('{"__metadata__":{"a":1}}'), 'ST_HEADER'],
  ['metadata as text', file('{"__metadata__":"a"}'), 'ST_HEADER'],
  ['metadata as null', file('{"__metadata__":null}'), 'ST_HEADER'],
  ['a tensor twice', file('{"a":1,"a":1}'), 'ST_DUPLICATE'],
  ['a tensor twice, once escaped', file('{"a":1,"\\u0061":1}'), 'ST_DUPLICATE'],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), 'ST_DUPLICATE'],
  ['a note twice', file('{"__metadata__":{"a":"","a":""}}'), 'ST_DUPLICATE'],
  ['dtype twice', file(one('"dtype":"U8","dtype":"U8"')), 'ST_DUPLICATE'],
  ['a tensor that is a number', file('{"w":1}'), 'ST_INFO'],
  ['a tensor that is a list', file('{"w":[]}'), 'ST_INFO'],
  ['no dtype', file(one('"shape":[],"data_offsets":[0,1]'), 1), 'ST_INFO'],
  ['no shape', file(one('"dtype":"U8","data_offsets":[0,1]'), 1), 'ST_INFO'],
  ['no offsets', file(one('"dtype":"U8","shape":[]'), 1), 'ST_INFO'],
  ['a fourth field', file(one('"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1'), 1), 'ST_INFO'],
  ['an unknown dtype', file(w('EVIL', '[]', '[0,1]'), 1), 'ST_INFO'],
  ['a lower-case dtype', file(w('u8', '[]', '[0,1]'), 1), 'ST_INFO'],
  ['a dtype of the prototype', file(w('__proto__', '[]', '[0,1]'), 1), 'ST_INFO'],
  ['a numeric dtype', file(one('"dtype":8,"shape":[],"data_offsets":[0,1]'), 1), 'ST_INFO'],
  ['a shape that is no list', file(w('U8', '1', '[0,1]'), 1), 'ST_INFO'],
  ['a negative shape', file(w('U8', '[-1,-1]', '[0,1]'), 1), 'ST_INFO'],
  ['a fractional shape', file(w('U8', '[1.0]', '[0,1]'), 1), 'ST_INFO'],
  ['minus nought', file(w('U8', '[-0]', '[0,0]')), 'ST_INFO'],
  ['rank 65', file(w('U8', `[${Array(65).fill(1).join()}]`, '[0,1]'), 1), 'ST_INFO'],
  ['shape and range apart', file(w('F32', '[2,3]', '[0,8]'), 8), 'ST_INFO'],
  ['a wrap to nought', file(w('U8', '[4294967296,4294967296]', '[0,0]')), 'ST_INFO'],
  ['an overflow hidden by nought', file(w('U8', `[${Array(60).fill('4294967296').join()},0]`, '[0,0]')), 'ST_INFO'],
  ['2^53 + 1', file(w('U8', '[9007199254740993]', '[0,9007199254740992]')), 'ST_INFO'],
  ['half a byte', file(w('F4', '[1]', '[0,1]'), 1), 'ST_INFO'],
  ['a negative offset', file(w('U8', '[1]', '[-1,0]'), 1), 'ST_OFFSETS'],
  ['offsets with fractions', file(w('U8', '[1]', '[0.0,1.0]'), 1), 'ST_OFFSETS'],
  ['offsets with exponents', file(w('U8', '[1]', '[0,1e0]'), 1), 'ST_OFFSETS'],
  ['offsets as text', file(w('U8', '[1]', '["0","1"]'), 1), 'ST_OFFSETS'],
  ['three offsets', file(w('U8', '[1]', '[0,1,1]'), 1), 'ST_OFFSETS'],
  ['no pair', file(w('U8', '[1]', '1'), 1), 'ST_OFFSETS'],
  ['begin past end', file(w('U8', '[1]', '[1,0]'), 1), 'ST_OFFSETS'],
  ['a hole at the start', file(w('U8', '[1]', '[1,2]'), 2), 'ST_OFFSETS'],
  [
    'an overlap',
    file(
      '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
      3,
    ),
    'ST_OFFSETS',
  ],
  ['missing data', file(w('U8', '[2]', '[0,2]'), 1), 'ST_INCOMPLETE'],
  ['a tail', file(w('U8', '[2]', '[0,2]'), 3), 'ST_INCOMPLETE'],
  ['data without tensors', file('{}', 1), 'ST_INCOMPLETE'],
  ['beyond any file', file(w('U8', '[9007199254740991]', '[0,9007199254740991]')), 'ST_INCOMPLETE'],
];
for (const [what, bytes, code] of refused)
  test(`refused: ${what}`, t => {
    t.is(
      codeOf(() => decodeSafetensors(bytes)),
      code,
    );
  });

test('blanks around the header and empty tensors are read', t => {
  t.is(decodeSafetensors(file('{}')).tensors.size, 0);
  t.is(decodeSafetensors(file(' \n{ }\t ')).tensors.size, 0);
  t.deepEqual(decodeSafetensors(file(w('F32', '[2,0]', '[0,0]'))).tensors.get('w')!.shape, [2, 0]);
  t.is(decodeSafetensors(file(w('F4', '[3,2]', '[0,3]'), 3)).tensors.get('w')!.type, 'float4e2m1');
});

test('what the format cannot hold is not written', t => {
  const bytes = new Uint8Array(4);
  const written = (name: string, at: Tensor) => codeOf(() => encodeSafetensors(new Map([[name, at]])));
  t.is(written('w', { type: 'string', shape: [0], bytes: bytes.subarray(4) }), 'ST_TYPE');
  t.is(written('w', { type: 'int4', shape: [8], bytes }), 'ST_TYPE');
  t.is(written('w', { type: 'float32', shape: [2], bytes }), 'TENSOR_SIZE');
  t.is(written('w', { type: 'float4e2m1', shape: [7], bytes }), 'ST_INFO');
  t.is(written('__metadata__', { type: 'uint8', shape: [4], bytes }), 'ST_NAME');
  t.is(written('\ud800', { type: 'uint8', shape: [4], bytes }), 'ST_NAME');
});

test('torn files: every cut is refused and every flipped bit is refused or read', t => {
  const whole = joined(encodeSafetensors(new Map([['w', tensor('float32', [2], [1, 2])]]), new Map([['a', 'b']])));
  for (let cut = 0; cut < whole.length; cut++)
    t.true(codeOf(() => decodeSafetensors(whole.subarray(0, cut))).startsWith('ST_'));
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const torn = whole.slice();
    torn[bit >> 3]! ^= 1 << (bit & 7);
    t.regex(
      codeOf(() => decodeSafetensors(torn)),
      /^(ST_|loads)/,
    );
  }
});
