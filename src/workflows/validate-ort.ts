// A folder of ONNX Runtime's training artifacts: which file is what, and everything that is wrong with them.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import {
  evaluationModelFaults,
  isOrtOptimizer,
  momentFaults,
  optimizerModelFaults,
  ortRuntimes,
  trainingModelFaults,
  type ArtifactsFault,
} from '../artifacts/index.js';
import { GraftError } from '../base/index.js';
import { decodeOrtCheckpoint, type OrtCheckpoint } from '../codec/index.js';
import { readModel } from '../codec/node.js';
import type { Model } from '../graph/index.js';
import { tried, type ArtifactsFindings, type FileFault } from './artifacts-findings.js';

/** What a file is. `generate_artifacts` may put a prefix before each name. */
interface Roles {
  readonly training: string;
  readonly evaluation?: string | undefined;
  readonly optimizer?: string | undefined;
  readonly checkpoint?: string | undefined;
}

/** The faults of such a folder; undefined where it has no training graph. */
export function ortFolderFindings(folder: string, names: readonly string[]): ArtifactsFindings | undefined {
  const roles = rolesOf(folder, names);
  if (!roles) return undefined;
  const faults: FileFault[] = [];
  const found = (file: string, list: readonly ArtifactsFault[]) =>
    faults.push(...list.map(fault => ({ file, ...fault })));
  const training = tried(roles.training, faults, file => readModel(join(folder, file)).model);
  const evaluation = tried(roles.evaluation, faults, file => readModel(join(folder, file)).model);
  const optimizer = tried(roles.optimizer, faults, file => readModel(join(folder, file)).model);
  const checkpoint = tried(roles.checkpoint, faults, file => {
    const bytes = readFileSync(join(folder, file));
    return decodeOrtCheckpoint(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), { file });
  });
  if (!roles.checkpoint)
    found('checkpoint', [
      { rule: 'file', name: 'checkpoint', message: 'there is no checkpoint: a session begins with one' },
    ]);

  const parameters = checkpoint ?? {
    trainable: new Map<string, never>(),
    frozen: new Map<string, never>(),
    isNominal: true,
  };
  if (training && checkpoint) found(roles.training, trainingModelFaults(training, parameters));
  if (training && checkpoint && evaluation)
    found(roles.evaluation!, evaluationModelFaults(evaluation, training, parameters));
  if (optimizer) found(roles.optimizer!, optimizerModelFaults(optimizer));
  if (checkpoint) found(roles.checkpoint!, momentFaults(checkpoint.groups, parameters, optimizer));
  const models = [training, evaluation, optimizer].filter(model => model !== undefined);
  const runtimes = runtimesFor(models, checkpoint);
  if (runtimes.length === 0 && training && checkpoint) found(roles.training, [noRuntime(models, checkpoint)]);
  return {
    target: 'ort-training',
    files: [roles.training, roles.evaluation, roles.optimizer, roles.checkpoint].filter(name => name !== undefined),
    runtimes,
    trainable: [...parameters.trainable.keys()],
    frozen: [...parameters.frozen.keys()],
    faults,
  };
}

/** Files by their names as they are generated; an optimizer or a checkpoint of another name by what it holds. */
function rolesOf(folder: string, names: readonly string[]): Roles | undefined {
  const training = names.find(name => name.endsWith('training_model.onnx'));
  if (!training) return undefined;
  const prefix = training.slice(0, -'training_model.onnx'.length);
  const named = (name: string) => names.find(one => one === prefix + name);
  const evaluation = named('eval_model.onnx');
  const rest = names.filter(name => name.endsWith('.onnx') && name !== training && name !== evaluation);
  const optimizer = named('optimizer_model.onnx') ?? rest.find(name => holdsOptimizer(join(folder, name)));
  const checkpoint =
    named('checkpoint') ?? names.find(name => !name.includes('nominal') && isCheckpoint(join(folder, name)));
  return { training, evaluation, optimizer, checkpoint };
}

function holdsOptimizer(path: string): boolean {
  try {
    return isOrtOptimizer(readModel(path).model);
  } catch (error) {
    if (error instanceof GraftError) return false;
    throw error;
  }
}

/** FlatBuffers of the identifier ODTC. */
function isCheckpoint(path: string): boolean {
  let handle: number | undefined;
  try {
    handle = openSync(path, 'r');
    const head = Buffer.alloc(8);
    return readSync(handle, head, 0, 8, 0) === 8 && head.toString('latin1', 4) === 'ODTC';
  } catch {
    return false;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** The releases that load all of it. */
function runtimesFor(models: readonly Model[], checkpoint: OrtCheckpoint | undefined): string[] {
  return Object.entries(ortRuntimes)
    .filter(
      ([, { checkpointVersion, irVersion, opset }]) =>
        (!checkpoint || checkpoint.version === checkpointVersion) &&
        models.every(model => model.irVersion <= irVersion && (model.opsets.get('') ?? 0) <= opset),
    )
    .map(([name]) => name);
}

function noRuntime(models: readonly Model[], { version }: OrtCheckpoint): ArtifactsFault {
  const [ir, opset] = [
    Math.max(...models.map(({ irVersion }) => irVersion)),
    Math.max(...models.map(({ opsets }) => opsets.get('') ?? 0)),
  ];
  const message = `no release of ONNX Runtime with training loads IR version ${ir} and opset ${opset} with a checkpoint of version ${version}: 1.17 takes IR 9, opset 20, version 1; 1.18 and 1.19 IR 10, opset 21, version 2`;
  return { rule: 'runtime', name: '', message };
}
