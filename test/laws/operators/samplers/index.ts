// The samplers of every family, gathered: one file per family of src/operators.

import { coreOperators, type AnyOperator } from '../../../../src/operators/index.js';
import { activation } from './activation.js';
import { convolution } from './convolution.js';
import { detection } from './detection.js';
import { elementwise } from './elementwise.js';
import { indexing } from './indexing.js';
import { layout } from './layout.js';
import { loss } from './loss.js';
import { matmul } from './matmul.js';
import { normalization } from './normalization.js';
import { pooling } from './pooling.js';
import { reduction } from './reduction.js';
import { resize } from './resize.js';
import { scattering } from './scattering.js';
import { einsum } from './einsum.js';
import { fused } from './fused.js';
import { quantization } from './quantization.js';
import type { Samplers } from './sample.js';

export type { Region, Sample } from './sample.js';

export const samplers: Samplers = {
  ...activation,
  ...quantization,
  ...fused,
  ...einsum,
  ...convolution,
  ...detection,
  ...elementwise,
  ...indexing,
  ...layout,
  ...loss,
  ...matmul,
  ...normalization,
  ...pooling,
  ...reduction,
  ...resize,
  ...scattering,
};

/** The operator that a sampler's name means. */
export const operatorOf = (name: string): AnyOperator | undefined => {
  const dot = name.lastIndexOf('.');
  return coreOperators.get(dot < 0 ? '' : name.slice(0, dot), name.slice(dot + 1));
};
