// One file of a stream: read, hashed, decoded and shown. Files that stand side by side in several showings are decoded once.

import { errorData, Random } from '../base/index.js';
import { chanceOf, drawView, type Augmentation } from './augmentation.js';
import { decode, isAlwaysWhole } from './decode.js';
import type { Decoded, DecodeTask } from './decode-task.js';
import { prepare } from './geometry.js';
import { readPictureFile } from './picture-file.js';
import type { Pixels } from './preprocessing.js';
import { decodeFor } from './prepare-view.js';
import { renderView } from './render-view.js';
import { wholeSize } from './view.js';

/** What of a {@link DecodeTask} one file needs. */
export interface FileTask extends Pick<DecodeTask, 'preprocessing' | 'allowFormats'> {
  readonly augment?:
    | {
        readonly augmentations: readonly Augmentation[];
        readonly seed: number | string;
        readonly epochs: readonly number[];
      }
    | undefined;
}

/** Decodes files one after another and remembers the last one. */
export class FileDecoder {
  #last: { readonly file: string; readonly sha256: string; readonly pixels: Pixels } | undefined;

  /** @param sha256 of bytes, as hex digits */
  constructor(
    readonly task: FileTask,
    readonly sha256: (bytes: Uint8Array) => string,
  ) {}

  /** The pixels of a file in the showing that its place says, or why there are none. */
  async decode(index: number, file: string): Promise<Decoded> {
    try {
      return await this.#decode(index, file);
    } catch (error) {
      return { index, error: errorData(error) };
    }
  }

  async #decode(index: number, file: string): Promise<Decoded> {
    const { preprocessing, allowFormats, augment } = this.task;
    const epoch = augment?.epochs[index] ?? 0;
    let last = this.#last?.file === file ? this.#last : undefined;
    this.#last = undefined;
    const bytes = last ? undefined : readPictureFile(file);
    const sum = last?.sha256 ?? this.sha256(bytes!);
    const showing =
      epoch > 0 && augment
        ? { augmentations: augment.augmentations, random: chanceOf(new Random(augment.seed), epoch, sum) }
        : undefined;
    if (!last) {
      const options = { allowFormats };
      const pixels = await (showing
        ? decodeFor(bytes!, preprocessing, showing, options)
        : decode(bytes!, { ...options, preprocessing }));
      last = { file, sha256: sum, pixels };
    }
    // a picture decoded at a fraction is of one showing; a whole one serves them all
    if (augment && !last.pixels.reduced && isAlwaysWhole(last.pixels, preprocessing)) this.#last = last;
    const { pixels } = last;
    const shown = showing
      ? renderView(
          pixels,
          preprocessing,
          drawView(wholeSize(pixels), preprocessing, showing.augmentations, showing.random),
        )
      : prepare(pixels, preprocessing);
    return { index, sha256: sum, pixels: shown };
  }
}
