// The door of the package for `src/server`: open what is served, run it, prepare pictures. Nothing behind it trains, judges or
// writes, so that a process that runs one network loads half of the modules.

export {
  commonStart,
  defineErrors,
  errorData,
  errorOf,
  floats,
  GraftError,
  printable,
  Random,
  type DataType,
  type ErrorData,
  type ErrorKind,
  type Tensor,
} from './base/index.js';
export type { Manifest } from './bundle/index.js';
export { checkPreprocessing, imageErrors, prepare, sniff, type Preprocessing } from './pictures/index.js';
export { decode, openDecoder } from './pictures/node.js';
export type { Runtime } from './runtime/index.js';
export { nodeRuntime } from './runtime/node.js';
export type { Explainer } from './workflows/explainer.js';
export { memberWeights } from './workflows/recipe-shares.js';
export { openServable, type Servable, type ServableRung, type ServableValue } from './workflows/servable.js';
export { version } from './workflows/version.js';

/** What explains a network needs gradients, which few processes make: it is loaded by whoever asks first. */
export const loadExplainer = () => import('./workflows/explainer.js');
