// The catalogue of published networks: graphs/zoo, one JSON file each, found by the SHA-256 of the network's file.

import { readdirSync, readFileSync } from 'node:fs';
import { preprocessingErrors as errors } from './errors.js';
import { checkPixels, type PixelFormat } from './pixels.js';
import { checkPreprocessing, type Preprocessing } from './preprocessing.js';

/** A published network whose preprocessing is known. */
export interface ZooEntry {
  readonly name: string;
  /** Of the `.onnx` file, 64 hex digits. */
  readonly sha256: string;
  /** Of its large weights, 64 hex digits: the same network in another file. */
  readonly weights?: string;
  readonly architecture: string;
  readonly licence: string;
  readonly preprocessing: Preprocessing;
  readonly pixels: PixelFormat;
  /** What its outputs stand for. */
  readonly classes: string;
}

const folder = new URL('../../../graphs/zoo/', import.meta.url);
let entries: ReadonlyMap<string, ZooEntry> | undefined;

/** The catalogue's entry of a file by its SHA-256, or of the same network in another file by its weights; or undefined. */
export function zooEntry(sha256: string, weights?: string): ZooEntry | undefined {
  entries ??= new Map(
    zooEntries().flatMap(entry => [entry.sha256, entry.weights ?? ''].map(key => [key, entry] as const)),
  );
  return entries.get(sha256) ?? (weights ? entries.get(weights) : undefined);
}

/** Every entry of the catalogue, by file name. */
export function zooEntries(): ZooEntry[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => checkEntry(name, JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));
}

function checkEntry(file: string, json: unknown): ZooEntry {
  const found = new Map<string, unknown>(typeof json === 'object' && json !== null ? Object.entries(json) : []);
  const text = (key: string): string => {
    const value = found.get(key);
    if (typeof value !== 'string' || value === '')
      throw errors.SIDECAR({ file, found: `${key} ${JSON.stringify(value)}`, wanted: 'a text' });
    return value;
  };
  return {
    name: text('name'),
    sha256: text('sha256'),
    ...(found.has('weights') ? { weights: text('weights') } : {}),
    architecture: text('architecture'),
    licence: text('licence'),
    classes: text('classes'),
    preprocessing: checkPreprocessing(found.get('preprocessing')),
    pixels: checkPixels(found.get('pixels')),
  };
}
