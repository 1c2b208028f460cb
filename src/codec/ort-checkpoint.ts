// The checkpoint of ONNX Runtime's on-device training: FlatBuffers, file identifier "ODTC", slots in this order:
//   Checkpoint      { version:int32; module_state; optimizer_groups:[OptimizerGroup]; property_bag }
//   ModuleState     { requires_grad_params:[Tensor]; frozen_params:[Tensor]; is_nominal_state:bool; has_external_data:bool }
//   OptimizerGroup  { group_name; step:int64; initial_learning_rate:float; optimizer_states:[{param_name; momentums:[Tensor]}] }
//   PropertyBag     { ints:[{name; value:int64}]; floats:[{name; value:float}]; strings:[{name; value}] }
//   Tensor          { name; doc_string; dims:[int64]; data_type:int32; raw_data:[uint8]; string_data; external_data_offset:int64 = -1 }
// Source: onnxruntime/core/flatbuffers/schema/ort_training_checkpoint.fbs and ort.fbs of ONNX Runtime.

import { bitsOf, byteLength, type DataType, type Tensor } from '../base/index.js';
import { checkpointErrors as errors } from './checkpoint-errors.js';
import { FlatFile, type FlatTable } from './flatbuffer.js';
import { typeOf } from './tensors.js';

/** What one optimizer keeps: its step and the moments of each parameter. */
export interface OrtOptimizerGroup {
  /** ONNX Runtime's own optimizers make one group, `group0`. */
  readonly name: string;
  /** Steps done. */
  readonly step: number;
  readonly initialLearningRate: number;
  /** By parameter, then by name: `momentum0` is m, `momentum1` is v of AdamW. */
  readonly states: ReadonlyMap<string, ReadonlyMap<string, Tensor>>;
}

/** A checkpoint as data. Orders are those of the file. */
export interface OrtCheckpoint {
  /** 1: ONNX Runtime 1.16 and 1.17; 2: from 1.18 on. Each runtime takes its own only; they say the same otherwise. */
  readonly version: 1 | 2;
  /** Parameters that train, by name. */
  readonly trainable: ReadonlyMap<string, Tensor>;
  /** Parameters that stay, by name. */
  readonly frozen: ReadonlyMap<string, Tensor>;
  /** A nominal checkpoint tells names and types; its tensors have no bytes. */
  readonly isNominal: boolean;
  readonly groups: readonly OrtOptimizerGroup[];
  /** A user's own values: int64 as bigint, float32 as number, text. */
  readonly properties: ReadonlyMap<string, bigint | number | string>;
}

export const identifier = 'ODTC';
const maxRank = 64;
const longestName = 4096;
/** The largest FlatBuffers file. */
export const maxBytes = 2 ** 31 - 1;

/**
 * Reads a checkpoint. Nothing is copied: the tensors' bytes are views into `bytes`, at any alignment.
 *
 * @param bytes the whole file
 * @param options `file`: how the file is called in errors
 * @throws `CHECKPOINT_FORMAT`, `CHECKPOINT_MALFORMED`, `CHECKPOINT_VERSION`, `CHECKPOINT_TENSOR`, `CHECKPOINT_NAME`,
 *   `CHECKPOINT_EXTERNAL_DATA`, `CHECKPOINT_LIMIT`
 * @example
 * const { trainable, groups } = decodeOrtCheckpoint(await readFile('checkpoint'));
 */
export function decodeOrtCheckpoint(
  bytes: Uint8Array,
  { file = 'checkpoint' }: { readonly file?: string } = {},
): OrtCheckpoint {
  if (bytes.length > maxBytes) throw errors.LIMIT({ file, what: 'bytes', limit: maxBytes });
  const root = new FlatFile(bytes, file).root(identifier);
  const version = root.int32(0) ?? 0;
  if (version !== 1 && version !== 2) throw errors.VERSION({ file, found: version });
  const module = root.table(1);
  if (module?.bool(3)) throw errors.EXTERNAL_DATA({ file });
  const isNominal = module?.bool(2) ?? false;
  const trainable = module ? tensorsOf(module, 0, 'the trainable parameters', isNominal) : new Map<string, Tensor>();
  const frozen = module ? tensorsOf(module, 1, 'the frozen parameters', isNominal) : new Map<string, Tensor>();
  for (const name of frozen.keys())
    if (trainable.has(name)) throw errors.NAME({ file, name, what: 'parameter', found: 'both trainable and frozen' });
  return { version, trainable, frozen, isNominal, groups: groupsOf(root), properties: propertiesOf(root.table(3)) };
}

function tensorsOf(of: FlatTable, slot: number, what: string, isNominal = false): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const list = of.tables(slot, what);
  if (!list) throw of.file.malformed(of.position, `${what} are missing`);
  for (const table of list) tensors.set(newName(table, 'tensor', tensors), tensorOf(table, isNominal));
  return tensors;
}

function tensorOf(table: FlatTable, isNominal: boolean): Tensor {
  const { file, position: offset } = table;
  const name = table.text(0, 'a name') ?? '';
  const wrong = (found: string) => errors.TENSOR({ file: file.name, name, offset, found });
  const type = typeOf(table.int32(3) ?? 0);
  if (!type || type === 'string') throw wrong(`element type ${table.int32(3) ?? 0}`);
  if ((table.int64(6) ?? -1n) >= 0n) throw errors.EXTERNAL_DATA({ file: file.name });
  const shape = shapeOf(table.int64s(2, 'a shape', maxRank), type, wrong);
  const bytes = table.data(4, 'the data of a tensor') ?? new Uint8Array(0);
  const wanted = byteLength(type, shape);
  if (bytes.length !== wanted && !(isNominal && bytes.length === 0))
    throw wrong(`[${shape.join(',')}] of ${type} needs ${wanted} bytes, ${bytes.length} are there`);
  return { type, shape, bytes };
}

function shapeOf(dims: readonly bigint[], type: DataType, wrong: (found: string) => Error): readonly number[] {
  let bits = BigInt(bitsOf[type]);
  for (const dim of dims) {
    if (dim < 0n || dim > 2n ** 53n - 1n) throw wrong(`a dimension of ${dim}`);
    bits *= dim;
  }
  if (bits > 8n * BigInt(maxBytes)) throw wrong(`[${dims.join(',')}] of ${type} is more than a checkpoint can hold`);
  return dims.map(Number);
}

function groupsOf(root: FlatTable): OrtOptimizerGroup[] {
  const groups = new Map<string, OrtOptimizerGroup>();
  for (const table of root.tables(2, 'the optimizer groups') ?? []) {
    const name = newName(table, 'optimizer group', groups);
    const step = Number(table.int64(1) ?? 0n);
    if (!Number.isSafeInteger(step) || step < 0) throw table.file.malformed(table.position, `step ${step}`);
    const states = new Map<string, ReadonlyMap<string, Tensor>>();
    for (const state of table.tables(3, 'the states of an optimizer') ?? [])
      states.set(newName(state, 'state of', states), tensorsOf(state, 1, 'the moments of a parameter'));
    groups.set(name, { name, step, initialLearningRate: table.float32(2) ?? 0, states });
  }
  return [...groups.values()];
}

function propertiesOf(bag: FlatTable | undefined): Map<string, bigint | number | string> {
  const properties = new Map<string, bigint | number | string>();
  const read = (slot: number, value: (of: FlatTable) => bigint | number | string) => {
    for (const table of bag?.tables(slot, 'the properties') ?? [])
      properties.set(newName(table, 'property', properties), value(table));
  };
  read(0, of => of.int64(1) ?? 0n);
  read(1, of => of.float32(1) ?? 0);
  read(2, of => of.text(1, 'a property') ?? '');
  return properties;
}

/** The name in slot 0, which must be new: checked before anything else of the table is read. */
function newName(table: FlatTable, what: string, taken: ReadonlyMap<string, unknown>): string {
  const name = table.text(0, 'a name');
  if (name === undefined) throw table.file.malformed(table.position, `a ${what} has no name`);
  const found = taken.has(name) ? 'given twice' : badName(name);
  if (found) throw errors.NAME({ file: table.file.name, name, what, found });
  return name;
}

/** Why a name is refused, both ways; undefined where it is good. */
export const badName = (name: string): string | undefined =>
  name.length > longestName ? `longer than ${longestName} letters` : undefined;
