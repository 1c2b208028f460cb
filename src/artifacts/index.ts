export { checkpointNamesKey, withCheckpointNames } from './checkpoint-names.js';
export { headNetwork, servedContext, trainHead, type HeadArtifacts } from './train-head.js';
export type { TrainHeadOptions } from './head-options.js';
export {
  entranceKey,
  featuresKey,
  parametersKey,
  featurizerModel,
  servingModel,
  type FeaturizerOptions,
  type PixelFormat,
  type ServingOptions,
} from './serve.js';
export type { Head, HeadContext } from './heads/head.js';
export { linear } from './heads/linear.js';
export { mlp, type MlpOptions } from './heads/mlp.js';
export { stacked, type StackedOptions } from './heads/stacked.js';
export { standardised } from './heads/standardised.js';
export type { Loss, StatedLoss } from './losses/loss.js';
export { membersLoss } from './losses/members-loss.js';
export { crossEntropy, type CrossEntropyOptions } from './losses/cross-entropy.js';
export { sigmoidCrossEntropy, type SigmoidCrossEntropyOptions } from './losses/sigmoid-cross-entropy.js';
export { meanAbsoluteError, meanSquaredError } from './losses/regression.js';
export type { Optimizer, ParameterState, StepScalars } from './optimizers/optimizer.js';
export { sgd, type SgdOptions } from './optimizers/sgd.js';
export { adam, adamw, type AdamOptions } from './optimizers/adam.js';
export {
  logitsOf,
  networkState,
  trainableNetwork,
  type NetworkParameter,
  type NetworkStatistic,
  type TrainableNetwork,
  type TrainableNetworkOptions,
} from './network/network.js';
export { activationMapModel, type MapMethod } from './activation-map.js';
export { networkEvaluationModel, networkTrainingModel } from './network/training-models.js';
export { networkStepsModel } from './network/steps-model.js';
export { trainingStep, type Step, type StepLowering, type StepOptions } from './network/step.js';
export { optimizerModel } from './optimizer-model.js';
export { transformersAdamW } from './optimizers/transformers-adamw.js';
export {
  ortNetworkArtifacts,
  ortRuntimes,
  ortTrainingArtifacts,
  type OrtNetworkOptions,
  type OrtRuntime,
  type OrtTrainingArtifacts,
  type OrtTrainingOptions,
} from './ort-training/artifacts.js';
export {
  momentsOf,
  ortOptimizerModel,
  ownOptimizer,
  type OrtAdamW,
  type OrtOptimizer,
  type OrtSgd,
} from './ort-training/optimizer.js';
export { isOptimizerModel, readOptimizerModel, type ReadOptimizer } from './ort-training/read-optimizer.js';
export { importedOptimizer, importedOptimizerModel } from './ort-training/imported-optimizer.js';
export { graft, withWeights, type Grafted, type GraftedHead } from './network/graft.js';
export { trainBatchNorm } from './network/train-batch-norm.js';
export { evaluationModelFaults, trainingModelFaults, type CheckpointParameters } from './ort-training/check-models.js';
export { isOrtOptimizer, momentFaults, optimizerModelFaults } from './ort-training/check-optimizer.js';
export type { ArtifactsFault } from './ort-training/fault.js';
export { plainModelFaults, type PlainModels } from './check-plain.js';
