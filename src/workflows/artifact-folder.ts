// A folder of training artifacts of onnxruntime, as generate_artifacts writes it: files may carry a prefix, the optimizer
// model and the checkpoint may have any name, and are told by what is in them.

import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isOptimizerModel } from '../artifacts/index.js';
import { decodeOrtCheckpoint, type OrtCheckpoint } from '../codec/index.js';
import { readModel } from '../codec/node.js';
import type { Model } from '../graph/index.js';
import { errors } from './import-errors.js';

/** What a folder holds. */
export interface ArtifactFolder {
  readonly training?: Model;
  readonly evaluation?: Model;
  readonly optimizer?: Model;
  readonly checkpoint?: OrtCheckpoint;
}

/** Which files are wanted; the others are not read. */
export type Wanted = keyof ArtifactFolder;

/**
 * Reads a folder of artifacts.
 *
 * @throws IMPORT_MISSING, IMPORT_AMBIGUOUS, IMPORT_ORT_FORMAT, IMPORT_NOMINAL; ONNX_…, CHECKPOINT_…
 */
export async function readArtifactFolder<const W extends Wanted>(
  folder: string,
  wanted: readonly W[],
): Promise<Required<Pick<ArtifactFolder, W>>> {
  const names: string[] = [];
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    const facts = await stat(join(folder, name)).catch(() => undefined);
    if (facts?.isFile()) names.push(name);
  }
  const found: { -readonly [K in Wanted]?: ArtifactFolder[K] } = {};
  for (const what of wanted as readonly Wanted[]) {
    if (what === 'checkpoint') found.checkpoint = await checkpointIn(folder, names);
    else if (what === 'optimizer') found.optimizer = optimizerIn(folder, names);
    else found[what] = named(folder, names, what === 'training' ? 'training_model' : 'eval_model');
  }
  return found as Required<Pick<ArtifactFolder, W>>;
}

/** The one model whose name ends so. */
function named(folder: string, names: readonly string[], ending: string): Model {
  const files = names.filter(name => name.endsWith(`${ending}.onnx`));
  return readModel(join(folder, only(folder, names, files, ending))).model;
}

/** The file of its name, or else the one model that holds an optimizer. */
function optimizerIn(folder: string, names: readonly string[]): Model {
  const what = 'optimizer_model';
  const files = names.filter(name => name.endsWith(`${what}.onnx`));
  if (files.length > 0) return readModel(join(folder, only(folder, names, files, what))).model;
  const others = names.filter(name => name.endsWith('.onnx') && !/(training|eval)_model\.onnx$/.test(name));
  const models = new Map(others.map(name => [name, readModel(join(folder, name)).model]));
  const optimizers = [...models].filter(([, model]) => isOptimizerModel(model)).map(([name]) => name);
  return models.get(only(folder, names, optimizers, what))!;
}

function only(folder: string, names: readonly string[], files: readonly string[], what: string): string {
  const [file] = files;
  if (file === undefined) {
    const ort = names.find(name => name.endsWith('.ort'));
    if (ort) throw errors.ORT_FORMAT({ file: ort });
    throw errors.MISSING({ folder, what: `${what}.onnx` });
  }
  if (files.length > 1) throw errors.AMBIGUOUS({ folder, what: `${what}.onnx`, files });
  return file;
}

/** The one file that is a checkpoint with weights in it. */
async function checkpointIn(folder: string, names: readonly string[]): Promise<OrtCheckpoint> {
  const what = 'checkpoint';
  const found = new Map<string, OrtCheckpoint>();
  for (const name of names.filter(one => !/\.(onnx|ort|json|safetensors|data)$/.test(one))) {
    const path = join(folder, name);
    if (await isCheckpoint(path))
      found.set(name, decodeOrtCheckpoint(new Uint8Array(await readFile(path)), { file: name }));
  }
  const whole = [...found].filter(([, { isNominal }]) => !isNominal).map(([name]) => name);
  if (whole.length > 1) throw errors.AMBIGUOUS({ folder, what, files: whole });
  const [name] = whole;
  if (name !== undefined) return found.get(name)!;
  const [nominal] = found.keys();
  if (nominal !== undefined) throw errors.NOMINAL({ file: nominal });
  throw errors.MISSING({ folder, what });
}

/** FlatBuffers' file identifier stands behind the offset of the root. */
async function isCheckpoint(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(8), 0, 8, 0);
    return bytesRead === 8 && String.fromCharCode(...buffer.subarray(4)) === 'ODTC';
  } finally {
    await file.close();
  }
}
