// What a sampler is made of: shapes and values of the inputs of one call, away from kinks, and how to call it.

import type { Value } from '../../../../src/graph/index.js';

/**
 * Where the numbers of an input lie: `signed` ±[0.3, 1.5], `inner` ±[0.2, 0.7], `positive` [0.5, 1.5],
 * `above` [1.3, 2.5], `apart` on a grid, so that none changes places with another.
 */
export type Region = 'signed' | 'inner' | 'positive' | 'above' | 'apart';

/** A call to differentiate by each of its inputs. */
export interface Sample {
  readonly shapes: readonly (readonly number[])[];
  readonly region?: Region;
  make(...inputs: Value[]): Value;
}

/** The samples of each operator of one family, by operator. */
export type Samplers = Readonly<Record<string, readonly Sample[]>>;

/** A small shape. */
export const x: readonly number[] = [2, 3, 4];
/** Small maps [batch, channels, height, width]. */
export const maps: readonly number[] = [2, 4, 7, 6];
export const unary = (call: (x: Value) => Value, region: Region = 'signed'): Sample[] => [
  { shapes: [x], region, make: call },
];
export const binary = (call: (a: Value, b: Value) => Value, region: Region = 'signed'): Sample[] => [
  { shapes: [x, x], region, make: call },
  { shapes: [x, [3, 1]], region, make: call },
  { shapes: [[4], x], region, make: call },
];
