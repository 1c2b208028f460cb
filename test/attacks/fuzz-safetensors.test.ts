// Fuzzing of safetensors files: whatever is done to a good file, it reads and is written back as the same tensors, or is
// refused with a code, within a second. Seeds are fixed: a failure names its case, which can be made again.

import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { decodeSafetensors, encodeSafetensors, GraftError, Random, tensor, type Tensor } from '../../src/base/index.js';
import { byteMutations, pick, type Mutation } from './mutate.js';

const cases = Number(process.env['GRAFT_FUZZ_CASES'] ?? 5_000);
const seed = process.env['GRAFT_FUZZ_SEED'] ?? 'safetensors';
const mostGrowth = 256 * 2 ** 20;

const files: Readonly<Record<string, () => Uint8Array>> = {
  'no tensor': () => joined(new Map()),
  'one tensor': () => joined(new Map([['w', tensor('float32', [2, 2], [1, 2, 3, 4])]])),
  'many types, odd names and metadata': () =>
    joined(
      new Map<string, Tensor>([
        ['a', tensor('float64', [1], [0.5])],
        ['__proto__', tensor('int64', [2], [-1, 2 ** 40])],
        ['"quoted\\ \u00e9 \u{1f600}', tensor('uint8', [3], [1, 2, 3])],
        ['empty', tensor('float32', [0, 7], [])],
        ['scalar', tensor('float16', [], [1])],
        ['yes', tensor('bool', [1, 1], [1])],
        ['half', { type: 'float4e2m1', shape: [2, 2], bytes: Uint8Array.of(1, 2) }],
      ]),
      new Map([
        ['format', 'pt'],
        ['note', 'two\nlines'],
      ]),
    ),
};

/** The file with its header changed as text; where `fits`, the length before it is right. */
const inHeader =
  (spoil: Mutation, fits: boolean): Mutation =>
  (bytes, other, random) => {
    const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = spoil(bytes.subarray(8, end), other.subarray(8), random);
    const head = new Uint8Array(8);
    const length = fits ? header.length : end - 8;
    new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
    return new Uint8Array(Buffer.concat([head, header, bytes.subarray(end)]));
  };

/** One number or word of the header becomes another. */
const word: Mutation = (header, other, random) => {
  const text = Buffer.from(header).toString();
  const found = [...text.matchAll(/-?\d+|"[^"]*"|[[\]{},:]/g)];
  const from = Buffer.from(other).toString('latin1');
  const given = [...from.matchAll(/"[^"]*"|\d+/g)].map(([part]) => part);
  if (found.length === 0) return header;
  const { 0: old, index } = pick(found, random);
  const words = [
    '0',
    '-1',
    '1e1',
    '18446744073709551616',
    '9007199254740993',
    '"F32"',
    '"dtype"',
    '[]',
    '{}',
    '\\u0061',
    '',
  ];
  const near = /^\d+$/.test(old) ? [String(BigInt(old) + 1n), String(BigInt(old) + 8n)] : [];
  const next = pick([words, given.length > 0 ? given : words, near.length > 0 ? near : words], random);
  return Buffer.from(text.slice(0, index) + pick(next, random) + text.slice(index + old.length));
};

const mutations: readonly (readonly [string, Mutation])[] = Object.entries(byteMutations).flatMap(
  ([name, mutation]) => [
    [name, mutation] as const,
    [`${name} in the header`, inHeader(mutation, true)] as const,
    ['word', inHeader(word, true)] as const,
    ['word, without its length', inHeader(word, false)] as const,
  ],
);

/** The code of the refusal, or undefined where the file is good. */
function outcome(bytes: Uint8Array): string | undefined {
  try {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const written = Buffer.concat(encodeSafetensors(tensors, metadata));
    const again = decodeSafetensors(written);
    // The writer sorts; what is held must be the same.
    for (const [name, held] of tensors)
      if (!isDeepStrictEqual(again.tensors.get(name), held)) throw new Error(`${name} is read as another tensor`);
    if (again.tensors.size !== tensors.size) throw new Error('tensors were added');
    if (!isDeepStrictEqual(new Map([...again.metadata].sort()), new Map([...metadata].sort())))
      throw new Error('the metadata is read as another');
    if (!Buffer.concat(encodeSafetensors(again.tensors, again.metadata)).equals(written))
      throw new Error('what was written is written differently');
    return undefined;
  } catch (error) {
    if (error instanceof GraftError && error.kind !== 'internal') return error.code;
    throw error;
  }
}

const joined = (tensors: ReadonlyMap<string, Tensor>, metadata?: ReadonlyMap<string, string>): Uint8Array =>
  new Uint8Array(Buffer.concat(encodeSafetensors(tensors, metadata)));

const list = Object.entries(files);
for (const [which, [name, make]] of list.entries())
  test(`spoiled: ${name}`, t => {
    const whole = make();
    t.is(outcome(whole), undefined);
    const others = list.map(([, maker]) => maker());
    const codes = new Map<string, number>();
    const faults: string[] = [];
    const began = process.memoryUsage.rss();
    const mine = Math.ceil((cases - which) / list.length);
    for (let i = 0; i < mine; i++) {
      const random = new Random(seed).at(name, i);
      const [how, mutate] = pick(mutations, random);
      const bytes = mutate(whole, pick(others, random), random);
      const start = performance.now();
      try {
        const code = outcome(bytes) ?? 'reads';
        codes.set(code, (codes.get(code) ?? 0) + 1);
      } catch (error) {
        const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
        faults.push(`case ${i} (${how}): ${trace}\n${Buffer.from(bytes).toString('base64')}`);
      }
      const took = performance.now() - start;
      if (took > 1000) faults.push(`case ${i} (${how}) took ${took.toFixed()} ms`);
    }
    t.deepEqual(faults, []);
    t.log([...codes].map(([code, count]) => `${code} ${count}`).join(', '));
    t.true((codes.get('reads') ?? 0) > 0);
    t.true(codes.size > 3);
    t.true(process.memoryUsage.rss() - began < mostGrowth);
  });
