export { decodeModel, type DecodeOptions, type ExternalReader, type Limits } from './decode.js';
export { encodeModel, type EncodeOptions } from './encode.js';
export { type ExternalRange } from './tensors.js';
export { decodeOrtCheckpoint, type OrtCheckpoint, type OrtOptimizerGroup } from './ort-checkpoint.js';
export { encodeOrtCheckpoint } from './encode-ort-checkpoint.js';
