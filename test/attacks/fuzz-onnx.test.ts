// Fuzzing of .onnx files: whatever is done to a good file, it loads and is written back equal, or is refused with a code,
// within a second and without eating memory. Seeds are fixed: a failure names its case, which can be made again.

import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { GraftError, Random, tensor, type Tensor } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { Writer } from '../../src/codec/wire.js';
import { verify } from '../../src/graph/index.js';
import { check } from '../../src/inspect/index.js';
import { fuzzModels } from './fuzz-models.js';
import { good, withGraphOf } from './hostile-onnx.js';
import { byteMutations, onnxSchema, pick, structural, type Mutation } from './mutate.js';

const cases = Number(process.env['GRAFT_FUZZ_CASES'] ?? 20_000);
const seed = process.env['GRAFT_FUZZ_SEED'] ?? 'onnx';
const mostGrowth = 256 * 2 ** 20;

// Half of the cases keep every length right, so that they come further than the wire format.
const mutations: readonly (readonly [string, Mutation])[] = Object.entries(byteMutations).flatMap(
  ([name, mutation]) => [[name, mutation] as const, ['structure', structural(onnxSchema, 'Model')] as const],
);

/** The code of the refusal, or undefined where the file is good. */
function outcome(bytes: Uint8Array): string | undefined {
  try {
    const model = verify(decodeModel(bytes));
    check(model);
    const written = encodeModel(model);
    const again = verify(decodeModel(written));
    if (!isDeepStrictEqual(again, model)) throw new Error('what was written is read as another model');
    if (!Buffer.from(encodeModel(again)).equals(written)) throw new Error('what was written is written differently');
    return undefined;
  } catch (error) {
    if (error instanceof GraftError && error.kind !== 'internal') return error.code;
    throw error;
  }
}

const files = Object.entries(fuzzModels);
for (const [name, make] of files)
  test(`good, and written back as it is: ${name}`, t => {
    t.is(outcome(make()), undefined);
  });

for (const [which, [name, make]] of files.entries())
  test(`spoiled: ${name}`, t => {
    const whole = make();
    const others = files.map(([, maker]) => maker());
    const codes = new Map<string, number>();
    const faults: string[] = [];
    const began = process.memoryUsage.rss();
    const mine = Math.ceil((cases - which) / files.length);
    for (let i = 0; i < mine; i++) {
      const random = new Random(seed).at(name, i);
      const [how, mutate] = pick(mutations, random);
      const bytes = mutate(whole, pick(others, random), random);
      const before = process.memoryUsage.rss();
      const start = performance.now();
      let code: string | undefined;
      try {
        code = outcome(bytes);
      } catch (error) {
        const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
        faults.push(`case ${i} (${how}): ${trace}\n${Buffer.from(bytes).toString('base64')}`);
        continue;
      }
      const took = performance.now() - start;
      if (took > 1000) faults.push(`case ${i} (${how}) took ${took.toFixed()} ms`);
      const grew = process.memoryUsage.rss() - before;
      if (grew > mostGrowth) faults.push(`case ${i} (${how}) took ${(grew / 2 ** 20).toFixed()} MiB`);
      codes.set(code ?? 'loads', (codes.get(code ?? 'loads') ?? 0) + 1);
    }
    t.deepEqual(faults, []);
    t.log([...codes].map(([code, count]) => `${code} ${count}`).join(', '));
    // Fuzzing that only ever meets the first line of defence shows nothing.
    t.true((codes.get('loads') ?? 0) > mine / 50);
    t.true(codes.size > 5);
    t.true(process.memoryUsage.rss() - began < 2 * mostGrowth);
  });

test('found: an attribute that refers to another and says a kind beyond 2^53 is written back as it is', t => {
  const attribute = new Writer()
    .text(1, 'alpha')
    .text(21, 'of')
    .varint(20, 2n ** 64n - 1n);
  const body = new Writer().text(1, 'a').text(2, 'b').text(4, 'Elu').message(5, attribute);
  const local = new Writer().text(1, 'F').text(4, 'a').text(5, 'b').message(7, body).text(10, 'mine');
  const opset = (domain: string) => new Writer().word(1, domain).varint(2, 1);
  const bytes = new Writer()
    .raw(good())
    .message(8, opset('mine'))
    .message(25, local.message(9, opset('')))
    .finish();
  t.is(outcome(bytes), undefined);
});

test('found: places of a sparse tensor that are no int64, and too few of them', t => {
  const [name, values] = ['w', tensor('float32', [2], [1, 2])];
  const of = (indices: Tensor) =>
    withGraphOf({ initializers: new Map(), sparseInitializers: [{ name, values, indices, shape: [4] }] });
  t.is(outcome(of(tensor('int32', [1], [1]))), 'ONNX_TYPE');
  t.is(outcome(of(tensor('int64', [1], [1]))), 'ONNX_SHAPE');
  t.is(outcome(of(tensor('int64', [2, 2], [0, 1, 2, 3]))), 'ONNX_SHAPE');
  t.is(outcome(of(tensor('int64', [2, 1], [0, 3]))), undefined);
});
