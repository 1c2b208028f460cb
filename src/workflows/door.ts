// The door of the house: the passes that bring a published network to the one dialect that everything inside speaks,
// in order. What is trained, merged or fused passes here first; graft convert is the door as a command.

import { houseOpset } from '../graph/index.js';
import {
  clean,
  constantsToInitializers,
  dropUnused,
  float16ToFloat32,
  foldShapes,
  inferShapes,
  inlineFunctions,
  lowerOpset,
  pipeline,
  symbolicBatch,
  upgradeTo,
  weightsFromInputs,
  type Pass,
} from '../passes/index.js';

/** A pass of the door, with what it does in one sentence. */
export interface DoorPass {
  readonly pass: Pass;
  readonly summary: string;
}

/** The passes, in the order in which they run. */
export const doorPasses: readonly DoorPass[] = [
  { pass: inlineFunctions, summary: 'puts the bodies of model-local functions where they are called' },
  { pass: constantsToInitializers, summary: 'makes Constant nodes weights' },
  { pass: weightsFromInputs, summary: 'takes weights out of the inputs, as before IR version 4' },
  { pass: float16ToFloat32, summary: 'makes half-precision weights, inputs and outputs float32' },
  { pass: lowerOpset, summary: `writes models of a later opset than ${houseOpset} in its words` },
  { pass: upgradeTo(houseOpset), summary: `writes models of an older opset than ${houseOpset} in its words` },
  { pass: symbolicBatch, summary: 'lets a network that takes one picture take any number' },
  { pass: dropUnused, summary: 'drops nodes and weights that no output needs' },
  { pass: clean, summary: 'takes out what training leaves: Dropout, Identity, unread statistics' },
  { pass: foldShapes, summary: 'computes shape arithmetic whose result is known' },
  { pass: dropUnused, summary: 'drops what the two before it left over' },
  { pass: inferShapes, summary: 'writes down the type and shape of every value' },
];

/** The door as one pass. */
export const atTheDoor: Pass = pipeline('door', ...doorPasses.map(({ pass }) => pass));
