export { modelCard } from './card.js';
export {
  bundleFormat,
  bundleVersion,
  parseManifest,
  type BundleBackbone,
  type BundleData,
  type BundleFile,
  type BundleValue,
  type Manifest,
} from './manifest.js';
