import test from 'ava';
import { joinMembers, membersInMemory, selectMembers, type MemberPredictions } from '../../src/evaluation/index.js';
import { labels, named, probabilities } from './waves.js';

const hashed = (source: MemberPredictions, first: number): MemberPredictions => ({
  ...source,
  hashes: Uint8Array.from({ length: source.count * 32 }, (_, i) => (i === 0 ? first : i % 251)),
});
const [a, b] = [named(probabilities.slice(0, 1)), membersInMemory(new Map([['other', probabilities[2]!], ['third', probabilities[3]!]]), 3)]; // prettier-ignore

test('members of many files are chosen among as those of one', async t => {
  const joined = joinMembers([a, b]);
  t.deepEqual(joined.names, ['a', 'other', 'third']);
  t.is(await joined.probabilitiesOf(2), probabilities[3]!);
  const one = await selectMembers(named([probabilities[0]!, probabilities[2]!, probabilities[3]!]), { labels });
  t.deepEqual(await selectMembers(joined, { labels }), one);
});

test('members of other pictures, other numbers or the same name are not joined', t => {
  const refused = (sources: readonly MemberPredictions[]) =>
    t.throws(() => joinMembers(sources), { code: 'EVALUATION_MEMBERS' });
  refused([]);
  refused([a, a]);
  refused([a, membersInMemory(new Map([['x', probabilities[2]!]]), 2)]);
  refused([a, membersInMemory(new Map([['x', probabilities[2]!.slice(3)]]), 3)]);
  t.regex(refused([hashed(a, 1), hashed(b, 2)]).message, /other pictures/);
  t.deepEqual(joinMembers([a, hashed(b, 2)]).hashes, hashed(b, 2).hashes);
  t.throws(() => membersInMemory(new Map(), 3), { code: 'EVALUATION_MEMBERS' });
});

test('a reader that fails ends the choice with its error, and nothing is left unhandled', async t => {
  for (const failing of [0, 1, 3]) {
    const source: MemberPredictions = {
      ...named(probabilities),
      probabilitiesOf: async m => {
        if (m >= failing) throw new Error(`no member ${m}`);
        return probabilities[m]!;
      },
    };
    await t.throwsAsync(selectMembers(source, { labels }), { message: `no member ${failing}` });
  }
});
