// Sets of weights mixed tensor by tensor: what is equal stays, floats are mixed, whole numbers that count take the
// furthest, and everything else that differs is a fault with its reason.

import { elementCount, elements, type Tensor } from '../base/index.js';
import { areFinite, isEqualTensor, isMixed, mixTensors, numbersOf, type Shares } from './mix-tensors.js';
import { differentKind } from './same-structure.js';

/** Weights by name. */
export type WeightSet = ReadonlyMap<string, Tensor>;

/** Why networks cannot be averaged. */
export interface WeightsFault {
  /** The tensor, node, input or output where they part. */
  readonly name: string;
  readonly reason: string;
  /** The member that parts from the first, from 0. */
  readonly member: number;
}

/** A tensor that was not averaged although it differs. */
export interface TakenTensor {
  readonly name: string;
  readonly reason: string;
}

/** Sets as one. */
export interface Mixed {
  readonly weights: Map<string, Tensor>;
  /** Floats that differed and were averaged. */
  readonly averaged: readonly string[];
  readonly taken: readonly TakenTensor[];
}

/** What is a weight. */
export interface MixRules {
  /** Names of stored variances, which are never below 0. */
  readonly variances: ReadonlySet<string>;
  /** Whether tensors are known by their names only: a whole number is a counter then. */
  readonly areNamed: boolean;
  /** Whether a float is a weight. @default all are */
  readonly isWeight?: (name: string) => boolean;
  /** Look, but mix nothing. @default false */
  readonly dry?: boolean;
}

/** Mixes sets of the same names, or says why not. */
export function mixSets(sets: readonly WeightSet[], shares: Shares, rules: MixRules): Mixed | WeightsFault {
  const [first, ...others] = sets;
  const weights = new Map<string, Tensor>();
  const averaged: string[] = [];
  const taken: TakenTensor[] = [];
  for (const [i, set] of others.entries()) {
    const lost = [...first!.keys()].find(name => !set.has(name));
    const extra = [...set.keys()].find(name => !first!.has(name));
    if (lost !== undefined) return { name: lost, reason: 'is missing in the other', member: i + 1 };
    if (extra !== undefined) return { name: extra, reason: 'is missing in the first', member: i + 1 };
  }
  for (const [name, one] of first!) {
    const all = sets.map(set => set.get(name)!);
    const kind = all.map(other => differentKind(name, one, other));
    const member = kind.findIndex(Boolean);
    if (member >= 0) return { name, reason: kind[member]!.why, member };
    const different = all.findIndex(other => !isEqualTensor(one, other));
    if (different < 0) {
      weights.set(name, one);
      continue;
    }
    const reason = whyNotMixed(name, one, rules);
    if (reason !== undefined) return { name, reason, member: different };
    if (!isMixed(one.type)) {
      const furthest = all.reduce((a, b) => (elements(b)[0]! > elements(a)[0]! ? b : a));
      weights.set(name, furthest);
      taken.push({ name, reason: 'a counter is not averaged: the furthest counts' });
      continue;
    }
    const broken = all.findIndex(other => !areFinite(numbersOf(other)));
    if (broken >= 0) return { name, reason: 'holds numbers that are not finite', member: broken };
    weights.set(name, rules.dry ? one : mixTensors(all, shares, rules.variances.has(name) ? 0 : undefined));
    averaged.push(name);
  }
  return { weights, averaged, taken };
}

const counts = new Set(['int32', 'int64', 'uint32', 'uint64']);

/** Why a tensor that differs is not averaged, unless it is a counter. */
function whyNotMixed(name: string, { type, shape }: Tensor, { areNamed, isWeight }: MixRules): string | undefined {
  if (isMixed(type)) return !isWeight || isWeight(name) ? undefined : 'is a constant that is no weight, and differs';
  if (areNamed && counts.has(type) && elementCount(shape) === 1) return undefined;
  const quantized = /^u?int[24]$|^u?int8$|^float[48]/.test(type)
    ? ': quantised weights are averaged as floats only'
    : '';
  return `is ${type}, which is not averaged, and differs${quantized}`;
}
