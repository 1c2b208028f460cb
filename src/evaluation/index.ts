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
export {
  ensembleRows,
  ensembleVerdict,
  type EnsembleCandidate,
  type EnsembleRow,
  type EnsembleRowsOptions,
  type EnsembleTable,
} from './ensemble-rows.js';
export { type EnsembleReport } from './report-ensemble.js';
export { type CostFront, type CostPoint } from './report-front.js';
export { gainBySize, type GainPoint } from './gain.js';
export { metrics, termsOf, type Metric, type MetricName } from './metrics.js';
export { setFigures, type PredictionSets, type SetFigures } from './set-figures.js';
export { fitCascade, type Cascade, type CascadeOptions, type CascadeStage } from './cascade.js';
export { costFront, type CostPart, type Front, type FrontOptions, type FrontPoint } from './front.js';
export { joinMembers, membersInMemory, type MemberPredictions, type Truth } from './member-predictions.js';
export { fitWeights, type MixtureOptions, type MixtureWeights } from './mixture-weights.js';
export { pool, type Pooled, type PoolingOptions, type PoolingRule } from './pooling.js';
export { selectMembers, type Selection, type SelectionMetric, type SelectionOptions } from './selection.js';
export { type StackingForm } from './logistic.js';
export { applyStacking, fitStacking, type Stacking, type StackingOptions } from './stacking.js';
export { storedPredictions, type StoredOptions, type StoredPredictions } from './stored-predictions.js';
export { barrierOf, type Barrier, type LinePoint } from './barrier.js';
export { landscapeHtml, landscapeSvg, type LandscapePlot } from './landscape-plot.js';
export { applyCalibrator, fitCalibrator, type Calibrator, type CalibratorKind } from './calibrators.js';
export {
  chooseCalibrator,
  crossFitted,
  type CalibratorFigures,
  type ChooseCalibratorOptions,
  type ChosenCalibrator,
} from './choose-calibrator.js';
export {
  fitPredictionSets,
  predictionSets,
  type FittedPredictionSets,
  type PredictionSetOptions,
  type PredictionSetRule,
} from './conformal.js';
export { checkDisjoint } from './disjoint.js';
export { foldsOf, type ClassTruth } from './folds.js';
export { fitIsotonic, type IsotonicScaling } from './isotonic.js';
export { fitMahalanobis, type KnownFeatures, type Mahalanobis } from './mahalanobis.js';
export {
  fitOutliers,
  outlierScores,
  type FittedOutliers,
  type OutlierDetector,
  type OutlierOptions,
  type OutlierRule,
} from './outliers.js';
export { fitVector, type VectorOptions, type VectorScaling } from './vector-scaling.js';
