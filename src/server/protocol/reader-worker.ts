// The thread behind reader-pool.ts: one JSON part at a time to tensors, whose bytes are handed over. Errors cross as data.

import { parentPort } from 'node:worker_threads';
import { errorData } from '../../serving.js';
import { readJsonRequest } from './json-request.js';
import type { ReaderResult, ReaderTask } from './reader-task.js';

function read({ json, tail, facts, limits }: ReaderTask): ReaderResult {
  try {
    return { request: readJsonRequest(json, tail, facts, limits) };
  } catch (error) {
    return { error: errorData(error) };
  }
}

const port = parentPort;
port?.on('message', (task: ReaderTask) => {
  const result = read(task);
  const inputs = 'request' in result ? result.request.inputs : [];
  const buffers = inputs.flatMap(({ data }) => (data instanceof Uint8Array ? [data.buffer as ArrayBuffer] : []));
  port.postMessage(result, buffers);
});
