import { defineErrors, printable } from '../base/index.js';
import type { Dim } from '../graph/index.js';

const shown = (shape: readonly Dim[]) => `[${shape.map(dim => dim || '?').join(',')}]`;

/** What the laws of operators find broken. */
export const errors = defineErrors('CHECK', {
  GRADIENT: {
    kind: 'check',
    message: (at: { sample: string; rule: number; difference: number; tolerance: number }) =>
      `${at.sample}: the rules say ${at.rule}, the central difference says ${at.difference}; allowed is ${at.tolerance.toExponential(2)}`,
    hint: 'Keep samples away from kinks: choose a region where the operator is smooth.',
  },
  SHAPE: {
    kind: 'check',
    message: (at: { sample: string; value: string; foretold: readonly Dim[]; computed: readonly number[] }) =>
      `${at.sample}: ${printable(at.value)} was foretold as ${shown(at.foretold)} and is ${shown(at.computed)}`,
  },
  LOWERING: {
    kind: 'check',
    message: (at: { sample: string; value: string; difference: number }) =>
      `${at.sample}: ${printable(at.value)} differs by ${at.difference.toExponential(2)} once it is written in simpler operators`,
  },
  NOT_CALLED: {
    kind: 'usage',
    message: (at: { operator: string }) => `no sample of ${printable(at.operator)} calls it`,
    hint: 'A sample is { shapes, make }, and make calls the operator on its inputs.',
  },
});
