// A folder of plain training artifacts: artifacts.json, the files that it names with their hashes, and the graphs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainModelFaults, type ArtifactsFault } from '../artifacts/index.js';
import { decodeSafetensors } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { readModel } from '../codec/node.js';
import { tried, type ArtifactsFindings, type FileFault } from './artifacts-findings.js';

const description = 'artifacts.json';
const newest = 1;

interface Said {
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly trainable: boolean;
  }[];
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** The faults of such a folder; undefined where it does not say that it is one. */
export function plainFolderFindings(folder: string, names: readonly string[]): ArtifactsFindings | undefined {
  if (!names.includes(description)) return undefined;
  const faults: FileFault[] = [];
  const add = (file: string, rule: string, name: string, message: string) => faults.push({ file, rule, name, message });
  const json = tried(description, faults, file => parsed(readFileSync(join(folder, file), 'utf8')));
  if (isObject(json) && json['target'] === 'ort-training') return undefined;
  const said = isObject(json) ? saidIn(json, message => add(description, 'description', '', message)) : undefined;
  if (!isObject(json) && faults.length === 0) add(description, 'description', '', 'it is no JSON object');

  const contents = new Map<string, Uint8Array>();
  for (const { name, bytes, sha256: hash } of said?.files ?? []) {
    if (!names.includes(name)) {
      add(name, 'file', name, 'artifacts.json names it and it is not there');
      continue;
    }
    const held = tried(name, faults, file => new Uint8Array(readFileSync(join(folder, file))));
    if (!held) continue;
    contents.set(name, held);
    if (held.length !== bytes) add(name, 'hash', name, `it has ${held.length} bytes, artifacts.json says ${bytes}`);
    else if (sha256(held) !== hash) add(name, 'hash', name, 'its content is not what artifacts.json says (SHA-256)');
  }
  const model = (name: string) =>
    contents.has(name) ? tried(name, faults, file => readModel(join(folder, file)).model) : undefined;
  const training = model('training_model.onnx');
  const state = contents.has('checkpoint.safetensors')
    ? tried('checkpoint.safetensors', faults, file => decodeSafetensors(contents.get(file)!).tensors)
    : undefined;
  for (const name of ['training_model.onnx', 'eval_model.onnx', 'optimizer_model.onnx', 'checkpoint.safetensors'])
    if (said && !said.files.some(file => file.name === name))
      add(name, 'file', name, 'artifacts.json does not name it');
  const trainable = (said?.parameters ?? []).filter(parameter => parameter.trainable);
  if (training && said) {
    const [evaluation, optimizer, epoch] = ['eval_model.onnx', 'optimizer_model.onnx', 'epoch_model.onnx'].map(model);
    const found = plainModelFaults({ training, evaluation, optimizer, epoch }, trainable, state);
    const within = (file: string, list: readonly ArtifactsFault[]) =>
      faults.push(...list.map(fault => ({ file, ...fault })));
    within('training_model.onnx', found.training);
    within('eval_model.onnx', found.evaluation);
    within('optimizer_model.onnx', found.optimizer);
    within('epoch_model.onnx', found.epoch);
    within('checkpoint.safetensors', found.state);
  }
  return {
    target: 'plain',
    files: [description, ...contents.keys()],
    trainable: trainable.map(({ name }) => name),
    frozen: (said?.parameters ?? []).filter(parameter => !parameter.trainable).map(({ name }) => name),
    faults,
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What artifacts.json says, where it says it in the form of the format. */
function saidIn(json: Readonly<Record<string, unknown>>, fault: (message: string) => void): Said | undefined {
  const { version, target, parameters, files } = json;
  if (typeof version !== 'number' || version < 1) fault('it has no version');
  else if (version > newest) {
    fault(`it is of version ${version}, this program knows ${newest}`);
    return undefined;
  }
  if (target !== 'plain') fault(`its target is ${JSON.stringify(target)}, known are "plain" and "ort-training"`);
  const isShape = (value: unknown) => Array.isArray(value) && value.every(dim => Number.isSafeInteger(dim) && dim >= 0);
  const isName = (value: unknown) => typeof value === 'string' && value !== '';
  const isPlain = (value: unknown) => typeof value === 'string' && !/[/\\\u0000]|^\.{0,2}$/.test(value);
  const goodParameters =
    Array.isArray(parameters) &&
    parameters.every(
      one => isObject(one) && isName(one['name']) && isShape(one['shape']) && typeof one['trainable'] === 'boolean',
    );
  const goodFiles =
    Array.isArray(files) &&
    files.every(
      one =>
        isObject(one) && isPlain(one['name']) && typeof one['bytes'] === 'number' && typeof one['sha256'] === 'string',
    );
  if (!goodParameters) fault('its parameters are not a list of {name, shape, trainable}');
  if (!goodFiles) fault('its files are not a list of {name, bytes, sha256}, each a name in the folder itself');
  return goodParameters && goodFiles
    ? { parameters: parameters as Said['parameters'], files: files as Said['files'] }
    : undefined;
}
