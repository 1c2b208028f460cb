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
} from './average-weights.js';
export { type TakenTensor, type WeightSet, type WeightsFault } from './mix-sets.js';
export {
  batchStatistics,
  measuringNetwork,
  withStatistics,
  type BatchStatistics,
  type MeasuredLayer,
  type MeasuringNetwork,
  type NewStatistics,
} from './batch-statistics.js';
export { greedySoup, uniformSoup, type Ingredient, type Soup, type SoupKitchen, type SoupScore } from './soups.js';
export { sampleSwag, swagOf, type SampleSwagOptions, type Swag, type SwagOptions, type SwagTensor } from './swag.js';
export { fuse, type FuseOptions, type ToldOutput } from './fuse.js';
export {
  type FusedAverage,
  type FusedCascade,
  type FusedMember,
  type FusedStack,
  type FusedViews,
  type Fusion,
} from './fusion.js';
export { membersModel, type MeasuredLeaf } from './members-model.js';
export { costOf, type CostPart } from './cost.js';
export { type Calibrator } from './calibrator.js';
export { type PictureView } from './picture-views.js';
export { type OutlierRule, type PredictionSetRule } from './told-values.js';
