// The thread behind picture-stream.ts: takes the next number, waits until it is within the look-ahead, reads the file,
// hashes its bytes, decodes and resizes, and hands the pixels over. Errors cross as data.

import { parentPort, workerData } from 'node:worker_threads';
import { errorData } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { adoptDecoder, preparePicture } from './decode.js';
import { control, type Decoded, type DecodeTask } from './decode-task.js';
import { readPictureFile } from './picture-file.js';

if (parentPort) await work(workerData as DecodeTask, parentPort);

async function work(task: DecodeTask, port: NonNullable<typeof parentPort>): Promise<void> {
  const state = new Int32Array(task.control);
  await adoptDecoder();
  Atomics.wait(state, control.opened, 0);
  for (;;) {
    const index = Atomics.add(state, control.next, 1);
    const file = task.files[index];
    if (file === undefined) return;
    for (;;) {
      if (Atomics.load(state, control.stopped) === 1) return;
      const taken = Atomics.load(state, control.taken);
      if (index < taken + task.ahead) break;
      Atomics.wait(state, control.taken, taken);
    }
    const decoded = await decodeFile(index, file, task);
    port.postMessage(decoded, 'pixels' in decoded ? [decoded.pixels.buffer as ArrayBuffer] : []);
  }
}

async function decodeFile(index: number, file: string, task: DecodeTask): Promise<Decoded> {
  try {
    const bytes = readPictureFile(file);
    const { preprocessing, allowFormats } = task;
    return { index, sha256: sha256(bytes), pixels: await preparePicture(bytes, preprocessing, { allowFormats }) };
  } catch (error) {
    return { index, error: errorData(error) };
  }
}
