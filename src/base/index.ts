export {
  GraftError,
  defineErrors,
  errorData,
  errorOf,
  printable,
  type ErrorData,
  type ErrorEntry,
  type ErrorKind,
  type MakeError,
} from './errors.js';
export {
  bitsOf,
  byteLength,
  elementCount,
  elements,
  floats,
  fromFloat16,
  integers,
  tensor,
  toFloat16,
  type ArrayType,
  type DataType,
  type Tensor,
  type TypedArray,
} from './tensors.js';
export { Random } from './random.js';
export { commonStart } from './common-start.js';
export { decodeSafetensors, encodeSafetensors, type Safetensors, type SafetensorsReader } from './safetensors.js';
