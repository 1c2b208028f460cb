// Fuzzing of ONNX Runtime's checkpoints: whatever is done to a good file, it reads and is written back as the same, or is
// refused with a code, within a second. Every length is tried as well. Seeds are fixed: a failure names its case.

import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { GraftError, Random, tensor, type Tensor } from '../../src/base/index.js';
import { decodeOrtCheckpoint, encodeOrtCheckpoint, type OrtCheckpoint } from '../../src/codec/index.js';
import { byteMutations, pick, type Mutation } from './mutate.js';

const cases = Number(process.env['GRAFT_FUZZ_CASES'] ?? 10_000);
const seed = process.env['GRAFT_FUZZ_SEED'] ?? 'checkpoint';
const mostGrowth = 256 * 2 ** 20;

const w = tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]);
const b = tensor('float32', [2], [0.5, -0.5]);
const moments = new Map([['momentum0', w], ['momentum1', w]]); // prettier-ignore
const empty: OrtCheckpoint = {
  version: 1,
  trainable: new Map(),
  frozen: new Map(),
  isNominal: false,
  groups: [],
  properties: new Map(),
};
const files: Readonly<Record<string, OrtCheckpoint>> = {
  empty,
  parameters: { ...empty, trainable: new Map([['w', w], ['b', b]]), frozen: new Map([['scale', b]]) }, // prettier-ignore
  everything: {
    version: 2,
    trainable: new Map<string, Tensor>([
      ['w', w],
      ['__proto__', tensor('int64', [2], [-1, 2 ** 40])],
      ['\u{1f600}', tensor('float16', [], [1])],
    ]),
    frozen: new Map([['none', tensor('float64', [0, 7], [])]]),
    isNominal: false,
    groups: [{ name: 'group0', step: 3, initialLearningRate: 0.1, states: new Map([['w', moments], ['v', moments]]) }], // prettier-ignore
    properties: new Map<string, bigint | number | string>([
      ['epoch', 7n],
      ['best', 0.25],
      ['note', 'two\nlines'],
    ]),
  },
};

/** A distance, a count or an entry of a vtable becomes another number nearby, or one of another place of the file. */
const distance: Mutation = (bytes, _, random) => {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  const wide = random.integer(2) === 0;
  const step = wide ? 4 : 2;
  const at = step * random.integer(Math.floor(bytes.length / step));
  if (at + step > bytes.length) return changed;
  const from = step * random.integer(Math.floor(bytes.length / step));
  const old = wide ? view.getUint32(at, true) : view.getUint16(at, true);
  const [near, other] = [
    old + 4 * (random.integer(33) - 16),
    wide ? view.getUint32(from, true) : view.getUint16(from, true),
  ];
  const next = random.integer(3) === 0 ? other : near;
  if (wide) view.setUint32(at, next, true);
  else view.setUint16(at, next, true);
  return changed;
};
const mutations: readonly (readonly [string, Mutation])[] = [
  ...Object.entries(byteMutations),
  ['distance', distance],
  ['distance', distance],
  ['two distances', (bytes, other, random) => distance(distance(bytes, other, random), other, random)],
];

/** The code of the refusal, or undefined where the file is good. */
function outcome(bytes: Uint8Array): string | undefined {
  try {
    const found = decodeOrtCheckpoint(bytes);
    const written = encodeOrtCheckpoint(found);
    if (!isDeepStrictEqual(decodeOrtCheckpoint(written), found)) throw new Error('it is written as another');
    return undefined;
  } catch (error) {
    if (error instanceof GraftError && error.kind !== 'internal') return error.code;
    throw error;
  }
}

const list = Object.entries(files);
for (const [name, checkpoint] of list) {
  const whole = encodeOrtCheckpoint(checkpoint);
  test(`spoiled: ${name}`, t => {
    t.is(outcome(whole), undefined);
    const others = list.map(([, other]) => encodeOrtCheckpoint(other));
    const codes = new Map<string, number>();
    const faults: string[] = [];
    const began = process.memoryUsage.rss();
    for (let i = 0; i < cases / list.length; i++) {
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
    t.true((codes.get('CHECKPOINT_MALFORMED') ?? 0) > 0);
    t.true(process.memoryUsage.rss() - began < mostGrowth);
  });

  test(`cut anywhere: ${name}`, t => {
    for (let length = 0; length < whole.length; length++)
      t.regex(outcome(whole.slice(0, length)) ?? 'reads', /^CHECKPOINT_(FORMAT|MALFORMED)$|^reads$/, `${length}`);
  });
}

/** Where the distance at a place leads, and where the field of a slot lies in its table. */
const follow = (view: DataView, at: number) => at + view.getUint32(at, true);
const fieldOf = (view: DataView, table: number, slot: number) =>
  table + view.getUint16(table - view.getInt32(table, true) + 4 + 2 * slot, true);
const lead = (view: DataView, at: number, to: number) => view.setUint32(at, to - at, true);

test('parts that are shared many times over are refused at once', t => {
  const count = 2000;
  const of = (size: number) => tensor('float32', [size], new Float32Array(size));
  const names = Array.from({ length: count }, (_, i) => [`p${i}`, of(i === 0 ? 50_000 : 1)] as const);
  const made = () => {
    const bytes = encodeOrtCheckpoint({ ...empty, trainable: new Map(names) });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const module = follow(view, fieldOf(view, view.getUint32(0, true), 1));
    const list = follow(view, fieldOf(view, module, 0)) + 4;
    return { bytes, view, list };
  };
  const start = performance.now();
  // the tensors written first lie last: everything can lead there
  const same = made();
  for (let i = 1; i < count; i++) lead(same.view, same.list + 4 * i, follow(same.view, same.list));
  t.throws(() => decodeOrtCheckpoint(same.bytes), { code: 'CHECKPOINT_NAME', message: /given twice/ });
  // names of their own, shape and data in common: 200 kB that would become 400 MB
  const { bytes, view, list } = made();
  const first = follow(view, list);
  for (let i = 1; i < count; i++)
    for (const slot of [2, 4])
      lead(view, fieldOf(view, follow(view, list + 4 * i), slot), follow(view, fieldOf(view, first, slot)));
  t.throws(() => decodeOrtCheckpoint(bytes), { code: 'CHECKPOINT_MALFORMED', message: /overlaps/ });
  t.true(performance.now() - start < 2000);
});
