// A session in a thread of its own: its runs go on while the calling thread is inside another. onnxruntime-node blocks
// the thread it runs in, so this is how one process keeps two cores busy with one thread in each network.

import { Worker } from 'node:worker_threads';
import { GraftError, errorOf, type Tensor } from '../base/index.js';
import type { Answer, Question, SessionTask } from './beside-task.js';
import { errors } from './errors.js';
import type { DeviceTensor, OpenOptions, Runtime, Session } from './runtime.js';

/**
 * Opens a model in a further thread. Feeds and results are copied between the threads.
 *
 * @throws RUNTIME_REFUSED; its runs RUNTIME_RUN_FAILED and RUNTIME_FEED_MISSING
 */
export async function openBeside(
  runtime: Pick<Runtime, 'tensor'>,
  provider: string,
  model: Uint8Array,
  options: OpenOptions = {},
): Promise<Session> {
  const task: SessionTask = { provider, model, options };
  const thread = new Worker(new URL('./session-worker.js', import.meta.url), { workerData: task });
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (cause: unknown) => void }>();
  let failure: GraftError | undefined;
  const fail = (reason: string, cause?: unknown): void => {
    failure ??= errors.RUN_FAILED({ reason }, cause);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  thread.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.resolve(answer);
    waiting.delete(answer.id);
  });
  thread.on('error', cause => fail(cause instanceof Error ? cause.message : String(cause), cause));
  const ended = new Promise<void>(resolve =>
    thread.on('exit', () => {
      fail('its thread has ended');
      resolve();
    }),
  );
  let count = 0;
  const answerTo = async (question: Omit<Extract<Question, { feeds: unknown }>, 'id'> | undefined) => {
    if (failure) throw failure;
    const id = count++;
    const answer = await new Promise<Answer>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      if (question) thread.postMessage({ id, ...question } satisfies Question);
    });
    if (!('error' in answer)) return answer;
    throw errorOf(answer.error);
  };
  // question 0 is the opening itself, which the thread begins with
  const opened = await answerTo(undefined);
  let open = true;
  return {
    inputs: opened.inputs,
    outputs: opened.outputs,
    async run(feeds, fetches = opened.outputs) {
      const given: [string, Tensor][] = [];
      for (const [name, feed] of feeds) given.push([name, await feed.read()]);
      const { results } = await answerTo({ feeds: given, fetches });
      return new Map<string, DeviceTensor>(results.map(([name, held]) => [name, runtime.tensor(held)]));
    },
    async close() {
      if (!open) return;
      open = false;
      thread.postMessage({ close: true } satisfies Question);
      await ended;
    },
  };
}
