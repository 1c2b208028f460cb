// What many members said of the same pictures, one member at a time: in memory, or in files that are larger than memory
// (stored-predictions.ts). Selection, weights and fronts read members through this alone.

import { errors } from './errors.js';
import { checkTruth, isMultiLabel, type Labels, type Targets } from './predictions.js';

/** The truth of the pictures: one label each, or [pictures, classes] targets of 0 and 1. */
export type Truth = Labels | Targets;

/** Predictions of members, of which one at a time is in memory. */
export interface MemberPredictions {
  readonly names: readonly string[];
  /** Pictures. */
  readonly count: number;
  readonly classes: number;
  /** SHA-256 of each picture, [count, 32], where the predictions were stored with them. */
  readonly hashes?: Uint8Array;
  /** What member `m` said: probabilities [count, classes]. The caller may keep the array and must not write to it. */
  probabilitiesOf(m: number): Float32Array | Promise<Float32Array>;
}

/**
 * Members whose predictions are in memory.
 *
 * @param members probabilities [pictures, classes] by name
 * @throws `EVALUATION_MEMBERS` where there is none, or where one has another size than the first
 */
export function membersInMemory(members: ReadonlyMap<string, Float32Array>, classes: number): MemberPredictions {
  const names = [...members.keys()];
  const arrays = [...members.values()];
  checkSizes(arrays, classes, m => names[m]!);
  return { names, count: arrays[0]!.length / classes, classes, probabilitiesOf: m => arrays[m]! };
}

/**
 * The members of several sources as one. All must have been asked about the same pictures in the same order.
 *
 * @throws `EVALUATION_MEMBERS` where numbers of pictures or classes, hashes of pictures, or names do not go together
 */
export function joinMembers(sources: readonly MemberPredictions[]): MemberPredictions {
  const first = sources[0];
  if (!first) throw errors.MEMBERS({ member: 'the ensemble', reason: 'there is none' });
  const hashed = sources.find(source => source.hashes);
  const all: { readonly source: MemberPredictions; readonly member: number; readonly name: string }[] = [];
  const names = new Set<string>();
  for (const source of sources) {
    const bad = (reason: string) => errors.MEMBERS({ member: source.names[0] ?? 'a source', reason });
    if (source.classes !== first.classes) throw bad(`${source.classes} classes, not ${first.classes}`);
    if (source.count !== first.count) throw bad(`${source.count} pictures, not ${first.count}`);
    if (source.hashes && hashed?.hashes && !same(source.hashes, hashed.hashes))
      throw bad(`it was asked about other pictures than ${hashed.names[0]}, or in another order`);
    for (const [member, name] of source.names.entries()) {
      if (names.has(name)) throw errors.MEMBERS({ member: name, reason: 'two members have this name' });
      names.add(name);
      all.push({ source, member, name });
    }
  }
  const { count, classes } = first;
  return {
    names: [...names],
    count,
    classes,
    ...(hashed?.hashes && { hashes: hashed.hashes }),
    probabilitiesOf: m => all[m]!.source.probabilitiesOf(all[m]!.member),
  };
}

/** Checks that arrays are all [pictures, classes] of one size, at least one of them. */
export function checkSizes(arrays: readonly Float32Array[], classes: number, nameOf: (m: number) => string): number {
  const first = arrays[0];
  if (!first) throw errors.MEMBERS({ member: 'the ensemble', reason: 'there is none' });
  if (!Number.isInteger(classes) || classes < 1)
    throw errors.OPTION({ option: 'classes', found: classes, wanted: 'a whole number from 1 on' });
  for (const [m, array] of arrays.entries()) {
    if (array.length % classes !== 0)
      throw errors.MEMBERS({ member: nameOf(m), reason: `${array.length} numbers are no rows of ${classes} classes` });
    if (array.length !== first.length)
      throw errors.MEMBERS({
        member: nameOf(m),
        reason: `${array.length / classes} pictures, where ${nameOf(0)} has ${first.length / classes}`,
      });
  }
  return first.length / classes;
}

/** Checks that the truth goes with so many pictures and classes, and that there are pictures. */
export function checkedTruth(truth: Truth, count: number, classes: number): void {
  const names = new Array<string>(classes).fill('');
  if (isMultiLabel(truth)) checkTruth(count * classes, { classes: names, targets: truth.targets });
  else checkTruth(count * classes, { classes: names, labels: truth.labels });
  if (count === 0) throw errors.EMPTY({ split: 'the predictions of the members' });
}

/**
 * Reads all members once, the next one while the one before is looked at.
 *
 * @param look gets each member's probabilities in turn
 */
export async function eachMember(
  source: MemberPredictions,
  look: (probabilities: Float32Array, member: number) => void,
): Promise<void> {
  const size = source.count * source.classes;
  const ask = async (m: number) => source.probabilitiesOf(m);
  let next = ask(0);
  for (let m = 0; m < source.names.length; m++) {
    const probabilities = await next;
    if (m + 1 < source.names.length) {
      next = ask(m + 1);
      next.catch(() => undefined); // told when it is awaited, if looking at this one does not throw before
    }
    if (probabilities.length !== size)
      throw errors.MEMBERS({ member: source.names[m]!, reason: `${probabilities.length} numbers, not ${size}` });
    look(probabilities, m);
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
