import { defineErrors, printable } from '../../base/index.js';

export const errors = defineErrors('ORT_TRAINING', {
  NAME: {
    kind: 'unsupported',
    message: (at: { name: string; reason: string }) =>
      `${printable(at.name)} cannot be a name in ONNX Runtime's training: ${at.reason}`,
    hint: 'Rename it in the network.',
  },
  MODEL: {
    kind: 'usage',
    message: (at: { name: string; reason: string }) =>
      `the graphs do not fit the parameter ${printable(at.name)}: ${at.reason}`,
    hint: 'Pass the plain training and evaluation graphs of one network, and the weights that they take.',
  },
  STATISTICS: {
    kind: 'unsupported',
    message: (at: { name: string }) =>
      `${printable(at.name)} changes in training without a gradient, which ONNX Runtime's training cannot keep`,
    hint: 'Train with the stored statistics of BatchNormalization.',
  },
  OPTIMIZER: {
    kind: 'unsupported',
    message: (at: { reason: string }) => `ONNX Runtime's training has no such optimizer: ${at.reason}`,
    hint: 'AdamW (both forms), Adam without decay and SGD without momentum are there.',
  },
  OPTIMIZER_GRAPH: {
    kind: 'unsupported',
    message: (at: { why: string }) => `the optimizer model is not understood: ${printable(at.why)}`,
    hint: 'Pass an optimizer model as generate_artifacts or onnxblock writes it: AdamW or SGD, gradients clipped or not.',
  },
  VERSION: {
    kind: 'unsupported',
    message: (at: { runtime: string; what: string; found: number; limit: number }) =>
      `ONNX Runtime ${at.runtime} loads ${at.what} up to ${at.limit}, the graph has ${at.found}`,
    hint: 'Choose a newer runtime, or bring the network to opset 20 with graft convert.',
  },
});
