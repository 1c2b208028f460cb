// What both kinds of processes are made of: one question after another over the channel, and an end as soon as the server is
// gone, also in the middle of a run, which only another thread sees.

import { Worker } from 'node:worker_threads';
import { openInherited, type Channel } from './channel.js';
import type { Frame } from './frame.js';
import { inherited } from './inherited.js';

/** Answers questions until the channel ends, and the process with it. */
export function answerAll(answer: (frame: Frame, channel: Channel) => Promise<void>): void {
  let turn = Promise.resolve();
  const channel = openInherited(inherited.channel, {
    frame: frame => {
      turn = turn.then(() => answer(frame, channel));
    },
    ended: () => process.exit(0),
  });
  const thread = new Worker(new URL('./watch-parent.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  thread.unref();
}
