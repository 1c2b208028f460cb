export {
  OperatorSet,
  bare,
  attributesOf,
  bind,
  bindOutputs,
  float,
  floats,
  inferOutputs,
  int,
  ints,
  operator,
  optionalFloat,
  optionalGraph,
  optionalInt,
  optionalString,
  optionalTensor,
  string,
  strings,
  type AnyOperator,
  type AttributeSpec,
  type Bound,
  type Input,
  type Operator,
  type Rule,
  type Spec,
  type Upgrade,
  type UpgradeContext,
} from './define.js';
export * from './elementwise.js';
export * from './activation.js';
export * from './matmul.js';
export * from './reduction.js';
export * from './layout.js';
export * from './indexing.js';
export * from './scattering.js';
export * from './constant.js';
export * from './quantization.js';
export * from './normalization.js';
export * from './pooling.js';
export * from './convolution.js';
export * from './resize.js';
export * from './einsum.js';
export * from './loss.js';
export * from './recurrent.js';
export * from './detection.js';
export * from './filling.js';
export * as microsoft from './microsoft.js';
export * as ortTraining from './ort-training.js';
export { padsOf } from './windows.js';
export { upgradeContext, upgradeNode } from './upgrade.js';
export { coreOperators } from './core.js';
export { operatorsWithTraining, trainingLowerings } from './training.js';
export { inferShapes, type Inferred, type InferOptions } from './infer.js';
