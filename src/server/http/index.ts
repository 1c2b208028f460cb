// All that surrounds a request.

export { checkAddress, requireRole } from './access.js';
export { buildApp, type AppOptions } from './app.js';
export { readKeys, type Access } from './keys.js';
export { drainable, type Drain } from './lifecycle.js';
export { createLog, fileSink, type LineSink } from './log.js';
