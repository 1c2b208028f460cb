// The operators that only a training build of onnxruntime knows, and the loss of ONNX that no plain build has a kernel
// for: the families gathered. They are read from artifacts that Microsoft's tool made and written in others by `lower`.

import { coreOperators } from './core.js';
import { OperatorSet, type AnyOperator } from './define.js';
import * as activations from './training-activations.js';
import * as indexing from './training-indexing.js';
import * as layout from './training-layout.js';
import * as losses from './training-losses.js';
import * as normalization from './training-normalization.js';
import * as windows from './training-windows.js';

const isOperator = (value: unknown): value is AnyOperator => typeof value === 'function' && 'operatorName' in value;

/** Every operator that says itself in others so that a plain onnxruntime runs it. */
const all: readonly AnyOperator[] = [activations, indexing, layout, losses, normalization, windows].flatMap(family =>
  Object.values(family).filter(isOperator),
);

/** Their lowerings by name; ONNX's own losses are among them. */
export const trainingLowerings = new OperatorSet(all);

/** What the built-in operators know, and the training-only ones beside them; where both know one, as training has it. */
export const operatorsWithTraining = new OperatorSet([
  ...[...coreOperators].filter(({ domain, operatorName }) => !trainingLowerings.get(domain, operatorName)),
  ...all,
]);
