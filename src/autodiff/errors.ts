import { defineErrors, printable } from '../base/index.js';

/** Where training can begin, if anywhere. */
const wayOut = (after: string | undefined) =>
  after === undefined ? '' : `; everything after ${printable(after)} is trainable`;

export const errors = defineErrors('AUTODIFF', {
  NO_GRADIENT: {
    kind: 'unsupported',
    message: (at: { operator: string; node: string; input: string; after?: string }) =>
      `${printable(at.operator)} (node ${printable(at.node)}) has no gradient rule for its input ${printable(at.input)} and no lowering${wayOut(at.after)}`,
    hint: 'Cut the network after this node, or pass your own operator: operators: coreOperators.with(myOperator).',
  },
  CONTROL_FLOW: {
    kind: 'unsupported',
    message: (at: { operator: string; node: string; after?: string }) =>
      `${printable(at.operator)} (node ${printable(at.node)}) holds a graph of its own, and gradients do not pass through it${wayOut(at.after)}`,
    hint: 'Cut the network after this node: what lies before the cut stays frozen and may branch and loop.',
  },
});
