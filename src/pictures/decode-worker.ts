// The thread behind picture-stream.ts: takes the next number, waits until it is within the look-ahead, reads the file,
// hashes its bytes, decodes, resizes and augments, and hands the pixels over. Errors cross as data.

import { parentPort, workerData } from 'node:worker_threads';
import { sha256 } from '../base/node.js';
import { parseAugment } from './augment-text.js';
import { adoptDecoder } from './decode.js';
import { FileDecoder } from './decode-file.js';
import { control, type DecodeTask } from './decode-task.js';

if (parentPort) await work(workerData as DecodeTask, parentPort);

async function work(task: DecodeTask, port: NonNullable<typeof parentPort>): Promise<void> {
  const state = new Int32Array(task.control);
  const { preprocessing, allowFormats, augment } = task;
  const shown = augment && { ...augment, augmentations: parseAugment(augment.text) };
  const decoder = new FileDecoder({ preprocessing, allowFormats, augment: shown }, sha256);
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
    const decoded = await decoder.decode(index, file);
    port.postMessage(decoded, 'pixels' in decoded ? [decoded.pixels.buffer as ArrayBuffer] : []);
  }
}
