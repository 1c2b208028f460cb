import { defineErrors, printable } from '../base/index.js';

export const errors = defineErrors('AUTODIFF', {
  NO_GRADIENT: {
    kind: 'unsupported',
    message: (at: { operator: string; node: string; input: string }) =>
      `${printable(at.operator)} (node ${printable(at.node)}) has no gradient rule for its input ${printable(at.input)} and no lowering`,
    hint: 'Cut the network after this node, or pass your own operator: operators: coreOperators.with(myOperator).',
  },
});
