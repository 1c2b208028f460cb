// The door of the package for Node: everything a program needs to inspect, split, train, evaluate and predict.

export { GraftError, printable, type DataType, type ErrorKind, type Tensor } from './base/index.js';
export { isMultiLabelEvaluation, type Evaluation } from './evaluation/index.js';
export type { Inspection } from './inspect/index.js';
export { coreOperators, type OperatorSet } from './operators/index.js';
export {
  about,
  filters,
  moved,
  painted,
  parseAugment,
  printAugment,
  rotation,
  scaling,
  shearing,
  sometimes,
  tilting,
  translation,
  type Augment,
  type Augmentation,
  type Preprocessing,
} from './pictures/index.js';
export { nodeRuntime, openRuntime, type NodeProvider, type NodeRuntimeOptions } from './runtime/node.js';
export type { Runtime } from './runtime/index.js';
export { artifacts, type ArtifactsOptions, type ArtifactsResult, type LossName } from './workflows/artifacts.js';
export type { BackboneOptions } from './workflows/backbone.js';
export { convert, convertPasses, type ConvertOptions, type ConvertResult } from './workflows/convert.js';
export {
  explain,
  type ExplainedMap,
  type ExplainOptions,
  type Explanation,
  type UnexplainedFile,
} from './workflows/explain.js';
export {
  exportInference,
  type ExportInferenceOptions,
  type ExportInferenceResult,
} from './workflows/export-inference.js';
export {
  importArtifacts,
  type ImportArtifactsOptions,
  type ImportArtifactsResult,
} from './workflows/import-artifacts.js';
export { commonStart } from './base/index.js';
export { exportBundle, type ExportTargets } from './workflows/export-bundle.js';
export { exportDocker, type ExportDockerOptions } from './workflows/export-docker.js';
export { exportKserve, type ExportKserveOptions } from './workflows/export-kserve.js';
export { exportRay, type ExportRayOptions } from './workflows/export-ray.js';
export type { ExportOptions, ExportResult } from './workflows/export-serving.js';
export { exportTriton, type ExportTritonOptions } from './workflows/export-triton.js';
export { ensemble, type EnsembleResult } from './workflows/ensemble.js';
export { combinations, type Combination, type EnsembleOptions } from './workflows/ensemble-options.js';
export { evaluate, type EvaluateOptions, type EvaluateResult } from './workflows/evaluate.js';
export { demoBackbone, demoPictures } from './workflows/fixtures.js';
export { inspect, type InspectedFile, type InspectOptions, type UninspectedFile } from './workflows/inspect.js';
export { landscape, type LandscapeOptions } from './workflows/landscape.js';
export { landscapeKind, writeLandscape, type Landscape } from './workflows/landscape-report.js';
export { merge, type MergeOptions, type MergeResult } from './workflows/merge.js';
export {
  predict,
  type FilePrediction,
  type MemberPrediction,
  type PredictOptions,
  type UnreadableFile,
} from './workflows/predict.js';
export type { EpochTold, Progress as TransferProgress } from './workflows/progress.js';
export { writeReport } from './workflows/report.js';
export { split, type SplitOptions, type SplitResult } from './workflows/split.js';
export { taps, type TapsOptions, type TapsResult } from './workflows/taps.js';
export type { MembersOptions } from './workflows/member-shares.js';
export {
  trainMembers,
  type TrainedMember,
  type TrainMembersOptions,
  type TrainMembersResult,
} from './workflows/train-members.js';
export { transfer, type TransferOptions, type TransferResult } from './workflows/transfer.js';
export {
  validateArtifacts,
  type ArtifactsFindings,
  type FileFault,
  type ValidateResult,
} from './workflows/validate-artifacts.js';
export { version } from './workflows/version.js';
