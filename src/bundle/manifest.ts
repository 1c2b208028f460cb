// What a bundle says about itself: `manifest.json`, version 1. The graph holds everything from the uint8 picture to
// calibrated probabilities; the manifest holds what lies outside of it: labels, the recipe for size and crop, where
// the network and the pictures came from, what it was worth when it was made.

import { errors } from './errors.js';

export const bundleFormat = 'onnx-graft-bundle';
export const bundleVersion = 1;

/** One file of a bundle. */
export interface BundleFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}
/** An input or output of `model.onnx`. */
export interface BundleValue {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}
/** The network that the features come from. */
export interface BundleBackbone {
  readonly file: string;
  readonly sha256: string;
  /** The value that is the features. */
  readonly at: string;
  readonly features: number;
  /** How its pixels are made inside the graph. */
  readonly pixels: unknown;
  /** Where the recipe came from: `catalogue`, `sidecar` or `flags`. */
  readonly recipe: string;
  /** The published network's own input and first output, and what that gave. */
  readonly network?: { readonly input: string; readonly output: string; readonly gives: 'logits' | 'probabilities' };
  /** Where it trained too: the value behind which its weights are others than the file's. */
  readonly tuned?: unknown;
}
/** The pictures, by the SHA-256 of their bytes. */
export interface BundleData {
  readonly source: string;
  readonly classes: Readonly<Record<string, number>>;
  readonly train: readonly string[];
  readonly validation: readonly string[];
}

/** A member of an ensemble. */
export interface BundleMember {
  readonly name: string;
  /** Of its manifest, and where its weights are a checkpoint's of these too. */
  readonly sha256: string;
  /** Its share where shares were given or learnt. */
  readonly weight?: number;
  /** The views of the picture that it saw. @default the picture as it is */
  readonly views?: readonly string[];
}
/** Of an ensemble: what it is made of, how it was chosen, and what that was worth. */
export interface BundleEnsemble {
  /** {version: 1, root: {op, members, weights, views}}, leaves with their SHA-256. */
  readonly recipe: unknown;
  /** In the order of `memberProbabilities`. */
  readonly members: readonly BundleMember[];
  /** How logits become probabilities: {kind, …}. */
  readonly calibration: unknown;
  /** Of `predictionSet`: {kind, coverage, threshold}. */
  readonly sets?: unknown;
  /** Of `outlierScore` and `unknown`: {kind, threshold, falseAlarmRate}. */
  readonly outliers?: unknown;
  /** What was compared, cross-fitted on the pictures that chose. */
  readonly comparison: readonly Readonly<Record<string, unknown>>[];
  /** Members by cost, cheapest first: those that nothing cheaper beats. */
  readonly front?: readonly Readonly<Record<string, unknown>>[];
  /** Cheaper ways to answer that a server may fall back to, the dearest first. */
  readonly rungs?: readonly BundleRung[];
}

/** A cheaper way: a network of the same inputs and outputs, of fewer members or views. */
export interface BundleRung {
  /** Of this folder. Larger weights are read out of `model.onnx`. */
  readonly file: string;
  /** In the order of its `memberProbabilities`. */
  readonly members: readonly string[];
  /** In the unit of the front. */
  readonly cost: number;
  /** On the pictures that chose, cross-fitted. */
  readonly accuracy: number;
  readonly negativeLogLikelihood: number;
  /** As one line. */
  readonly recipe: string;
}

/** `manifest.json`. */
export interface Manifest {
  readonly format: typeof bundleFormat;
  readonly version: number;
  readonly task: 'single' | 'multi-label';
  readonly labels: readonly string[];
  readonly preprocessing: unknown;
  readonly inputs: readonly BundleValue[];
  readonly outputs: readonly BundleValue[];
  readonly files: readonly BundleFile[];
  readonly backbone: BundleBackbone;
  readonly data: BundleData;
  /** Figures on the validation split, which also chose: see `split`. */
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly seeds: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly ensemble?: BundleEnsemble;
}

/** Reads and checks the text of a `manifest.json`. */
export function parseManifest(text: string, file = 'manifest.json'): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw errors.MANIFEST({ file, field: 'the file', found: 'no JSON', wanted: 'a manifest' }, cause);
  }
  if (typeof value !== 'object' || value === null)
    throw errors.MANIFEST({ file, field: 'the file', found: String(value), wanted: 'an object' });
  const held = new Map<string, unknown>(Object.entries(value));
  const wrong = (field: string, wanted: string) =>
    errors.MANIFEST({ file, field, found: JSON.stringify(held.get(field))?.slice(0, 80) ?? 'nothing', wanted });
  if (held.get('format') !== bundleFormat) throw wrong('format', `"${bundleFormat}"`);
  const version = held.get('version');
  if (typeof version !== 'number') throw wrong('version', 'a number');
  if (version > bundleVersion) throw errors.VERSION({ file, found: version, known: bundleVersion });
  if (held.get('task') !== 'single' && held.get('task') !== 'multi-label')
    throw wrong('task', '"single" or "multi-label"');
  const labels = held.get('labels');
  if (!Array.isArray(labels) || labels.length === 0 || !labels.every(label => typeof label === 'string'))
    throw wrong('labels', 'a list of names');
  if (typeof held.get('preprocessing') !== 'object' || held.get('preprocessing') === null)
    throw wrong('preprocessing', 'an object');
  const files = held.get('files');
  if (!Array.isArray(files) || !files.every(isFile)) throw wrong('files', 'a list of {name, bytes, sha256}');
  for (const { name } of files as readonly BundleFile[])
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw wrong('files', 'plain file names of this folder');
  if (!files.some(({ name }: BundleFile) => name === 'model.onnx')) throw wrong('files', 'an entry for model.onnx');
  for (const field of ['inputs', 'outputs']) if (!Array.isArray(held.get(field))) throw wrong(field, 'a list');
  for (const field of ['backbone', 'data', 'metrics', 'seeds', 'versions'])
    if (typeof held.get(field) !== 'object' || held.get(field) === null) throw wrong(field, 'an object');
  if (held.has('ensemble'))
    checkEnsemble(held.get('ensemble'), new Set(files.map(({ name }: BundleFile) => name)), wrong);
  return value as Manifest;
}

function checkEnsemble(
  value: unknown,
  files: ReadonlySet<string>,
  wrong: (field: string, wanted: string) => Error,
): void {
  const members: unknown =
    typeof value === 'object' && value !== null && 'members' in value ? value.members : undefined;
  const isMember = (one: unknown) =>
    typeof one === 'object' && one !== null && 'name' in one && typeof one.name === 'string';
  if (!Array.isArray(members) || members.length === 0 || !members.every(isMember))
    throw wrong('ensemble', 'an object with members, a list of {name, sha256}');
  const rungs: unknown = typeof value === 'object' && value !== null && 'rungs' in value ? value.rungs : [];
  // what is opened is what the list of files names, and was checked
  const isRung = (one: unknown) =>
    typeof one === 'object' &&
    one !== null &&
    'file' in one &&
    typeof one.file === 'string' &&
    files.has(one.file) &&
    'members' in one &&
    Array.isArray(one.members) &&
    one.members.every(name => typeof name === 'string');
  if (!Array.isArray(rungs) || !rungs.every(isRung))
    throw wrong('ensemble', 'rungs, a list of {file, members} with a file of files');
}

const isFile = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'bytes' in value &&
  Number.isSafeInteger(value.bytes) &&
  'sha256' in value &&
  typeof value.sha256 === 'string';
