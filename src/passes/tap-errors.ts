import { defineErrors, printable } from '../base/index.js';

/** Why a value cannot become an output. */
export const errors = defineErrors('TAP', {
  NO_VALUE: {
    kind: 'usage',
    message: (at: { name: string; isInner: boolean }) =>
      at.isInner
        ? `${printable(at.name)} lies inside the body of an If, Loop or Scan and cannot leave it as an output`
        : `the network has no value named ${printable(at.name)}`,
    hint: 'graft inspect lists the cuts of a network, graft inspect --layers all of its values.',
  },
  SOURCE: {
    kind: 'usage',
    message: (at: { name: string; kind: string }) =>
      `${printable(at.name)} is ${at.kind} of the network: no node makes it`,
    hint: 'Name a value that a node makes; graft inspect --layers lists them.',
  },
});
