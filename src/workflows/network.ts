// A network file as the workflows hold it: read, verified, inspected; and a value named as a person would name it.

import { readModel, type ModelFile, type ReadOptions } from '../codec/node.js';
import { checkFolding, checkOperators, inspectModel, type Inspection } from '../inspect/index.js';

/** A network, read and understood. */
export interface NetworkFile extends ModelFile {
  readonly inspection: Inspection;
}

/** Reads a network and says what it is; every error names the file. */
export function readNetwork(path: string, options: ReadOptions = {}): NetworkFile {
  const file = readModel(path, options);
  checkFolding(file.model);
  const inspection = inspectModel(file.model);
  return { ...file, inspection };
}

/** The value that a name stands for: `features`, `logits`, `block3`, an author's name, or a value's own. */
export const valueOf = ({ names }: Inspection, name: string): string => names.get(name) ?? name;

/**
 * Reads a network that is going to be run: operators that onnxruntime does not have are refused, by name.
 *
 * @throws ONNX_OP_UNKNOWN
 */
export function readRunnable(path: string, options: ReadOptions = {}): NetworkFile {
  const file = readNetwork(path, options);
  checkOperators(file.model);
  return file;
}
