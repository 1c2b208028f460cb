// The door of the package for Node: everything a program needs to inspect, split, train, evaluate and predict.

export { GraftError, printable, type DataType, type ErrorKind, type Tensor } from './base/index.js';
export { version } from './workflows/version.js';
export { inspect, type InspectedFile, type InspectOptions, type UninspectedFile } from './workflows/inspect.js';
export type { Inspection } from './inspect/index.js';
