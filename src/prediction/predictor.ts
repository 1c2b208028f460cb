// A bundle that answers: prepared pictures in, probabilities out. Everything after the uint8 picture is in the graph.

import { elements, floats, tensor, type Tensor } from '../base/index.js';
import type { Manifest } from '../bundle/index.js';
import { checkPreprocessing, type Preprocessing } from '../pictures/index.js';
import type { Runtime } from '../runtime/index.js';

/** Answers for a batch, row by row. */
export interface Answers {
  /** [pictures, classes] */
  readonly probabilities: Float32Array;
  /** [pictures, classes], before temperature. */
  readonly logits: Float32Array;
}

/** An opened bundle. Close it in `finally`. */
export interface Predictor {
  readonly labels: readonly string[];
  readonly task: Manifest['task'];
  readonly preprocessing: Preprocessing;
  /** @param pictures each uint8 [height, width, 3] of the preprocessing's size */
  predict(pictures: readonly Uint8Array[]): Promise<Answers>;
  close(): Promise<void>;
}

/**
 * Opens a bundle's network.
 *
 * @param threads inside one operator; the runtime's own number by default
 */
export async function openPredictor(
  { manifest, model }: { readonly manifest: Manifest; readonly model: Uint8Array },
  runtime: Runtime,
  { threads }: { readonly threads?: number } = {},
): Promise<Predictor> {
  const preprocessing = checkPreprocessing(manifest.preprocessing);
  const session = await runtime.open(model, threads === undefined ? {} : { threads });
  const { width, height } = preprocessing;
  const size = width * height * 3;
  return {
    labels: manifest.labels,
    task: manifest.task,
    preprocessing,
    async predict(pictures) {
      const bytes = new Uint8Array(pictures.length * size);
      pictures.forEach((picture, i) => bytes.set(picture, i * size));
      const feed = runtime.tensor(tensor('uint8', [pictures.length, height, width, 3], bytes));
      const results = await session.run(new Map([['pictures', feed]]), ['logits', 'probabilities']);
      const read = async (name: string) => {
        const held = results.get(name)!;
        const values = own(await held.read());
        held.dispose();
        return values;
      };
      const answers = { probabilities: await read('probabilities'), logits: await read('logits') };
      feed.dispose();
      return answers;
    },
    close: () => session.close(),
  };
}

/** Floats that outlive the tensor they came from. */
const own = (data: Tensor): Float32Array =>
  data.type === 'float32' ? (elements(data) as Float32Array).slice() : floats(data);
