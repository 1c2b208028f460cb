export { lbfgs, type Evaluated, type LbfgsOptions, type Minimum, type Objective } from './lbfgs.js';
export {
  fitLogistic,
  type LabelledFeatures,
  type LogisticFit,
  type LogisticOptions,
  type StrengthFigures,
} from './logistic.js';
