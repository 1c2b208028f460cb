export { decodeModel, type DecodeOptions, type ExternalReader, type Limits } from './decode.js';
export { encodeModel } from './encode.js';
export { decodeOrtCheckpoint, type OrtCheckpoint, type OrtOptimizerGroup } from './ort-checkpoint.js';
export { encodeOrtCheckpoint } from './encode-ort-checkpoint.js';
