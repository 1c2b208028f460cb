import { defineErrors, printable } from '../base/index.js';

/** Why a model cannot be cut where it was asked. */
export const errors = defineErrors('SPLIT', {
  NO_VALUE: {
    kind: 'usage',
    message: (at: { name: string }) => `the network has no value named ${printable(at.name)}`,
    hint: 'graft inspect lists the cuts of a network, graft inspect --layers all of its values.',
  },
  NOTHING: {
    kind: 'usage',
    message: (at: { name: string; kind: string }) =>
      `${printable(at.name)} is ${at.kind} of the network: there is nothing before it to split off`,
    hint: 'Cut at a value that a node makes; graft inspect lists the cuts.',
  },
  LEAKS: {
    kind: 'input',
    message: (at: { cut: readonly string[]; path: readonly string[] }) =>
      `cutting at ${at.cut.map(printable).join(' and ')} does not separate the network: ${pathOf(at.path)} goes around it`,
    hint: 'Choose one of the cuts that graft inspect lists.',
  },
  TYPE: {
    kind: 'input',
    message: (at: { name: string }) =>
      `the type of the value ${printable(at.name)} is not known, so no model can begin with it`,
    hint: 'Run graft convert first, which infers types and names what it cannot follow.',
  },
});

/** The first and last nodes of a path; the whole of it is in the error's details. */
const pathOf = (path: readonly string[]): string => {
  const names = path.map(printable);
  return (names.length > 8 ? [...names.slice(0, 4), '…', ...names.slice(-3)] : names).join(' → ');
};
