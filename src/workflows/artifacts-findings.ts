// What is found in folders of training artifacts, whichever form they have.

import type { ArtifactsFault } from '../artifacts/index.js';
import { GraftError } from '../base/index.js';

/** A fault and the file that it is in. */
export interface FileFault extends ArtifactsFault {
  readonly file: string;
}

/** What was found in a folder. */
export interface ArtifactsFindings {
  readonly target: 'plain' | 'ort-training';
  /** The files that were looked at. */
  readonly files: readonly string[];
  /** Of ONNX Runtime's form: the releases that load it. */
  readonly runtimes?: readonly string[];
  readonly trainable: readonly string[];
  readonly frozen: readonly string[];
  /** Nothing here: it trains. */
  readonly faults: readonly FileFault[];
}

/** What a file holds; why it cannot be read becomes a fault. */
export function tried<T>(file: string | undefined, faults: FileFault[], read: (file: string) => T): T | undefined {
  if (file === undefined) return undefined;
  try {
    return read(file);
  } catch (error) {
    if (error instanceof GraftError) faults.push({ file, rule: 'file', name: error.code, message: error.message });
    else if ((error as NodeJS.ErrnoException).code)
      faults.push({ file, rule: 'file', name: (error as NodeJS.ErrnoException).code!, message: 'it cannot be read' });
    else throw error;
    return undefined;
  }
}
