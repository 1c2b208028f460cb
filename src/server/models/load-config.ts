// What a request to load a model may override (serving-protocol.md, section 6):
//   {"max_batch_size": 8, "batch_delay_ms": 1, "queue": 64, "run_time_ms": 5000, "weights": [2, 1]}
// The last one for ensembles of served models. Nothing names a file.

import { printable } from '../../serving.js';
import { errors } from '../errors.js';

/** How requests to a model are put together, and how long they may take. */
export interface BatchSettings {
  /** Most rows of a run. */
  readonly maxBatch: number;
  /** Milliseconds. */
  readonly batchDelay: number;
  /** Most that wait. */
  readonly queue: number;
  /** Milliseconds of a run. */
  readonly runTime: number;
}

/** What was overridden. */
export interface LoadConfig {
  readonly settings: Partial<BatchSettings>;
  /** Of the members of an ensemble's root. */
  readonly weights?: readonly number[];
}

const numbers: ReadonlyMap<string, readonly [key: keyof BatchSettings, least: number, most: number]> = new Map([
  ['max_batch_size', ['maxBatch', 1, 4096]],
  ['batch_delay_ms', ['batchDelay', 0, 10_000]],
  ['queue', ['queue', 1, 100_000]],
  ['run_time_ms', ['runTime', 1, 86_400_000]],
] as const);

/** @throws BAD_PARAMETER naming the key */
export function readLoadConfig(given: Readonly<Record<string, unknown>> = {}): LoadConfig {
  const settings: { -readonly [K in keyof BatchSettings]?: number } = {};
  let weights: readonly number[] | undefined;
  for (const [name, value] of Object.entries(given)) {
    const number = numbers.get(name);
    if (number) {
      const [key, least, most] = number;
      if (typeof value !== 'number' || !(key === 'batchDelay' || Number.isInteger(value)) || value < least || value > most)
        throw errors.BAD_PARAMETER({ reason: `config.${name} must be a number of ${least} to ${most}` });
      settings[key] = value;
    } else if (name === 'weights') {
      if (!Array.isArray(value) || !value.every(one => typeof one === 'number'))
        throw errors.BAD_PARAMETER({ reason: 'config.weights must be a list of numbers' });
      weights = value;
    } else throw errors.BAD_PARAMETER({ reason: `config.${printable(name)} is not known; known are ${[...numbers.keys(), 'weights'].join(', ')}` }); // prettier-ignore
  }
  return { settings, ...(weights ? { weights } : {}) };
}

/** The settings in words of the protocol, as `/config` shows them. */
export function toldSettings(settings: BatchSettings): Record<string, unknown> {
  return Object.fromEntries([...numbers].map(([name, [key]]) => [name, settings[key]]));
}
