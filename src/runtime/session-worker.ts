// The thread behind beside.ts: opens one model, then runs it for each question, in order. Errors cross as data.

import { parentPort, workerData } from 'node:worker_threads';
import { errorData, type Tensor } from '../base/index.js';
import type { Answer, Question, SessionTask } from './beside-task.js';
import { nodeRuntime, type NodeProvider } from './node.js';
import type { Session } from './runtime.js';

if (parentPort) await work(workerData as SessionTask, parentPort);

async function work({ provider, model, options }: SessionTask, port: NonNullable<typeof parentPort>): Promise<void> {
  const runtime = nodeRuntime(provider as NodeProvider);
  const say = (answer: Answer): void => port.postMessage(answer);
  let session: Session;
  try {
    session = await runtime.open(model, options);
  } catch (cause) {
    say({ id: 0, error: errorData(cause) });
    return;
  }
  const { inputs, outputs } = session;
  say({ id: 0, inputs, outputs, results: [] });
  // one after the other, though messages may arrive while one is run
  let turn = Promise.resolve();
  port.on('message', (question: Question) => {
    turn = turn.then(async () => {
      if ('close' in question) {
        await session.close();
        port.close();
      } else say(await answer(question));
    });
  });

  async function answer({ id, feeds, fetches }: Extract<Question, { feeds: unknown }>): Promise<Answer> {
    try {
      const given = new Map(feeds.map(([name, held]) => [name, runtime.tensor(held)]));
      const results: [string, Tensor][] = [];
      for (const [name, held] of await session.run(given, fetches)) results.push([name, await held.read()]);
      return { id, inputs, outputs, results };
    } catch (cause) {
      return { id, error: errorData(cause) };
    }
  }
}
