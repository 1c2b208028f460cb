export {
  networkOf,
  type ClassifierNetwork,
  type FeaturePoint,
  type HeadlessNetwork,
  type Network,
  type OtherNetwork,
} from './classifier.js';
export { cutsOf, type Cut, type FactsByName } from './cuts.js';
export { missingDomains, type MissingDomain } from './domains.js';
export { pictureInputOf, type PictureInput } from './layout.js';
export { trainableWeights, type TrainableWeight } from './weights.js';
export { wiringOf, type Wiring } from './wiring.js';
export { spatialMapsOf, type SpatialMap } from './spatial-maps.js';
export { inspectModel, type DescribedCut, type DescribedValue, type Inspection } from './inspection.js';
export { type Layer } from './layers.js';
export { check, checkFolding, checkOperators, type FoldingBudget } from './check.js';
