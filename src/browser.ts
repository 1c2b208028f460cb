// The door of the package for browsers: prepare pictures, run a bundle, judge predictions. No graph is built here.

export { GraftError, printable, tensor, type DataType, type ErrorKind, type Tensor } from './base/index.js';
export { parseManifest, type Manifest } from './bundle/index.js';
export { applyTemperature, evaluate, fitTemperature, reliability, type Evaluation } from './evaluation/index.js';
export { checkPreprocessing, prepare, type Pixels, type Preprocessing } from './pictures/index.js';
export { openPredictor, topOf, type Answers, type Predictor, type TopLabel } from './prediction/index.js';
export { webRuntime, type WebRuntimeOptions } from './runtime/web.js';
export type { Runtime, Session } from './runtime/index.js';
