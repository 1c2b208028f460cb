// Networks in processes for tests: what they log and count, kept in lists; tensors in short words.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel } from '../../../src/codec/index.js';
import type { Model } from '../../../src/graph/index.js';
import type { Log } from '../../../src/server/served.js';
import type { Datatype, WireTensor } from '../../../src/server/tensors.js';
import { openNetwork, type Network, type NetworkOptions } from '../../../src/server/workers/index.js';
import { until } from '../../until.js';
import { temporary } from '../networks.js';

/** What was told. */
export interface Told {
  readonly lines: {
    readonly level: string;
    readonly facts: Readonly<Record<string, unknown>>;
    readonly text: string;
  }[];
  readonly restarts: string[];
  readonly log: Log;
  readonly telemetry: { workerRestarted(reason: string): void; pictureRefused(code: string): void };
  readonly refused: string[];
}

export function telling(): Told {
  const [lines, restarts, refused]: [Told['lines'], string[], string[]] = [[], [], []];
  const line = (level: string) => (facts: Readonly<Record<string, unknown>>, text: string) => void lines.push({ level, facts, text }); // prettier-ignore
  return {
    lines,
    restarts,
    refused,
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    telemetry: {
      workerRestarted: reason => void restarts.push(reason),
      pictureRefused: code => void refused.push(code),
    },
  };
}

/** A network's file. */
export function fileOf(model: Model): string {
  const path = join(temporary(), 'model.onnx');
  writeFileSync(path, encodeModel(model));
  return path;
}

/** Opens a network, or the network at a path. */
export async function opened(
  of: Model | string,
  options: Partial<NetworkOptions> = {},
): Promise<{ readonly network: Network; readonly told: Told; readonly path: string }> {
  const told = telling();
  const path = typeof of === 'string' ? of : fileOf(of);
  const network = await openNetwork({ path, name: 'net', version: '1', memoryLimit: 4 * 2 ** 30, loadTime: 60_000, log: told.log, telemetry: told.telemetry, ...options }); // prettier-ignore
  return { network, told, path };
}

export const wire = (datatype: Datatype, shape: readonly number[], values: ArrayBufferView): WireTensor => ({
  datatype,
  shape,
  data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** The input x of floats, four a row. */
export const floats = (...values: number[]): ReadonlyMap<string, WireTensor> =>
  new Map([['x', wire('FP32', [values.length / 4, 4], Float32Array.from(values))]]);

export const numbersOf = (outputs: ReadonlyMap<string, WireTensor>, name: string): number[] => [
  ...new Float32Array(outputs.get(name)!.data.slice().buffer),
];

/** Waits until a process is free again. */
export async function free(network: Network): Promise<void> {
  await until(
    () => network.idle > 0,
    () => network.reason,
  );
}
