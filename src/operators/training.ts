// The operators that only a training build of onnxruntime knows, and the loss of ONNX that no plain build has a kernel
// for: the families gathered. They are read from artifacts that Microsoft's tool made and written in others by `lower`.

import type { AnyOperator } from './define.js';
import * as activations from './training-activations.js';
import * as layout from './training-layout.js';
import * as losses from './training-losses.js';
import * as normalization from './training-normalization.js';
import * as windows from './training-windows.js';

const isOperator = (value: unknown): value is AnyOperator => typeof value === 'function' && 'operatorName' in value;

/** Every training-only operator; `coreOperators.with(...trainingOperators)` knows them beside all others. */
export const trainingOperators: readonly AnyOperator[] = [activations, layout, losses, normalization, windows].flatMap(
  family => Object.values(family).filter(isOperator),
);
