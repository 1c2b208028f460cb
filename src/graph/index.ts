export {
  feedsOf,
  houseIrVersion,
  houseOpset,
  modelOf,
  subgraphsOf,
  type Attribute,
  type Dim,
  type Graph,
  type Initializer,
  type LocalFunction,
  type Model,
  type Node,
  type SparseTensor,
  type ValueInfo,
} from './model.js';
export { embed, renameNode } from './embed.js';
export { Builder, Value, dimsIn, namesRead, withGraph, type NewNode, type OutputType } from './builder.js';
export { replaceNode } from './replace.js';
export { dimSource, mainInputsOf, sliceOf, type DimSource, type ValueFacts } from './slice.js';
export { verify } from './verify.js';
export { structureErrors } from './errors.js';
export { printGraph, printModel, type PrintOptions } from './print.js';
