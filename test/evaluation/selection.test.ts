import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { evaluate, pool, selectMembers, type SelectionOptions } from '../../src/evaluation/index.js';
import { classes, labels, named, near, pictures, probabilities, questions, targets } from './waves.js';

const members = named(probabilities);
const names = ['0', '1', '2'];

test('the choice is that of forty lines of NumPy, round by round', async t => {
  // Caruana's loop over S + P[m] with losses rounded to 12 digits, ties to those used, then to the first
  const found = await selectMembers(members, { labels });
  const rounds = [2, 0, 2, 3, 0, 2, 2, 0, 2, 3, 2, 0, 2, 2, 0, 2, 3, 0, 2, 2, 0, 2, 3, 2, 0];
  t.deepEqual(found.rounds.map(round => round.member), rounds); // prettier-ignore
  t.deepEqual([...found.counts], [4, 0, 7, 2]);
  t.true(near(found.weights, [4 / 13, 0, 7 / 13, 2 / 13], 1e-15));
  t.true(Math.abs(found.value - 0.872547762927) < 1e-7);
  t.is(found.single.member, 2);
  t.true(Math.abs(found.single.value - 1.052214898437021) < 1e-7);

  const accuracy = await selectMembers(members, { labels }, { metric: 'accuracy' });
  t.deepEqual(accuracy.rounds.map(round => round.member), [2, 0, 3, 2, 0, 3, 0, 2, 0, 2, 3, 0, 2, 0, 2, 0, 2, 3, 0, 2, 0, 2, 3, 0, 2]); // prettier-ignore
  t.deepEqual([...accuracy.counts], [6, 0, 5, 3]);
  t.is(accuracy.value, 0.75);

  const once = await selectMembers(members, { labels }, { replacement: false });
  t.deepEqual(once.rounds.map(round => round.member), [2, 0, 3, 1]); // prettier-ignore
  t.deepEqual([...once.counts], [1, 0, 1, 1]);
  t.true(Math.abs(once.value - 0.889183170799) < 1e-7);
});

test('of several labels too', async t => {
  const found = await selectMembers(named(questions), { targets });
  t.deepEqual([...found.counts], [5, 2, 0, 6]);
  t.true(Math.abs(found.value - 2.08422366077) < 1e-6);
  const exact = await selectMembers(named(questions), { targets }, { metric: 'accuracy' });
  t.deepEqual(exact.rounds.map(round => round.member).slice(0, 7), [0, 3, 0, 2, 0, 3, 0]); // prettier-ignore
  t.deepEqual([...exact.counts], [3, 0, 1, 2]);
});

test('the value is what evaluate says of the weighted mean', async t => {
  for (const metric of ['negativeLogLikelihood', 'accuracy'] as const) {
    const { weights, value } = await selectMembers(members, { labels }, { metric });
    const pooled = pool(probabilities, { classes, weights });
    const figure = evaluate({ probabilities: pooled.probabilities, labels, classes: names })[metric];
    t.true(Math.abs(figure - value) < 1e-6, metric);
  }
});

test('ties go to a member already used, then to the first', async t => {
  const [p, q] = [Float32Array.of(0.6, 0.4, 0.3, 0.7), Float32Array.of(0.9, 0.1, 0.2, 0.8)];
  const twins = await selectMembers(named([p, q, q], 2), { labels: [0, 1] });
  t.deepEqual([...twins.counts], [0, 1, 0]);
  const late = await selectMembers(named([q, q], 2), { labels: [0, 1] }, { start: [1], size: 4 });
  t.deepEqual(late.rounds.map(round => round.member), [1, 1, 1, 1]); // prettier-ignore
  const byMistakes = await selectMembers(named([p, q, q], 2), { labels: [0, 1] }, { metric: 'accuracy', size: 3 });
  t.deepEqual(byMistakes.rounds.map(round => round.member), [0, 0, 0]); // prettier-ignore
});

test('the result is cut at the first best round', async t => {
  // one member is right for sure: each round after the first is as good, none better
  const found = await selectMembers(named([Float32Array.of(1, 0), Float32Array.of(0.5, 0.5)], 2), { labels: [0] });
  t.is(found.rounds.length, 25);
  t.deepEqual([...found.counts], [1, 0]);
  const { rounds, counts, value } = await selectMembers(members, { labels });
  const kept = counts.reduce((a, b) => a + b, 0);
  t.true(rounds.slice(0, kept - 1).every(round => round.value > value));
  t.true(rounds.slice(kept).every(round => round.value >= value - 1e-12));
});

test('what must be in is, however bad it is', async t => {
  for (const metric of ['negativeLogLikelihood', 'accuracy'] as const) {
    const found = await selectMembers(members, { labels }, { start: [1, 3], metric, replacement: false });
    t.deepEqual(found.rounds.slice(0, 2).map(round => round.member), [1, 3]); // prettier-ignore
    t.true(found.counts[1] === 1 && found.counts[3] === 1);
  }
  const alone = await selectMembers(members, { labels }, { start: [1], size: 1 });
  t.deepEqual([...alone.counts], [0, 1, 0, 0]);
});

test('a sorted beginning takes the best singles in their order', async t => {
  const found = await selectMembers(members, { labels }, { sorted: 3 });
  // losses alone: 1.649, 1.337, 1.052, 1.516
  t.deepEqual(found.rounds.slice(0, 3).map(round => round.member), [2, 1, 3]); // prettier-ignore
  t.true(found.value <= found.single.value);
});

test('bags are of the seed, and never worse than the best member', async t => {
  const options: SelectionOptions = { bags: 5, bagShare: 0.5, seed: 7 };
  const found = await selectMembers(members, { labels }, options);
  t.deepEqual(await selectMembers(members, { labels }, options), found);
  t.true(found.value <= found.single.value);
  // bags of one member each hold bad ones mostly: their sum is worse than the best alone, which is then taken
  const bad = await selectMembers(named([probabilities[2]!, ...Array.from({ length: 9 }, () => probabilities[0]!.map((_, i, p) => p[(i + 1) % p.length]!))]), { labels }, { bags: 3, bagShare: 0.1, seed: 1 }); // prettier-ignore
  t.true(bad.value <= bad.single.value + 1e-12);
  t.deepEqual([...bad.counts], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('what cannot be chosen by is refused', async t => {
  const code = (value: string) => ({ code: value });
  for (const options of [
    { size: 0 },
    { size: 1.5 },
    { sorted: -1 },
    { bags: -1 },
    { bags: 1, bagShare: 0 },
    { start: [4] },
    { start: [0, 0] },
    { metric: 'f1' as 'accuracy' },
  ])
    // prettier-ignore
    await t.throwsAsync(selectMembers(members, { labels }, options), code('EVALUATION_OPTION'), JSON.stringify(options));
  await t.throwsAsync(selectMembers(members, { labels }, { memory: 100 }), code('EVALUATION_MEMORY'));
  await t.throwsAsync(selectMembers(members, { labels: labels.slice(1) }), code('EVALUATION_SHAPE'));
  await t.throwsAsync(selectMembers(members, { labels: labels.map(() => 3) }), code('EVALUATION_LABEL'));
  await t.throwsAsync(selectMembers(named([new Float32Array(0)]), { labels: [] }), code('EVALUATION_EMPTY'));
  await t.throwsAsync(selectMembers(named([Float32Array.of(Number.NaN, 1)], 2), { labels: [0] }), code('EVALUATION_MEMBERS')); // prettier-ignore
  await t.throwsAsync(selectMembers(named([Float32Array.of(3, -2)], 2), { labels: [0] }), code('EVALUATION_MEMBERS'));
  const broken = { ...members, probabilitiesOf: (m: number) => (m === 2 ? new Float32Array(3) : probabilities[m]!) };
  await t.throwsAsync(selectMembers(broken, { labels }), code('EVALUATION_MEMBERS'));
});

/** Members of few pictures and many classes, some numbers equal, so that ties and undecided pictures are met. */
const crowd = fc
  .record({ M: fc.integer({ min: 1, max: 6 }), n: fc.integer({ min: 1, max: 8 }), K: fc.integer({ min: 2, max: 14 }) })
  .chain(({ M, n, K }) =>
    fc.record({
      K: fc.constant(K),
      labels: fc.array(fc.nat(K - 1), { minLength: n, maxLength: n }),
      members: fc.array(fc.array(fc.nat(6), { minLength: n * K, maxLength: n * K }), { minLength: M, maxLength: M }),
    }),
  );
const normalized = (counts: readonly number[], K: number): Float32Array =>
  Float32Array.from(counts, (count, i) => {
    const from = i - (i % K);
    return (count + 0.5) / counts.slice(from, from + K).reduce((sum, c) => sum + c + 0.5, 0);
  });

testProp(
  'accuracy by bounds is accuracy by looking at all, round by round',
  [crowd],
  async (t, { K, labels, members }) => {
    const arrays = members.map(counts => normalized(counts, K));
    const found = await selectMembers(named(arrays, K), { labels }, { metric: 'accuracy', size: 6 });
    const sum = new Float64Array(labels.length * K);
    const rightOf = (p: Float32Array) =>
      labels.filter((y, i) => {
        const row = Array.from({ length: K }, (_, k) => sum[i * K + k]! + p[i * K + k]!);
        return row.indexOf(Math.max(...row)) === y;
      }).length;
    const used = new Set<number>();
    for (const round of found.rounds) {
      const rights = arrays.map(rightOf);
      const most = Math.max(...rights);
      const best = rights.flatMap((right, m) => (right === most ? [m] : []));
      const wanted = best.find(m => used.has(m)) ?? best[0]!;
      t.is(round.member, wanted);
      t.true(Math.abs(round.value - most / labels.length) < 1e-12);
      used.add(wanted);
      arrays[wanted]!.forEach((p, i) => (sum[i]! += p));
    }
  },
  { numRuns: 200 },
);

testProp(
  'never worse than the best member; the order of pictures is nothing',
  [crowd, fc.constantFrom('negativeLogLikelihood', 'accuracy')],
  async (t, { K, labels, members }, metric) => {
    const options = { metric: metric as 'accuracy', size: 8 };
    const arrays = members.map(counts => normalized(counts, K));
    const found = await selectMembers(named(arrays, K), { labels }, options);
    const worse = metric === 'accuracy' ? found.single.value - found.value : found.value - found.single.value;
    t.true(worse <= 1e-12);
    t.true(Math.abs(found.weights.reduce((a, b) => a + b, 0) - 1) < 1e-12);
    const turned = arrays.map(p => Float32Array.from({ length: p.length }, (_, i) => p[p.length - K * (Math.floor(i / K) + 1) + (i % K)]!)); // prettier-ignore
    const again = await selectMembers(named(turned, K), { labels: labels.toReversed() }, options);
    t.deepEqual(again.counts, found.counts);
  },
  { numRuns: 100 },
);

test('sixty pictures are read once for the likelihood', async t => {
  let reads = 0;
  const counted = { ...members, probabilitiesOf: (m: number) => (reads++, probabilities[m]!) };
  await selectMembers(counted, { labels });
  t.is(reads, 4);
  t.is(labels.length, pictures);
});
