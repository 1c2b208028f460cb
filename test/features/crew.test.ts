// Batches that are run by several sessions come back in the order in which they were handed over.

import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { Crew, type CrewOptions } from '../../src/features/crew.js';
import { featurize } from '../../src/features/index.js';
import type { Session } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { meanModel, side, streamOf } from './stream.js';

const runtime = nodeRuntime();
const open = () => runtime.open(meanModel());

/** A crew whose batches are numbers; the first session takes `slow` milliseconds, those beside take as many. */
function crewOf(session: Session, slow: number, more: Partial<CrewOptions<number, number>> = {}) {
  const by: Session[] = [];
  const crew = new Crew<number, number>({
    session,
    run: async (who, turn) => {
      by.push(who);
      await setTimeout(slow);
      if (turn === 13) throw new Error('thirteen');
      return turn * 10;
    },
    most: 1,
    ...more,
  });
  return { crew, by };
}

test('a further session is opened while the network is waited for, and closed; the order stays', async t => {
  const [first, beside] = [await open(), await runtime.openBeside!(meanModel())];
  let opened = 0;
  const openBeside = async () => {
    opened++;
    return beside;
  };
  const { crew, by } = crewOf(first, 30, { openBeside, turns: 1000 });
  const got: number[] = [];
  for (let turn = 100; turn < 120; turn++) {
    await crew.take(turn);
    for (const [of, values] of crew.ready()) got.push(of, values);
  }
  await crew.finish();
  for (const [of, values] of crew.ready()) got.push(of, values);
  t.deepEqual(got, Array.from({ length: 20 }, (_, i) => [100 + i, 1000 + 10 * i]).flat()); // prettier-ignore
  t.is(opened, 1);
  t.true(by.includes(beside));
  t.true(by.includes(first));
  await crew.close();
  await t.throwsAsync(beside.run(new Map()), { code: 'RUNTIME_RUN_FAILED' });
  await first.close();
});

test('none is opened where pictures are waited for, or little is left', async t => {
  const first = await open();
  const openBeside = () => Promise.reject(new Error('not wanted'));
  const hungry = crewOf(first, 5, { openBeside, turns: 1000 });
  for (let turn = 0; turn < 12; turn++) {
    await setTimeout(5);
    hungry.crew.waited(5);
    await hungry.crew.take(turn);
  }
  const short = crewOf(first, 5, { openBeside, turns: 12 });
  for (let turn = 0; turn < 12; turn++) await short.crew.take(turn);
  t.true([...hungry.by, ...short.by].every(who => who === first));
  await hungry.crew.close();
  await short.crew.close();
  await first.close();
});

test('a session that cannot be opened is done without; a batch that fails says so in its turn', async t => {
  const first = await open();
  const { crew } = crewOf(first, 5, { openBeside: () => Promise.reject(new Error('no memory')), turns: 1000 });
  for (let turn = 0; turn < 12; turn++) await crew.take(turn);
  t.is([...crew.ready()].length, 12);
  await crew.take(13);
  t.throws(() => [...crew.ready()], { message: 'thirteen' });
  await crew.close();
  await first.close();
});

test('features are the same, in the same order, with a session beside', async t => {
  const list = Array.from({ length: 100 }, (_, i) => i);
  const session = await open();
  const common = { session, runtime, width: side, height: side, features: 3, batch: 2 };
  const alone = await featurize({ ...common, pictures: streamOf(list) });
  const helped = await featurize({
    ...common,
    pictures: streamOf(list),
    count: 1e9,
    openBeside: () => runtime.openBeside!(meanModel()),
  });
  t.deepEqual(helped, alone);
  await session.close();
});
