// A network file as the workflows hold it: read, verified, inspected; and a value named as a person would name it.

import { readModel, type ModelFile, type ReadOptions } from '../codec/node.js';
import { verify, type Model } from '../graph/index.js';
import { inspectModel, type Inspection } from '../inspect/index.js';
import { errors } from './errors.js';

/** A network, read and understood. */
export interface NetworkFile extends ModelFile {
  readonly inspection: Inspection;
}

/** Reads a network and says what it is; every error names the file. */
export function readNetwork(path: string, options: ReadOptions = {}): NetworkFile {
  const file = readModel(path, options);
  const inspection = inspectModel(file.model);
  return { ...file, inspection };
}

/** The value that a name stands for: `features`, `logits`, `block3`, an author's name, or a value's own. */
export const valueOf = ({ names }: Inspection, name: string): string => names.get(name) ?? name;

/** Refuses networks that onnxruntime cannot run by itself. */
export function refuseMissingOperators(path: string, { network }: Inspection): void {
  if (network.kind !== 'classifier' && network.kind !== 'headless' && network.missing)
    throw errors.OPERATORS_MISSING({
      file: path,
      libraries: network.missing.map(({ domain, operators }) => `${domain} (${operators.join(', ')})`),
    });
}

/** A model that passes the structural checks, for what we made ourselves. */
export const verified = (model: Model): Model => verify(model);
