import { defineErrors, printable } from '../base/index.js';

/** What onnxruntime must not be given. */
export const errors = defineErrors('ONNX', {
  OP_UNKNOWN: {
    kind: 'unsupported',
    message: (at: { operator: string; domain: string; opset: number }) =>
      `onnxruntime has no operator ${printable(at.operator)} of ${printable(at.domain)} (opset ${at.opset})`,
    hint: 'Operator libraries of others are never loaded by themselves; export the network with standard operators.',
  },
});
