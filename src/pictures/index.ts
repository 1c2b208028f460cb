// Pictures to the pixels a network sees: the pure part, which browsers use too. Files and sharp: node.ts.

export { augmentErrors, dataErrors, imageErrors, preprocessingErrors } from './errors.js';
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
export { chanceOf, drawView, sometimes, type Augmentation } from './augmentation.js';
export {
  augmentationsOf,
  augmentWords,
  defaultAugment,
  parseAugment,
  printAugment,
  type Augment,
} from './augment-text.js';
export { checkAugmentation, type CheckAugmentationOptions } from './check-augmentation.js';
export { erase, grey, jitter, lighting, type JitterStrength } from './colour.js';
export {
  crop,
  fill,
  flip,
  flipVertical,
  lens,
  perspective,
  quarterTurn,
  rotate,
  shear,
  shift,
  stretch,
  zoom,
  type Range,
} from './geometric.js';
export { about, inverse, rotation, scaling, shearing, tilting, translation, type Projective } from './projective.js';
export { testViews, type TestView, type TestViews } from './test-views.js';
export { renderView } from './render-view.js';
export { moved, painted, plainView, wholeSize, type Fill, type Paint, type View } from './view.js';
export { heated, positiveShare, shownRecipe, spreadHeat, type HeatMap } from './heat-map.js';
export { heatSheet, type Panel } from './heat-sheet.js';
