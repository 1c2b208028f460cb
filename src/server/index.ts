// The door of the server: `onnx-graft/server`.

export { serve, type Server, type ServeParts } from './serve.js';
export { type ServeOptions } from './options.js';
export { defaultLimits, type Limits } from './limits.js';
