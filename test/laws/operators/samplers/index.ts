// The samplers of every family, gathered: one file per family of src/operators.

import { activation } from './activation.js';
import { convolution } from './convolution.js';
import { elementwise } from './elementwise.js';
import { indexing } from './indexing.js';
import { layout } from './layout.js';
import { matmul } from './matmul.js';
import { normalization } from './normalization.js';
import { pooling } from './pooling.js';
import { reduction } from './reduction.js';
import { scattering } from './scattering.js';
import type { Samplers } from './sample.js';

export type { Region, Sample } from './sample.js';

export const samplers: Samplers = {
  ...activation,
  ...convolution,
  ...elementwise,
  ...indexing,
  ...layout,
  ...matmul,
  ...normalization,
  ...pooling,
  ...reduction,
  ...scattering,
};
