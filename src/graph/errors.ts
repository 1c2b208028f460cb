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

const place = (where: string) => printable(where || 'the model');

/** Faults of the structure of a file's graph. */
export const structureErrors = defineErrors('ONNX', {
  OPSET: { kind: 'unsupported', message: (at: { found: string }) => `the operator sets are wrong: ${at.found}` },
  ATTRIBUTE: {
    kind: 'input',
    message: (at: { node: string; attribute: string; found: string }) =>
      `attribute ${printable(at.attribute)} of ${place(at.node)} is wrong: ${at.found}`,
  },
  NAME_BAD: {
    kind: 'input',
    message: (at: { where: string; found: string }) => `a name in ${place(at.where)} is not usable: ${at.found}`,
  },
  GRAPH_EMPTY: { kind: 'input', message: (_at: object) => 'the graph has no outputs' },
  GRAPH_CYCLE: {
    kind: 'input',
    message: (at: { node: string; name: string }) =>
      `node ${printable(at.node)} reads ${printable(at.name)}, which is made from its own output`,
  },
  GRAPH_ORDER: {
    kind: 'input',
    message: (at: { node: string; name: string; where: string }) =>
      `in ${printable(at.where)}, node ${printable(at.node)} reads ${printable(at.name)} before it is made`,
    hint: 'Nodes must stand in topological order; export the model again.',
  },
  NAME_DUPLICATE: {
    kind: 'input',
    message: (at: { name: string; where: string }) =>
      `the name ${printable(at.name)} is given twice in ${printable(at.where)}, or again inside a sub-graph`,
  },
  NAME_UNKNOWN: {
    kind: 'input',
    message: (at: { name: string; reader: string }) =>
      `${printable(at.reader)} read ${printable(at.name)}, which nothing makes`,
  },
  FUNCTION_ARITY: {
    kind: 'input',
    message: (at: { node: string; name: string; what: string; given: number; wanted: number }) =>
      `node ${printable(at.node)} calls function ${printable(at.name)} with ${at.given} ${at.what}, it declares ${at.wanted}`,
  },
  FUNCTION_CYCLE: {
    kind: 'input',
    message: (at: { name: string }) => `function ${printable(at.name)} calls itself, perhaps through others`,
  },
  LIMIT_BYTES: {
    kind: 'limit',
    message: (at: { found: number; limit: number; what?: string }) =>
      `${at.what ?? 'the tensors take bytes:'} ${at.found}, the limit is ${at.limit}`,
    hint: 'Raise the limit only where you trust the file: maxTensorBytes, or the folding budget.',
  },
  LIMIT_NODES: {
    kind: 'limit',
    message: (at: { found: number; limit: number }) =>
      `the model has ${at.found} nodes or more with its functions counted at each call, the limit is ${at.limit}`,
  },
});
