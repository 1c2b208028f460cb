export {
  evaluate,
  isMultiLabelEvaluation,
  type ClassFigures,
  type EvaluateOptions,
  type Evaluation,
  type FileError,
  type MultiLabelEvaluation,
  type SingleLabelEvaluation,
} from './evaluate.js';
export { type MultiLabel, type Predictions, type SingleLabel } from './predictions.js';
export { wilson } from './interval.js';
export { reliability, type Reliability, type ReliabilityBin, type ReliabilityOptions } from './reliability.js';
export { negativeLogLikelihood, type Logits } from './likelihood.js';
export { applyTemperature, fitTemperature, type Temperature, type TemperatureOptions } from './temperature.js';
export { mostConfused, topLosses, type ConfusedPair, type Loss } from './mistakes.js';
export { reportHtml, type ReportInput } from './report.js';
export { type SplitCounts } from './report-classes.js';
export { type HistoryPoint } from './report-history.js';
export { type Mistake } from './report-losses.js';
export {
  metricInterval,
  pairedDifference,
  pairedDifferences,
  type BootstrapOptions,
  type MetricInterval,
  type PairedDifference,
} from './bootstrap.js';
export { diversity, type Diversity, type DiversityMember } from './diversity.js';
export { metrics, type Metric, type MetricName } from './metrics.js';
export { setFigures, type PredictionSets, type SetFigures } from './set-figures.js';
