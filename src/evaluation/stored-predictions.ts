// Predictions of members in a safetensors file, read member by member. Three layouts:
//   `logits` [members, pictures, classes], names of the members in the metadata `members` (JSON list of texts)
//   `logits` [pictures, classes], one member, as a run writes it to predictions/<split>.safetensors
//   one tensor [pictures, classes] a member, under its name
// and in each, `hashes` uint8 [pictures, 32]: SHA-256 of the pictures. Logits are float32, float16, bfloat16 or float64.

import { floats, type SafetensorsReader, type Tensor } from '../base/index.js';
import { errors } from './errors.js';
import type { MemberPredictions } from './member-predictions.js';
import { softmaxRows } from './softmax-rows.js';

export interface StoredOptions {
  /** What a file of one unnamed member calls it. @default 'member' */
  readonly name?: string;
  /** Probabilities are softmax of the logits, sigmoid of several labels. @default 'single' */
  readonly task?: 'single' | 'multi-label';
  /** Makes probabilities of a member's logits [pictures, classes], such as a calibrator. @default softmax or sigmoid */
  readonly probabilitiesOf?: (logits: Float32Array, member: number) => Float32Array;
}

/** Members of a file, with their logits at hand too. */
export interface StoredPredictions extends MemberPredictions {
  /** The raw logits of a member, [count, classes]. */
  logitsOf(m: number): Promise<Float32Array>;
  probabilitiesOf(m: number): Promise<Float32Array>;
}

const types = ['float32', 'float16', 'bfloat16', 'float64'];

/**
 * The members of a file. Nothing but hashes is read until a member is asked for, then that member alone.
 *
 * @param file stays open as long as members are asked for; whoever opened it closes it
 * @throws `EVALUATION_STORED` where the file is of none of the three layouts
 * @example
 * const file = await openSafetensors('predictions/validation.safetensors');
 * const { weights } = await selectMembers(await storedPredictions(file), { labels });
 */
export async function storedPredictions(
  file: SafetensorsReader,
  { name = 'member', task = 'single', probabilitiesOf }: StoredOptions = {},
): Promise<StoredPredictions> {
  const { names, count, classes, read } = membersOf(file, name);
  const hashes = await hashesOf(file, count);
  const logitsOf = async (m: number): Promise<Float32Array> => {
    if (!(Number.isInteger(m) && m >= 0 && m < names.length))
      throw errors.OPTION({ option: 'member', found: m, wanted: `a position among ${names.length}` });
    return floats(await read(m));
  };
  const convert = probabilitiesOf ?? (task === 'single' ? (z: Float32Array) => softmaxRows(z, classes) : sigmoids);
  return {
    names,
    count,
    classes,
    ...(hashes && { hashes }),
    logitsOf,
    // the bytes were read for this call, so they may be overwritten
    probabilitiesOf: async m => convert(await logitsOf(m), m),
  };
}

interface Members {
  readonly names: readonly string[];
  readonly count: number;
  readonly classes: number;
  readonly read: (m: number) => Promise<Tensor>;
}

function membersOf(file: SafetensorsReader, name: string): Members {
  const bad = (reason: string) => errors.STORED({ reason });
  const logits = file.tensors.get('logits');
  if (logits?.shape.length === 3) {
    if (!types.includes(logits.type)) throw bad(`logits of ${logits.type}`);
    const [M, count, classes] = logits.shape as [number, number, number];
    return {
      names: namesOf(file.metadata.get('members'), M),
      count,
      classes,
      read: m => file.readRows('logits', m, 1),
    };
  }
  const tensors = [...file.tensors].filter(([key]) => key !== 'hashes');
  const first = tensors[0]?.[1];
  if (!first) throw bad('there is no member in it');
  for (const [key, { type, shape }] of tensors) {
    if (!types.includes(type) || shape.length !== 2)
      throw bad(`${key} is ${type} [${shape.join(',')}], not float [pictures, classes]`);
    if (shape[0] !== first.shape[0] || shape[1] !== first.shape[1])
      throw bad(`${key} is [${shape.join(',')}], ${tensors[0]![0]} is [${first.shape.join(',')}]`);
  }
  const keys = tensors.map(([key]) => key);
  const names = keys.length === 1 && keys[0] === 'logits' ? [name] : keys;
  return { names, count: first.shape[0]!, classes: first.shape[1]!, read: m => file.read(keys[m]!) };
}

/** The names of M members: the metadata's, or their numbers from 1. */
function namesOf(text: string | undefined, M: number): readonly string[] {
  if (text === undefined) return Array.from({ length: M }, (_, m) => `member ${m + 1}`);
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch (cause) {
    throw errors.STORED({ reason: 'its metadata members is no JSON' }, cause);
  }
  if (!Array.isArray(names) || names.length !== M || !names.every(name => typeof name === 'string'))
    throw errors.STORED({ reason: `its metadata members is no list of ${M} names` });
  if (new Set(names).size < M) throw errors.STORED({ reason: 'two of its members have one name' });
  return names;
}

async function hashesOf(file: SafetensorsReader, count: number): Promise<Uint8Array | undefined> {
  const described = file.tensors.get('hashes');
  if (!described) return undefined;
  const { type, shape } = described;
  if (type !== 'uint8' || shape.length !== 2 || shape[0] !== count || shape[1] !== 32)
    throw errors.STORED({ reason: `hashes is ${type} [${shape.join(',')}], not uint8 [${count},32]` });
  return (await file.read('hashes')).bytes;
}

/** Sigmoid of each number, in place. */
function sigmoids(z: Float32Array): Float32Array {
  for (let i = 0; i < z.length; i++) z[i] = 1 / (1 + Math.exp(-z[i]!));
  return z;
}
