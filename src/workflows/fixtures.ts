// What the package brings for a first try: a backbone and labelled pictures that the project makes itself.

import { fileURLToPath } from 'node:url';

const at = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));

/** A small backbone without learnt weights: a wavelet scattering network. */
export const demoBackbone: string = at('backbone.onnx');
/** Five surfaces, in `train/` and `val/`. */
export const demoPictures: string = at('pictures');
