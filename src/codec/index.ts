export { decodeModel, type DecodeOptions, type ExternalReader, type Limits } from './decode.js';
export { encodeModel } from './encode.js';
