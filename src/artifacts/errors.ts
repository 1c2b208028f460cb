import { defineErrors, printable } from '../base/index.js';

export const errors = defineErrors('ARTIFACTS', {
  NO_WEIGHT: {
    kind: 'usage',
    message: (at: { name: string; found: string }) =>
      `${printable(at.name)} is no float32 weight of the network: found ${at.found}`,
    hint: 'graft inspect --layers lists the weights; graft convert makes half-precision and quantized ones float32.',
  },
  NO_PATH: {
    kind: 'usage',
    message: (at: { name: string }) => `the loss does not depend on the weight ${printable(at.name)}: it cannot train`,
  },
  LOGITS: {
    kind: 'unsupported',
    message: (at: { name: string; found: string }) =>
      `a loss needs logits [N, K] with a known K; ${printable(at.name)} is ${at.found}`,
    hint: 'Name the value that holds the logits.',
  },
  NAME_TAKEN: {
    kind: 'unsupported',
    message: (at: { name: string }) =>
      `the network has an input, an output or a weight named ${printable(at.name)}, which the training graph needs for itself`,
    hint: 'Rename it in the network.',
  },
});
