// Where a value holds the pictures of a batch: the axis whose size is `N` or a multiple of it, and the place that the
// batch of one shape has in another shape of the same elements.

import type { Dim } from '../graph/index.js';

/** An axis of size `times * batch`. */
export interface BatchPlace {
  readonly axis: number;
  readonly times: number;
}

/** The one axis that holds the batch; undefined where there is none, several, or one that may. */
export function placeOfBatch(shape: readonly Dim[], batch: string): BatchPlace | undefined {
  const places = shape.flatMap((dim, axis): BatchPlace[] => {
    if (typeof dim === 'number') return [];
    if (dim === batch) return [{ axis, times: 1 }];
    const factors = dim.split('*');
    if (dim !== '' && !factors.includes(batch)) return [];
    return [{ axis, times: factors.length === 2 ? Number(factors.find(factor => factor !== batch)) : NaN }];
  });
  const [only, second] = places;
  return only && !second && Number.isSafeInteger(only.times) ? only : undefined;
}

/**
 * The place of the batch after a Reshape: elements keep their order, so as many lie before it as did. Where several axes
 * would do, for there are ones among them, it stays on its axis, or else takes the first.
 *
 * @param from the shape with the batch as a name
 * @param to the other shape with a batch of one
 */
export function sizeBeside(from: readonly Dim[], to: readonly number[], batch: string): BatchPlace | undefined {
  const place = placeOfBatch(from, batch);
  if (!place || from.some((dim, axis) => axis !== place.axis && typeof dim !== 'number')) return undefined;
  const outer = count(from.slice(0, place.axis) as readonly number[]);
  const inner = place.times * count(from.slice(place.axis + 1) as readonly number[]);
  const axes = to.flatMap((_, axis) => (count(to.slice(0, axis)) === outer ? [axis] : []));
  if (outer * inner !== count(to) || outer * inner === 0) return undefined;
  const axis = axes.includes(place.axis) ? place.axis : axes[0];
  return axis === undefined ? undefined : { axis, times: to[axis]! };
}

const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
