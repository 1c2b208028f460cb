// Pictures through a frozen backbone. The cache on the disk: node.ts.

export { splitByCache, type CachedRow, type CacheSplit, type FeatureCache } from './feature-cache.js';
export {
  featurize,
  type Featurized,
  type FeaturizedRow,
  type FeaturizeOptions,
  type FeaturizePicture,
} from './featurize.js';
