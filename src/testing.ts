// `onnx-graft/testing`: the laws that this package's own operators are held to, for yours.
export {
  checkGradient,
  checkOperator,
  type CheckOptions,
  type GradientCheck,
  type Region,
  type Sample,
} from './workflows/check-gradient.js';
