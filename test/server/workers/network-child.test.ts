// The process of a network by what it is told and answers, frame by frame.

import test from 'ava';
import { kinds, type Frame } from '../../../src/server/workers/frame.js';
import { startWorker } from '../../../src/server/workers/spawn.js';
import { addNetwork } from '../networks.js';
import { fileOf, telling } from './telling.js';

test('files that are not those of the first load are not opened: WORKER_CHANGED', async t => {
  const frames: Frame[] = [];
  let heard = (): void => undefined;
  const worker = startWorker('network-child', {
    log: telling().log,
    heap: 2 ** 28,
    frame: frame => {
      frames.push(frame);
      heard();
    },
    gone: () => undefined,
  });
  t.teardown(() => worker.kill());
  const task = { path: fileOf(addNetwork()), threads: 1, trial: 'none', rungs: false, sha256: '0'.repeat(64) };
  const answer = new Promise<void>(resolve => (heard = resolve));
  worker.channel.send({ kind: kinds.open, id: 7, text: JSON.stringify(task) });
  await answer;
  t.is(frames[0]!.kind, kinds.failed);
  t.is(frames[0]!.id, 7);
  t.like(JSON.parse(frames[0]!.text!), { code: 'WORKER_CHANGED' });
});
