// Pictures to the pixels a network sees: the pure part, which browsers use too. Files and sharp: node.ts.

export { dataErrors, imageErrors, preprocessingErrors } from './errors.js';
export { prepare, resize } from './geometry.js';
export {
  checkPreprocessing,
  filters,
  place,
  type Box,
  type Filter,
  type Pixels,
  type Placement,
  type Preprocessing,
  type Reduced,
} from './preprocessing.js';
export { headerSize, sniff, type Format, type Kind, type Size } from './headers.js';
export { checkSize, longestSide, mostPixels } from './limits.js';
export { checkPixels, type PixelFormat } from './pixels.js';
export { partsOf, type RecipeParts } from './recipe-parts.js';
