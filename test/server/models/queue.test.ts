// The queue against a sorted list, and its time-outs.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { RequestQueue, type Ticket } from '../../../src/server/models/queue.js';

const queueOf = (most: number, ageing = 1000) => {
  const late: number[] = [];
  return { queue: new RequestQueue<number>({ most, ageing, timedOut: item => void late.push(item) }), late };
};
const long = 100_000;

const commands = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('push' as const), priority: fc.nat({ max: 4 }), after: fc.nat({ max: 700 }) }),
    fc.record({ kind: fc.constant('shift' as const) }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('again' as const), which: fc.nat() }),
  ),
  { maxLength: 120 },
);

testProp('it serves as a list sorted by coming plus handicap would', [commands, fc.integer({ min: 1, max: 20 })], (t, drawn, most) => {
  const { queue, late } = queueOf(most);
  const model: { ticket: Ticket<number>; at: number }[] = [];
  const out: Ticket<number>[] = [];
  let now = performance.now();
  drawn.forEach((command, i) => {
    if (command.kind === 'push') {
      now += command.after;
      const ticket = queue.push(i, { priority: command.priority, limit: long * 1000, now });
      t.is(ticket === undefined, model.length >= most, 'bounded');
      const handicap = command.priority === 0 ? 1000 : 1000 * (1 - 1 / command.priority);
      if (ticket) model.push({ ticket, at: now + handicap });
    } else if (command.kind === 'shift') {
      model.sort((a, b) => a.at - b.at || a.ticket.order - b.ticket.order);
      const first = model.shift();
      t.is(queue.first, first?.ticket.item);
      t.is(queue.shift(), first?.ticket.item);
      if (first) out.push(first.ticket);
    } else if (command.kind === 'remove') {
      const [gone] = model.splice(command.which % Math.max(1, model.length), 1);
      if (gone) {
        t.true(queue.remove(gone.ticket));
        t.false(queue.remove(gone.ticket), 'only once');
      }
    } else {
      // as after a run that failed for another one's sake: it is the first of its own again
      const ticket = out.pop();
      if (ticket) model.push({ ticket: queue.putBack(ticket, { limit: long * 1000, now }), at: ticket.due });
    }
    t.is(queue.size, model.length);
  });
  while (queue.shift() !== undefined);
  t.is(queue.size, 0);
  t.deepEqual(late, []);
}, { numRuns: 200 }); // prettier-ignore

test('1 goes first and 0 last; who has waited so much longer goes before both', t => {
  const { queue } = queueOf(10);
  const push = (item: number, priority: number, now: number) => queue.push(item, { priority, limit: long, now });
  const now = performance.now();
  push(0, 0, now);
  push(3, 3, now);
  push(1, 1, now + 5);
  push(2, 2, now);
  push(11, 1, now + 6);
  push(9, 1, now + 1001);
  t.deepEqual([1, 2, 3, 4, 5, 6].map(() => queue.shift()), [1, 11, 2, 3, 0, 9]); // prettier-ignore
});

test('times out those whose time is over, in their order, by one timer', async t => {
  const { queue, late } = queueOf(100);
  const now = performance.now();
  for (const [item, limit] of [[1, 60], [2, 20], [3, long], [4, 40], [5, 20]] as const) queue.push(item, { priority: 0, limit, now }); // prettier-ignore
  const removed = queue.push(6, { priority: 0, limit: 1, now })!;
  queue.remove(removed);
  await new Promise(resolve => setTimeout(resolve, 250));
  t.deepEqual([...late].sort(), [1, 2, 4, 5]);
  t.deepEqual(late.slice(-2), [4, 1]);
  t.is(queue.shift(), 3);
  t.is(queue.size, 0);
});
