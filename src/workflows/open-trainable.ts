// A network file opened for training: behind the door, float, sizes as numbers.

import type { Model } from '../graph/index.js';
import { inspectModel, type Inspection } from '../inspect/index.js';
import { dequantize, lowerOpset, pipeline } from '../passes/index.js';
import { withSize } from './convert.js';
import { doorPasses } from './door.js';
import { readRunnable, type NetworkFile } from './network.js';

/** A network ready to be differentiated. */
export interface TrainableFile {
  readonly file: NetworkFile;
  /** In the house's dialect. */
  readonly model: Model;
  readonly inspection: Inspection;
}

/** Opens a network for training. */
export function openTrainable(path: string, { size }: { readonly size?: number } = {}): TrainableFile {
  const file = readRunnable(path);
  const model = floatDoor(withSize(file, size).model);
  return { file, model, inspection: inspectModel(model) };
}

/** The door, and what is quantized made float on the way: before lowerOpset, which does not know four-bit weights. */
const floatDoor = pipeline(
  'float door',
  ...doorPasses.flatMap(({ pass }) => (pass === lowerOpset ? [dequantize, pass] : [pass])),
);
