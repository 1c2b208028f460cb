// graphs/coverage.json: which networks were compared and from where on they train. Usage: imported by
// compare-gradients.ts, which writes it, and coverage.ts, which reads it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Trainability } from './trainability.js';

const data = fileURLToPath(new URL('../../../graphs/coverage.json', import.meta.url));

/** One network of graphs/coverage.json. */
export interface RecordedNetwork extends Trainability {
  /** Its name, without folders. */
  readonly file: string;
  /** Who wrote it, as the file says; `` where it does not. */
  readonly exporter: string;
  /** It was quantised (QDQ) and is trained as the float network that `graft convert --dequantize` makes of it. */
  readonly dequantized: boolean;
  /** Whether its gradients were within the limits of `npm run compare:gradients`; null where PyTorch could not run it. */
  readonly compared: boolean | null;
}

/** Networks that were compared, by file name. */
export function recordedNetworks(): readonly RecordedNetwork[] {
  if (!existsSync(data)) return [];
  return (JSON.parse(readFileSync(data, 'utf8')) as { networks: RecordedNetwork[] }).networks;
}

/** Adds networks to graphs/coverage.json, or what is known anew of those that it holds. */
export function recordNetworks(rows: readonly RecordedNetwork[]): void {
  const networks = new Map(recordedNetworks().map(one => [one.file, one]));
  for (const { file, exporter, dequantized, compared, parameters, trainableFrom } of rows)
    networks.set(basename(file), { file: basename(file), exporter, dequantized, compared, parameters, trainableFrom });
  const sorted = [...networks.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  writeFileSync(data, `${JSON.stringify({ version: 1, networks: sorted }, null, 2)}\n`);
}
