// graft inspect: what networks are and where they can be cut. A file that cannot be read is an entry of its own.

import { GraftError } from '../base/index.js';
import { printModel } from '../graph/index.js';
import { inferShapes } from '../passes/index.js';
import type { Inspection } from '../inspect/index.js';
import { readNetwork } from './network.js';

/** One file, described. */
export interface InspectedFile extends Omit<Inspection, 'names' | 'facts' | 'layers'> {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Names a person would use, to values. */
  readonly names: Readonly<Record<string, string>>;
  readonly layers?: Inspection['layers'];
  /** The graph as text, with types as far as they are known. */
  readonly text?: string;
}
/** One file that could not be read. */
export interface UninspectedFile {
  readonly file: string;
  readonly error: GraftError;
}

export interface InspectOptions {
  /** Also every layer: kernel, stride, output size, receptive field. @default false */
  readonly layers?: boolean;
  /** Also the graph as text. @default false */
  readonly print?: boolean;
}

/**
 * Inspects network files.
 *
 * @example
 * const [one] = inspect(['squeezenet1.1.onnx']);
 * if (one && !('error' in one)) console.log(one.cuts.length);
 */
export function inspect(
  files: readonly string[],
  { layers: withLayers = false, print = false }: InspectOptions = {},
): (InspectedFile | UninspectedFile)[] {
  return files.map(file => {
    try {
      const { sha256, bytes, model, inspection } = readNetwork(file);
      const { names, facts: _, layers, ...rest } = inspection;
      return {
        file,
        sha256,
        bytes: bytes.length,
        ...rest,
        names: Object.fromEntries(names),
        ...(withLayers ? { layers } : {}),
        ...(print ? { text: printModel(inferShapes(model)) } : {}),
      };
    } catch (error) {
      if (error instanceof GraftError) return { file, error };
      throw error;
    }
  });
}
