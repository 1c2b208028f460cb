export type { DeviceTensor, Feeds, OpenOptions, Runtime, Session } from './runtime.js';
