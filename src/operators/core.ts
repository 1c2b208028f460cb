// The operators that the house knows: the families gathered. The only list.

import { OperatorSet, type AnyOperator } from './define.js';
import * as activation from './activation.js';
import * as constant from './constant.js';
import * as convolution from './convolution.js';
import * as detection from './detection.js';
import * as einsum from './einsum.js';
import * as elementwise from './elementwise.js';
import * as filling from './filling.js';
import * as indexing from './indexing.js';
import * as layout from './layout.js';
import * as loss from './loss.js';
import * as matmul from './matmul.js';
import * as microsoft from './microsoft.js';
import * as normalization from './normalization.js';
import * as ortTraining from './ort-training.js';
import * as pooling from './pooling.js';
import * as quantization from './quantization.js';
import * as recurrent from './recurrent.js';
import * as reduction from './reduction.js';
import * as resize from './resize.js';
import * as scattering from './scattering.js';

const families = [
  activation,
  constant,
  convolution,
  detection,
  einsum,
  elementwise,
  filling,
  indexing,
  layout,
  loss,
  matmul,
  microsoft,
  normalization,
  ortTraining,
  pooling,
  quantization,
  recurrent,
  reduction,
  resize,
  scattering,
];

const isOperator = (value: unknown): value is AnyOperator => typeof value === 'function' && 'operatorName' in value;

/** Every built-in operator; `coreOperators.with(mine)` adds your own. */
export const coreOperators = new OperatorSet(families.flatMap(family => Object.values(family).filter(isOperator)));
