export { modelCard } from './card.js';
export {
  bundleFormat,
  bundleVersion,
  parseManifest,
  type BundleBackbone,
  type BundleData,
  type BundleEnsemble,
  type BundleFile,
  type BundleMember,
  type BundleRung,
  type BundleValue,
  type Manifest,
} from './manifest.js';
