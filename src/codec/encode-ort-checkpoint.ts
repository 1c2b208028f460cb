// Writes checkpoints of ONNX Runtime's on-device training; the layout stands in ort-checkpoint.ts. FlatBuffers are written
// from their end: what a table points to is written before it.

import { Builder } from 'flatbuffers';
import { byteLength, type Tensor } from '../base/index.js';
import { checkpointErrors as errors } from './checkpoint-errors.js';
import { badName, identifier, maxBytes, type OrtCheckpoint } from './ort-checkpoint.js';
import { numberOf } from './tensors.js';

/**
 * Writes a checkpoint. The same checkpoint gives the same bytes; parameters keep their order.
 *
 * @param options `version`: 1 for ONNX Runtime 1.16 and 1.17, 2 from 1.18 on. @default that of the checkpoint
 * @returns the file; float numbers among the properties are rounded to float32
 * @throws `CHECKPOINT_TENSOR` for strings and wrong sizes, `CHECKPOINT_NAME`, `CHECKPOINT_LIMIT` beyond 2 GiB
 * @example
 * await writeFile('checkpoint', encodeOrtCheckpoint(checkpoint, { version: 1 }));
 */
export function encodeOrtCheckpoint(
  checkpoint: OrtCheckpoint,
  { version = checkpoint.version }: { readonly version?: 1 | 2 } = {},
): Uint8Array {
  const { trainable, frozen, isNominal, groups, properties } = checkpoint;
  for (const name of frozen.keys())
    if (trainable.has(name)) throw errors.NAME({ file, name, what: 'parameter', found: 'both trainable and frozen' });
  const builder = new Builder(sizeOf(checkpoint));
  const module = table(builder, [
    offset(writeTensors(builder, trainable, isNominal)),
    offset(writeTensors(builder, frozen, isNominal)),
    (b, slot) => b.addFieldInt8(slot, isNominal ? 1 : 0, 0),
  ]);
  const groupList = groups.map(({ name, step, initialLearningRate, states }) =>
    table(builder, [
      offset(text(builder, name)),
      (b, slot) => b.addFieldInt64(slot, BigInt(step), 0n),
      (b, slot) => b.addFieldFloat32(slot, initialLearningRate, 0),
      offset(
        vector(
          builder,
          [...states].map(([parameter, moments]) =>
            table(builder, [offset(text(builder, parameter)), offset(writeTensors(builder, moments, false))]),
          ),
        ),
      ),
    ]),
  );
  const optimizers = groups.length > 0 ? offset(vector(builder, groupList)) : absent;
  const bag = properties.size > 0 ? offset(writeProperties(builder, properties)) : absent;
  const root = table(builder, [(b, slot) => b.addFieldInt32(slot, version, 0), offset(module), optimizers, bag]);
  builder.finish(root, identifier);
  return builder.asUint8Array();
}

const file = 'the checkpoint to write';

/** How a field is written into its slot. */
type Field = (builder: Builder, slot: number) => void;
const offset =
  (at: number): Field =>
  (builder, slot) =>
    builder.addFieldOffset(slot, at, 0);
const absent: Field = () => undefined;

function table(builder: Builder, fields: readonly Field[]): number {
  builder.startObject(fields.length);
  fields.forEach((field, slot) => field(builder, slot));
  return builder.endObject();
}

function vector(builder: Builder, offsets: readonly number[]): number {
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]!);
  return builder.endVector();
}

/** A text that reads back as it is: no NUL, no lone surrogate. */
function text(builder: Builder, value: string): number {
  const found = value.includes('\u0000')
    ? 'holds a NUL'
    : /\p{Surrogate}/u.test(value)
      ? 'is not Unicode'
      : badName(value);
  if (found) throw errors.NAME({ file, name: value, what: 'text', found });
  return builder.createString(value);
}

function writeTensors(builder: Builder, tensors: ReadonlyMap<string, Tensor>, isNominal: boolean): number {
  return vector(
    builder,
    [...tensors].map(([name, { type, shape, bytes }]) => {
      const wanted = byteLength(type, shape);
      const wrong = type === 'string' || (bytes.length !== wanted && !(isNominal && bytes.length === 0));
      if (wrong)
        throw errors.TENSOR({
          file,
          name,
          offset: 0,
          found: type === 'string' ? 'it holds strings' : `it needs ${wanted} bytes and has ${bytes.length}`,
        });
      const fields = [text(builder, name), dims(builder, shape), builder.createByteVector(bytes)] as const;
      return table(builder, [
        offset(fields[0]),
        absent,
        offset(fields[1]),
        (b, slot) => b.addFieldInt32(slot, numberOf(type), 0),
        offset(fields[2]),
      ]);
    }),
  );
}

function dims(builder: Builder, shape: readonly number[]): number {
  builder.startVector(8, shape.length, 8);
  for (let i = shape.length - 1; i >= 0; i--) builder.addInt64(BigInt(shape[i]!));
  return builder.endVector();
}

function writeProperties(builder: Builder, properties: ReadonlyMap<string, bigint | number | string>): number {
  const lists: [number[], number[], number[]] = [[], [], []];
  for (const [name, value] of properties) {
    const held = typeof value === 'string' ? offset(text(builder, value)) : undefined;
    const [list, field]: [number[], Field] =
      typeof value === 'bigint'
        ? [lists[0], (b, slot) => b.addFieldInt64(slot, value, 0n)]
        : typeof value === 'number'
          ? [lists[1], (b, slot) => b.addFieldFloat32(slot, value, 0)]
          : [lists[2], held!];
    list.push(table(builder, [offset(text(builder, name)), field]));
  }
  return table(
    builder,
    lists.map(list => (list.length > 0 ? vector(builder, list) : 0)).map(at => (at ? offset(at) : absent)),
  );
}

/** An upper bound of the file's bytes, so that it is laid out once. Throws CHECKPOINT_LIMIT beyond FlatBuffers' own. */
function sizeOf({ trainable, frozen, groups, properties }: OrtCheckpoint): number {
  let size = 1024;
  const add = (name: string, bytes: number) => (size += bytes + 3 * name.length + 128);
  const addAll = (tensors: ReadonlyMap<string, Tensor>) => {
    for (const [name, { bytes, shape }] of tensors) add(name, bytes.length + 8 * shape.length);
  };
  for (const tensors of [trainable, frozen]) addAll(tensors);
  for (const { name, states } of groups) {
    add(name, 0);
    for (const [parameter, moments] of states) {
      add(parameter, 0);
      addAll(moments);
    }
  }
  for (const [name, value] of properties) add(name, typeof value === 'string' ? 3 * value.length : 8);
  if (size > maxBytes) throw errors.LIMIT({ file, what: 'bytes', limit: maxBytes });
  return size;
}
