// The graphs of onnxruntime's on-device training as plain ones: standard operators of the house's opset, the loss called
// so, gradients as outputs P_grad. Composed of passes; each says what it does.

import { houseOpset } from '../graph/index.js';
import { operatorsWithTraining } from '../operators/index.js';
import { constantsToInitializers } from './constants-to-initializers.js';
import { dropAccumulators, nameLoss } from './drop-accumulators.js';
import { dropUnused } from './drop-unused.js';
import { foldShapes } from './fold-shapes.js';
import { inferShapes, inferShapesWith } from './infer-shapes.js';
import { inlineFunctions } from './inline-functions.js';
import { keepStatistics } from './keep-statistics.js';
import { lowerOpset } from './lower-opset.js';
import { lowerTraining } from './lower-training.js';
import { pipeline } from './pass.js';
import { upgradeTo } from './upgrade.js';
import { weightsFromInputs } from './weights-from-inputs.js';

/** Whatever the graph says that only training builds know, in operators of ONNX; the first output is the loss. */
export const standardEvaluation = pipeline(
  'standard-evaluation',
  inlineFunctions,
  constantsToInitializers,
  weightsFromInputs,
  lowerOpset,
  upgradeTo(houseOpset, operatorsWithTraining),
  inferShapesWith(operatorsWithTraining),
  lowerTraining,
  nameLoss,
  foldShapes,
  dropUnused,
  inferShapes,
);

/** The same of a training graph, whose accumulators fall away and whose statistics move on. */
export const standardTraining = pipeline('standard-training', dropAccumulators, keepStatistics, standardEvaluation);
