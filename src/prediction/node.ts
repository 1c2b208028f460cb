// Side door for Node: files to answers, decoding in worker threads beside the network's run.

import type { GraftError } from '../base/index.js';
import { pictureStream, type PictureStreamOptions } from '../pictures/node.js';
import { answersFor, type Answers, type Predictor } from './predictor.js';

/** The answer for one file, or why there is none. */
export type FileAnswer =
  | ({ readonly index: number; readonly file: string; readonly sha256: string } & Answers)
  | { readonly index: number; readonly file: string; readonly error: GraftError };

export interface PredictFilesOptions extends PictureStreamOptions {
  /** Pictures a run. @default 8 */
  readonly batch?: number;
}

/** Answers for files, in their order; a picture that cannot be read is an error of its own and stops nothing. */
export async function* predictFiles(
  predictor: Predictor,
  files: readonly string[],
  { batch = 8, ...options }: PredictFilesOptions = {},
): AsyncGenerator<FileAnswer> {
  let waiting: { index: number; file: string; sha256: string; pixels: Uint8Array }[] = [];
  let failed: FileAnswer[] = [];
  const flush = async function* (): AsyncGenerator<FileAnswer> {
    const answers: FileAnswer[] = [...failed];
    if (waiting.length > 0) {
      const made = await predictor.predict(waiting.map(({ pixels }) => pixels));
      waiting.forEach(({ index, file, sha256 }, i) =>
        answers.push({ index, file, sha256, ...answersFor(made, i, waiting.length) }),
      );
    }
    waiting = [];
    failed = [];
    yield* answers.sort((a, b) => a.index - b.index);
  };
  for await (const picture of pictureStream(files, predictor.preprocessing, options)) {
    if ('error' in picture) failed.push(picture);
    else waiting.push(picture);
    if (waiting.length >= batch) yield* flush();
  }
  yield* flush();
}
