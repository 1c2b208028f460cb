// The rows that a trunk trains on: what its frozen part gives for each picture of a set, and for augmented views of it.
// In memory as long as they fit; beyond that in a file of the run, made and read a part at a time.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { floats, tensor, type GraftError, type Tensor } from '../base/index.js';
import { rowStore, type RowStore } from '../features/node.js';
import { duplicatesAcross, type Duplicate, type Item, type PictureSet } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import type { PictureRows } from '../training/index.js';
import { augmentedFeatures } from './augmented-features.js';
import { resolveAugment } from './augment-options.js';
import type { Backbone } from './backbone.js';
import { labelsOf, setFeatures, type SetFeaturesOptions, type SplitFeatures } from './set-features.js';

/** Rows of one split: of pictures as they are, and in epochs from 1 on of one of their augmented views. */
export interface SplitRows extends PictureRows {
  /** The picture of each row, where pictures train several times: their own rows 0, 1, 2 … come first. */
  readonly groups?: Uint32Array;
  readonly items: readonly Item[];
  readonly hashes: readonly string[];
}

/** Rows of a set. */
export interface SetRows {
  readonly train: SplitRows;
  readonly validation: SplitRows;
  readonly errors: readonly { readonly file: string; readonly error: GraftError }[];
  readonly duplicates: readonly Duplicate[];
  readonly cached: number;
  /** Removes what lies on disk. */
  close(): Promise<void>;
}

export interface SetRowsOptions extends SetFeaturesOptions {
  /** Bytes that rows may take in memory. */
  readonly memory: number;
  /** The folder for rows that do not fit. */
  readonly scratch: string;
}

/**
 * Runs the pictures of a set through the frozen part of a network.
 *
 * @param shape of one row
 * @throws what {@link setFeatures} throws; DISK_…
 */
export async function setRows(
  runtime: Runtime,
  frozen: Backbone,
  shape: readonly number[],
  set: PictureSet,
  options: SetRowsOptions,
): Promise<SetRows> {
  const augmented = resolveAugment(options);
  // Without a number of views, each epoch shows the pictures in another way and nothing of that is kept.
  const isFresh = augmented !== undefined && options.augmentViews === undefined;
  const kept: SetFeaturesOptions = isFresh ? without(options) : options;
  const views = isFresh || !augmented ? 0 : augmented.views;
  const lists = new Map((['train', 'validation'] as const).map(split => [split, set.splits.get(split) ?? []] as const));
  const rowBytes = 4 * frozen.features;
  const needed = [...lists].reduce(
    (sum, [split, list]) => sum + list.length * rowBytes * (split === 'train' ? 1 + views : 1),
    0,
  );
  const stores: RowStore[] = [];
  const errors: { readonly file: string; readonly error: GraftError }[] = [];
  let cached = 0;
  const splitRows = async (split: 'train' | 'validation'): Promise<SplitRows> => {
    const list = lists.get(split)!;
    const perPicture = rowBytes * (split === 'train' ? 1 + views : 1);
    const part = needed <= options.memory ? list.length : Math.max(1, Math.floor(options.memory / 4 / perPicture));
    let store: RowStore | undefined;
    if (part < list.length) {
      await mkdir(options.scratch, { recursive: true });
      stores.push((store = await rowStore(join(options.scratch, `rows-${split}.tmp`), frozen.features)));
    }
    const gathered = new Gathered(frozen.features, store);
    for (let from = 0; from < Math.max(1, list.length); from += Math.max(1, part)) {
      const some = list.slice(from, from + Math.max(1, part));
      const found = await setFeatures(
        runtime,
        frozen,
        { ...set, splits: new Map([[split, some]]) },
        split === 'train' ? kept : without(kept),
      );
      cached += found.cached;
      errors.push(...found.errors);
      await gathered.add(found[split]);
    }
    return gathered.rows(shape, labelsOf(gathered.items, set));
  };
  try {
    const validation = await splitRows('validation');
    const still = await splitRows('train');
    const train = isFresh ? fresh(runtime, frozen, still, { ...options, augment: augmented.augment }) : still;
    const named = ({ items, hashes }: SplitRows) => items.map(({ name }, i) => ({ name, sha256: hashes[i]! }));
    const duplicates = duplicatesAcross(
      new Map([
        ['train', named(train)],
        ['validation', named(validation)],
      ]),
    );
    const close = async () => {
      for (const store of stores) await store.close();
    };
    return { train, validation, errors, duplicates, cached, close };
  } catch (error) {
    for (const store of stores) await store.close();
    throw error;
  }
}

function without({ augment: _a, augmentViews: _v, ...rest }: SetFeaturesOptions): SetFeaturesOptions {
  return rest;
}

/** Rows as they come, in memory or in a store. */
class Gathered {
  readonly items: Item[] = [];
  readonly #hashes: string[] = [];
  /** The rows of each picture: as it is, then its views. */
  readonly #places: number[][] = [];
  #memory: Float32Array = new Float32Array(0);
  #count = 0;

  constructor(
    readonly width: number,
    readonly store: RowStore | undefined,
  ) {}

  async add({ features, count, items, hashes, groups }: SplitFeatures): Promise<void> {
    const first = this.items.length;
    this.items.push(...items);
    this.#hashes.push(...hashes);
    for (let row = 0; row < count; row++) {
      const picture = first + (groups?.[row] ?? row);
      (this.#places[picture] ??= []).push(this.#count + row);
    }
    this.#count += count;
    if (this.store) await this.store.append(features);
    else this.#memory = features;
  }

  rows(shape: readonly number[], labels: Tensor): SplitRows {
    const { width, store } = this;
    const [places, memory] = [this.#places, this.#memory];
    // The first epoch shows each picture as it is, the next ones in one of its views each, then all over again.
    const rowOf = (picture: number, epoch: number) => {
      const rows = places[picture]!;
      return rows[Math.max(0, epoch - 1) % rows.length]!;
    };
    let buffer = new Float32Array(0);
    return {
      count: this.items.length,
      shape,
      labels,
      items: this.items,
      hashes: this.#hashes,
      async read(pictures, epoch) {
        const numbers = pictures.map(picture => rowOf(picture, epoch));
        const dims = [pictures.length, ...shape];
        if (store) return tensor('float32', dims, await store.read(numbers));
        const [first = 0] = numbers;
        if (numbers.every((number, i) => number === first + i))
          return tensor('float32', dims, memory.subarray(first * width, (first + numbers.length) * width));
        // One buffer for all windows: fresh memory costs more than the copy.
        const size = numbers.length * width;
        if (buffer.length < size) buffer = new Float32Array(size);
        const chosen = buffer.subarray(0, size);
        numbers.forEach((from, to) => chosen.set(memory.subarray(from * width, (from + 1) * width), to * width));
        return tensor('float32', dims, chosen);
      },
    };
  }
}

/** The same pictures, augmented anew for each epoch; nothing of that is kept. */
function fresh(
  runtime: Runtime,
  frozen: Backbone,
  still: SplitRows,
  { augment, seed = 0, allowFormats, signal }: SetRowsOptions & Required<Pick<SetRowsOptions, 'augment'>>,
): SplitRows {
  return {
    ...still,
    async read(pictures, epoch) {
      if (epoch === 0) return still.read(pictures, 0);
      const data = floats(await still.read(pictures, 0)).slice();
      const places = new Map(pictures.map((picture, i) => [picture, i]));
      const windows = augmentedFeatures(runtime, frozen, still.items, {
        epoch,
        seed,
        augment,
        order: pictures,
        ...(allowFormats ? { allowFormats } : {}),
        ...(signal ? { signal } : {}),
      });
      // A picture that cannot be read any more stays as it was.
      for await (const { features, places: found } of windows)
        found.forEach((picture, row) => {
          const width = frozen.features;
          data.set(features.subarray(row * width, (row + 1) * width), places.get(picture)! * width);
        });
      return tensor('float32', [pictures.length, ...still.shape], data);
    },
  };
}
