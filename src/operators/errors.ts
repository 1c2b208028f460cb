import { defineErrors, printable } from '../base/index.js';
import type { Dim } from '../graph/index.js';

const shapes = (list: readonly (readonly Dim[])[]) =>
  list.map(shape => `[${shape.map(d => d || '?').join(',')}]`).join(' and ');

export const errors = defineErrors('OPERATOR', {
  INPUT_MISSING: {
    kind: 'input',
    message: (at: { operator: string; input: string }) => `${at.operator} needs its input ${at.input}`,
  },
  NO_VALUE: {
    kind: 'usage',
    message: (at: { operator: string }) => `${at.operator} was called without a single value of a graph`,
    hint: 'Make one with builder.input or builder.constant first.',
  },
  NAME_TAKEN: {
    kind: 'usage',
    message: (at: { operator: string; domain: string }) =>
      `the operator set already has ${printable(at.domain || 'ai.onnx')}::${printable(at.operator)}`,
    hint: 'Give your operator another domain or name.',
  },
  SHAPE: {
    kind: 'input',
    message: (at: { operator: string; found: readonly (readonly Dim[])[]; wanted: string }) =>
      `${at.operator} cannot take ${shapes(at.found)}: ${at.wanted}`,
  },
  NOT_DIFFERENTIABLE: {
    kind: 'unsupported',
    message: (at: { operator: string; why: string }) => `${at.operator} has no gradient ${printable(at.why)}`,
    hint: 'Cut the network after this node, or pass your own operator: operators: coreOperators.with(myOperator).',
  },
});
