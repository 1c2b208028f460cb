export {
  averageModels,
  averageWeights,
  line,
  mixModels,
  whyNotAveraged,
  type AverageModelsOptions,
  type AverageWeightsOptions,
  type AveragedModel,
  type AveragedWeights,
  type TakenTensor,
  type WeightSet,
  type WeightsFault,
} from './average-weights.js';
export {
  batchStatistics,
  measuringNetwork,
  withStatistics,
  type BatchStatistics,
  type MeasuredLayer,
  type MeasuringNetwork,
  type NewStatistics,
} from './batch-statistics.js';
