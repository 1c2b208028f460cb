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
  /** Of an ensemble, [pictures, members, classes]. */
  readonly memberProbabilities?: Float32Array;
  /** Of an ensemble, [pictures, 2]: entropy of the pooled probabilities, and how much members disagree (mutual information), in nats. */
  readonly uncertainty?: Float32Array;
  /** [pictures, classes], 1 for the classes in the prediction set. */
  readonly predictionSet?: Uint8Array;
  /** [pictures], larger for stranger pictures; and 1 where a picture is taken for an unknown kind. */
  readonly outlierScore?: Float32Array;
  readonly unknown?: Uint8Array;
}

const needed = ['probabilities', 'logits'] as const;
const numbers = ['memberProbabilities', 'uncertainty', 'outlierScore'] as const;
const flags = ['predictionSet', 'unknown'] as const;

/** An opened bundle. Close it in `finally`. */
export interface Predictor {
  readonly labels: readonly string[];
  readonly task: Manifest['task'];
  readonly preprocessing: Preprocessing;
  /** Names of an ensemble's members, in the order of `memberProbabilities`. */
  readonly members: readonly string[];
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
  const given = [...needed, ...numbers, ...flags].filter(name => session.outputs.includes(name));
  const { width, height } = preprocessing;
  const size = width * height * 3;
  return {
    labels: manifest.labels,
    task: manifest.task,
    preprocessing,
    members: manifest.ensemble?.members.map(({ name }) => name) ?? [],
    async predict(pictures) {
      const bytes = new Uint8Array(pictures.length * size);
      pictures.forEach((picture, i) => bytes.set(picture, i * size));
      const feed = runtime.tensor(tensor('uint8', [pictures.length, height, width, 3], bytes));
      const results = await session.run(new Map([['pictures', feed]]), given);
      const read = new Map<string, Tensor>();
      for (const [name, held] of results) read.set(name, await held.read());
      const answers: { -readonly [K in keyof Answers]: Answers[K] } = {
        probabilities: own(read.get('probabilities')!),
        logits: own(read.get('logits')!),
      };
      for (const name of numbers) if (read.has(name)) answers[name] = own(read.get(name)!);
      for (const name of flags) if (read.has(name)) answers[name] = read.get(name)!.bytes.slice();
      for (const held of [feed, ...results.values()]) held.dispose();
      return answers;
    },
    close: () => session.close(),
  };
}

/** The answers for one of `count` pictures. */
export function answersFor(answers: Answers, picture: number, count: number): Answers {
  const row = <T extends Float32Array | Uint8Array>(all: T): T => {
    const width = all.length / count;
    return all.slice(picture * width, (picture + 1) * width) as T;
  };
  const one: { -readonly [K in keyof Answers]: Answers[K] } = {
    probabilities: row(answers.probabilities),
    logits: row(answers.logits),
  };
  for (const name of numbers) {
    const all = answers[name];
    if (all) one[name] = row(all);
  }
  for (const name of flags) {
    const all = answers[name];
    if (all) one[name] = row(all);
  }
  return one;
}

/** Floats that outlive the tensor they came from. */
const own = (data: Tensor): Float32Array =>
  data.type === 'float32' ? (elements(data) as Float32Array).slice() : floats(data);
