// `onnx-graft/testing`: what an operator of your own is written with, and the laws that this package's own operators
// are held to. `onnx` holds the operators of ONNX, which rules and lowerings call.
export {
  checkGradient,
  checkOperator,
  type CheckOptions,
  type GradientCheck,
  type Region,
  type Sample,
} from './workflows/check-gradient.js';
export { coreOperators, operator, type AnyOperator, type Operator, type OperatorSet } from './operators/index.js';
export * as onnx from './operators/index.js';
export { nodeRuntime } from './runtime/node.js';
export type { Runtime } from './runtime/index.js';
export { checkAugmentation, moved, painted, type CheckAugmentationOptions } from './pictures/index.js';
