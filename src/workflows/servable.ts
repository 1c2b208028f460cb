// A network that is going to be served: a bundle, or a network of its own. It is read by our own reader, checked, and
// written anew, so that onnxruntime sees one whole file without a path in it.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataType } from '../base/index.js';
import type { Manifest } from '../bundle/index.js';
import { decodeModel, encodeModel } from '../codec/index.js';
import type { Model, ValueInfo } from '../graph/index.js';
import { inferShapes } from '../passes/index.js';
import { readRunnable } from './network.js';
import { openBundle } from './open-bundle.js';
import { servableErrors as errors } from './servable-errors.js';

/** An input or output; −1 where a dimension is free. */
export interface ServableValue {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

/** What a server opens. */
export interface Servable {
  /** Of the manifest or of the network's file: the identity of what is served. */
  readonly sha256: string;
  readonly manifest?: Manifest;
  /** A whole model, its weights inside. */
  readonly model: Uint8Array;
  readonly inputs: readonly ServableValue[];
  readonly outputs: readonly ServableValue[];
  /** Whether the first dimension of every input and output is free: rows of several requests may be one run. */
  readonly mayBatch: boolean;
  /** Of an ensemble, cheaper ways to answer, the dearest first. Where asked for. */
  readonly rungs: readonly ServableRung[];
}

/** A cheaper way: a network of the same inputs and outputs. */
export interface ServableRung {
  /** In the order of its `memberProbabilities`. */
  readonly members: readonly string[];
  readonly model: Uint8Array;
}

export interface OpenServableOptions {
  /** Also reads the cheaper ways. @default false */
  readonly rungs?: boolean;
}

/**
 * Reads what is to be served: a bundle's folder, a run's folder with its `bundle`, a folder with `model.onnx`, or a
 * network's file.
 *
 * @throws SERVE_NOTHING; BUNDLE_…, STATE_CORRUPT, PROTO_…, ONNX_…
 * @example
 * const { model, inputs } = await openServable('run/bundle');
 */
export async function openServable(path: string, { rungs = false }: OpenServableOptions = {}): Promise<Servable> {
  const folder = await bundleIn(path);
  if (folder !== undefined) {
    const { manifest, model: bytes, sha256: identity } = await openBundle(folder);
    const ways = rungs ? (manifest.ensemble?.rungs ?? []) : [];
    const read = ways.map(({ file, members }) => ({
      members,
      model: encodeModel(readRunnable(join(folder, file)).model),
    }));
    return { ...servableOf(decodeModel(bytes), { sha256: identity, manifest }, bytes), rungs: read };
  }
  const file = (await isFile(join(path, 'model.onnx'))) ? join(path, 'model.onnx') : path;
  if (!(await isFile(file))) throw errors.NOTHING({ path });
  const { model, sha256: identity } = readRunnable(file);
  return servableOf(model, { sha256: identity });
}

/** A bundle lies in the folder itself, or in `bundle` where the folder is a run's. */
async function bundleIn(path: string): Promise<string | undefined> {
  for (const folder of [path, join(path, 'bundle')]) if (await isFile(join(folder, 'manifest.json'))) return folder;
  return undefined;
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    facts => facts.isFile(),
    () => false,
  );

function servableOf(
  model: Model,
  identity: Pick<Servable, 'sha256' | 'manifest'>,
  bytes: Uint8Array = encodeModel(model),
): Servable {
  const { graph } = inferShapes(model);
  const weights = graph.initializers;
  const given = graph.inputs.filter(({ name }) => !weights.has(name));
  const inputs = given.map(valueOf);
  const outputs = graph.outputs.map(valueOf);
  const isFree = ({ shape }: ServableValue): boolean => shape[0] === -1;
  // one name for the rows of all inputs, or a name that nobody else shares
  const rows = new Set(given.map(({ shape }) => shape?.[0]));
  const mayBatch = inputs.length > 0 && inputs.every(isFree) && outputs.every(isFree) && rows.size === 1;
  return { ...identity, model: bytes, inputs, outputs, mayBatch, rungs: [] };
}

function valueOf({ name, type, shape }: ValueInfo): ServableValue {
  if (type === undefined || shape === undefined) throw errors.VALUE({ name, found: type ?? 'no tensor' });
  return { name, type, shape: shape.map(dim => (typeof dim === 'number' && dim >= 0 ? dim : -1)) };
}
