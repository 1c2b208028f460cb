import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { encodeSafetensors, tensor, toFloat16, type Tensor } from '../../src/base/index.js';
import { openSafetensors, writeAtomically } from '../../src/base/node.js';
import { joinMembers, selectMembers, storedPredictions, type StoredOptions } from '../../src/evaluation/index.js';
import { labels, logits, named, near, pictures, probabilities, questions, targets } from './waves.js';

const hashes = tensor(
  'uint8',
  [pictures, 32],
  Uint8Array.from({ length: pictures * 32 }, (_, i) => i % 256),
);
const all = Float32Array.from(logits.flatMap(z => [...z]));
const cube = tensor('float32', [4, pictures, 3], all);
const members = new Map([['members', '["a","b","c","d"]']]);

/** Writes tensors and opens them as predictions. */
async function stored(
  t: ExecutionContext,
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: ReadonlyMap<string, string>,
  options?: StoredOptions,
) {
  const folder = await fs.mkdtemp(join(tmpdir(), 'graft-stored-'));
  t.teardown(() => fs.rm(folder, { recursive: true }));
  const path = join(folder, 'validation.safetensors');
  await writeAtomically(path, encodeSafetensors(tensors, metadata));
  const file = await openSafetensors(path);
  t.teardown(() => file.close());
  return storedPredictions(file, options);
}

test('all layouts give the choice that arrays in memory give', async t => {
  const wanted = await selectMembers(named(probabilities), { labels });
  const one = await stored(t, new Map([['logits', cube], ['hashes', hashes]]), members); // prettier-ignore
  t.deepEqual(one.names, ['a', 'b', 'c', 'd']);
  t.deepEqual([one.count, one.classes, one.hashes], [pictures, 3, hashes.bytes]);
  const each = await stored(t, new Map(logits.map((z, m) => ['abcd'[m]!, tensor('float32', [pictures, 3], z)])));
  t.deepEqual(each.names, ['a', 'b', 'c', 'd']);
  const runs = await Promise.all(
    logits.map((z, m) =>
      stored(t, new Map([['logits', tensor('float32', [pictures, 3], z)], ['hashes', hashes]]), undefined, {
        name: 'abcd'[m]!,
      }),
    ),
  ); // prettier-ignore
  for (const source of [one, each, joinMembers(runs)]) {
    t.deepEqual(source.names, ['a', 'b', 'c', 'd']);
    const found = await selectMembers(source, { labels });
    t.deepEqual(found.counts, wanted.counts);
    t.true(Math.abs(found.value - wanted.value) < 1e-7);
  }
  t.deepEqual(await one.logitsOf(2), logits[2]!);
  t.true(near(await one.probabilitiesOf(2), [...probabilities[2]!], 1e-6));
  t.deepEqual(await one.logitsOf(2), logits[2]!, 'the softmax was not left in the file');
});

test('sigmoids of several labels, halves of float, and a calibrator of one’s own', async t => {
  const several = await stored(t, new Map([['logits', cube]]), undefined, { task: 'multi-label' });
  t.deepEqual(several.names, ['member 1', 'member 2', 'member 3', 'member 4']);
  t.true(near(await several.probabilitiesOf(1), [...questions[1]!], 1e-6));
  const choice = await selectMembers(several, { targets });
  t.deepEqual([...choice.counts], [5, 2, 0, 6]);
  const half = await stored(t, new Map([['logits', tensor('float16', [4, pictures, 3], Uint16Array.from(all, toFloat16))]])); // prettier-ignore
  t.true(near(await half.probabilitiesOf(3), [...probabilities[3]!], 2e-3));
  const own = await stored(t, new Map([['logits', cube]]), undefined, {
    probabilitiesOf: (z, m) => z.map(() => m),
  });
  t.true((await own.probabilitiesOf(3)).every(p => p === 3));
});

test('logits of −∞ and of any size give probabilities; a row of nothing but −∞ is refused', async t => {
  const file = (values: readonly number[]) => stored(t, new Map([['logits', tensor('float32', [1, 2], values)]]));
  t.deepEqual([...(await (await file([1000, -Infinity])).probabilitiesOf(0))], [1, 0]);
  await t.throwsAsync(selectMembers(await file([-Infinity, -Infinity]), { labels: [0] }), { code: 'EVALUATION_MEMBERS' }); // prettier-ignore
});

test('what holds no predictions is refused before a member is read', async t => {
  const flat = (shape: readonly number[], type: 'float32' | 'int32' = 'float32') =>
    tensor(
      type,
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0),
    );
  const bad: readonly (readonly [string, ReadonlyMap<string, Tensor>, ReadonlyMap<string, string>?])[] = [
    ['nothing', new Map()],
    ['hashes alone', new Map([['hashes', hashes]])],
    ['whole numbers', new Map([['logits', flat([2, 2, 2], 'int32')]])],
    ['a line', new Map([['a', flat([4])]])],
    ['members of two sizes', new Map([['a', flat([2, 2])], ['b', flat([2, 3])]])],
    ['hashes of other pictures', new Map([['logits', flat([2, 2])], ['hashes', hashes]])],
    ['too few names', new Map([['logits', flat([2, 2, 2])]]), new Map([['members', '["a"]']])],
    ['a name twice', new Map([['logits', flat([2, 2, 2])]]), new Map([['members', '["a","a"]']])],
    ['names that are numbers', new Map([['logits', flat([2, 2, 2])]]), new Map([['members', '[1,2]']])],
    ['names of no JSON', new Map([['logits', flat([2, 2, 2])]]), new Map([['members', 'a,b']])],
  ]; // prettier-ignore
  for (const [name, tensors, metadata] of bad)
    await t.throwsAsync(stored(t, tensors, metadata), { code: 'EVALUATION_STORED' }, name);
  const one = await stored(t, new Map([['logits', cube]]));
  for (const m of [-1, 4, 0.5]) await t.throwsAsync(one.probabilitiesOf(m), { code: 'EVALUATION_OPTION' });
  await t.throwsAsync(selectMembers(await stored(t, new Map([['logits', flat([0, 2, 3])]])), { labels: [] }), { code: 'EVALUATION_MEMBERS' }); // prettier-ignore
});

test('names of the prototype are names', async t => {
  const source = await stored(t, new Map([['__proto__', tensor('float32', [1, 2], [2, 0])], ['constructor', tensor('float32', [1, 2], [0, 0])]])); // prettier-ignore
  t.deepEqual(source.names, ['__proto__', 'constructor']);
  t.deepEqual([...(await selectMembers(source, { labels: [0] })).counts], [1, 0]);
});
