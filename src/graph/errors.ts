import { defineErrors, printable } from '../base/index.js';

/** Faults of a graph under construction: they name a programming error of the caller, not a fault of a file. */
export const errors = defineErrors('GRAPH', {
  NO_VALUE: {
    kind: 'input',
    message: (at: { name: string }) => `the graph has no value named ${printable(at.name)} whose type is known`,
    hint: 'graft inspect --layers lists the values of a network.',
  },
  NAME_TAKEN: {
    kind: 'usage',
    message: (at: { name: string }) => `the graph already has a value named ${printable(at.name)}`,
    hint: 'Choose another name, or let the builder name the value.',
  },
});
