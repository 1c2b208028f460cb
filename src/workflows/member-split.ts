// The part of a split that one member sees: rows by index out of the features, or the rows behind a cut, of the whole,
// which are made once for all members. Pictures that train several times have their own row first and the others behind.

import { rowsOf } from '../training/index.js';
import type { SplitFeatures } from './set-features.js';
import type { SplitRows } from './set-rows.js';

/** Rows of the whole, in a member's order. */
interface Drawn {
  /** The pictures that it sees, each once. */
  readonly pictures: readonly number[];
  readonly rows: readonly number[];
  /** Among `pictures`, of each row; where there are more rows than pictures. */
  readonly groups?: Uint32Array;
}

/**
 * @param times how often each picture is seen, [pictures]
 * @param groups the picture of each row of the whole; the pictures' own rows come first
 */
function drawn(times: ArrayLike<number>, groups?: Uint32Array): Drawn {
  const pictures = Array.from(times, (many, picture) => (many > 0 ? picture : -1)).filter(picture => picture >= 0);
  const places = new Map(pictures.map((picture, place) => [picture, place]));
  const rows = [...pictures];
  const of = [...pictures.keys()];
  const count = groups?.length ?? times.length;
  for (let row = 0; row < count; row++) {
    const picture = groups?.[row] ?? row;
    const more = times[picture]! - Number(row < times.length);
    for (let i = 0; i < more; i++) {
      rows.push(row);
      of.push(places.get(picture)!);
    }
  }
  return { pictures, rows, ...(rows.length > pictures.length ? { groups: Uint32Array.from(of) } : {}) };
}

/** The features that a member sees, augmented views of its pictures among them. */
export function featuresSeen(split: SplitFeatures, times: ArrayLike<number>): SplitFeatures {
  return picked(split, drawn(times, split.groups));
}

/** The features of some pictures as they are, each once. */
export function featuresOf(split: SplitFeatures, pictures: readonly number[]): SplitFeatures {
  return picked(split, { pictures, rows: pictures });
}

function picked({ features, width, labels, items, hashes }: SplitFeatures, at: Drawn): SplitFeatures {
  const some = new Float32Array(at.rows.length * width);
  at.rows.forEach((row, to) => some.set(features.subarray(row * width, (row + 1) * width), to * width));
  return {
    features: some,
    count: at.rows.length,
    width,
    labels: rowsOf(labels, at.rows),
    items: at.pictures.map(picture => items[picture]!),
    hashes: at.pictures.map(picture => hashes[picture]!),
    ...(at.groups ? { groups: at.groups } : {}),
  };
}

/** The rows behind a cut that a member sees. */
export function rowsSeen(whole: SplitRows, times: ArrayLike<number>): SplitRows {
  const { pictures, rows, groups } = drawn(times);
  const size = whole.shape.reduce((a, b) => a * b, 1);
  return {
    count: rows.length,
    shape: whole.shape,
    labels: rowsOf(whole.labels, rows),
    items: pictures.map(picture => whole.items[picture]!),
    hashes: pictures.map(picture => whole.hashes[picture]!),
    ...(groups ? { groups } : {}),
    async read(wanted, epoch) {
      const asked = wanted.map(row => rows[row]!);
      const once = [...new Set(asked)];
      const { bytes } = await whole.read(once, epoch);
      if (once.length === asked.length) return { type: 'float32', shape: [asked.length, ...whole.shape], bytes };
      // a picture that is asked for twice is read, and augmented, once
      const places = new Map(once.map((picture, place) => [picture, place]));
      const some = new Uint8Array(asked.length * size * 4);
      asked.forEach((picture, to) => {
        const from = places.get(picture)! * size * 4;
        some.set(bytes.subarray(from, from + size * 4), to * size * 4);
      });
      return { type: 'float32', shape: [asked.length, ...whole.shape], bytes: some };
    },
  };
}
