import { defineErrors, printable } from '../base/index.js';

/** Training graphs of onnxruntime that cannot be said in operators of ONNX. */
export const errors = defineErrors('IMPORT', {
  OPERATOR: {
    kind: 'unsupported',
    message: (at: { operator: string; domain: string; node: string }) =>
      `${printable(at.domain || 'ai.onnx')}::${printable(at.operator)} (node ${printable(at.node)}) cannot be said in operators of ONNX`,
    hint: 'Make the artifacts from a network without it, or train that network itself: graft artifacts MODEL.onnx.',
  },
  LOWERING: {
    kind: 'unsupported',
    message: (at: { operator: string; node: string; reason: string }) =>
      `${printable(at.operator)} (node ${printable(at.node)}) cannot be said in operators of ONNX: ${at.reason}`,
    hint: 'Export the network with fixed sizes (only the batch may be open) and make the artifacts again.',
  },
  NO_GRADIENTS: {
    kind: 'input',
    message: (_: object) => 'the training model accumulates no gradients: it has no InPlaceAccumulatorV2 node',
    hint: 'Pass training_model.onnx as generate_artifacts writes it.',
  },
  NAME_TAKEN: {
    kind: 'input',
    message: (at: { name: string }) => `the training model has a value named ${printable(at.name)} of its own`,
    hint: 'Rename it in the network that the artifacts are made from.',
  },
});
