// What a sampler is made of: shapes and values of the inputs of one call, away from kinks, and how to call it.

import type { Value } from '../../../../src/graph/index.js';
import type { Region, Sample } from '../../../../src/workflows/check-gradient.js';

export type { Region, Sample };

/** The samples of each operator of one family, by operator: `Gelu`, `com.microsoft.Gelu`. */
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
