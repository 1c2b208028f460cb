// Whether a value lies after its activation: where features are usually taken. A value made by an activation does;
// pooling, concatenation and rearrangement pass the answer on; weights, sums and normalizations end it.

import { isActivation, isBlank } from './roles.js';
import type { Wiring } from './wiring.js';

const passing = new Set(
  (
    'MaxPool AveragePool GlobalAveragePool GlobalMaxPool ReduceMean Concat Split Slice Gather Pad Resize Upsample ' +
    'QLinearConcat QLinearAveragePool QLinearGlobalAveragePool DepthToSpace SpaceToDepth'
  ).split(' '),
);
const softmaxes = new Set(['Softmax', 'LogSoftmax', 'QLinearSoftmax']);

/** Answers for any value of the graph; answers are kept. */
export function activationTeller(wiring: Wiring): (value: string) => boolean {
  const answers = new Map<string, boolean>();
  const answer = (value: string, depth: number): boolean => {
    const kept = answers.get(value);
    if (kept !== undefined) return kept;
    const node = wiring.producer(value);
    let found = false;
    if (!node || depth > 64) found = false;
    else if (softmaxes.has(node.op) || isActivation(node)) found = node.op !== 'Erf' && node.op !== 'BiasGelu';
    else if (node.op === 'BiasGelu') found = true;
    else if (isBlank(node) || passing.has(node.op)) {
      const data = wiring.dataInputs(node);
      found = data.length > 0 && data.every(name => answer(name, depth + 1));
    } else if (node.op === 'Mul') {
      const [a, b] = wiring.dataInputs(node);
      if (a === undefined) found = false;
      else if (b === undefined) found = isOwnProduct(wiring, a) || answer(a, depth + 1);
      // x · σ(x) is an activation; x · gate(pooled x) is a weighting of x.
      else if (comesFrom(wiring, a, b) || comesFrom(wiring, b, a)) found = true;
      else found = [a, b].some(gate => isGate(wiring, gate)) && [a, b].some(name => answer(name, depth + 1));
    }
    answers.set(value, found);
    return found;
  };
  return value => answer(value, 0);
}

const isGate = (wiring: Wiring, value: string): boolean =>
  ['Sigmoid', 'HardSigmoid'].includes(wiring.producer(value)?.op ?? '');

/** A product of a value with a function of itself, as half of GELU: 0.5 · (x · (1 + erf(x / √2))). */
function isOwnProduct(wiring: Wiring, value: string): boolean {
  const node = wiring.producer(value);
  if (node?.op !== 'Mul') return false;
  const [a, b] = wiring.dataInputs(node);
  return a !== undefined && b !== undefined && (comesFrom(wiring, a, b) || comesFrom(wiring, b, a));
}

const elementwise = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Sqrt', 'Exp', 'Neg', 'Min', 'Max']);

/** Whether `value` is an elementwise function of `source` with at least one activation in it. */
function comesFrom(wiring: Wiring, value: string, source: string): boolean {
  let hasActivation = false;
  const pending = [value];
  for (let steps = 0; pending.length > 0; steps++) {
    const name = pending.pop()!;
    if (name === source) continue;
    const node = wiring.producer(name);
    if (!node || steps > 24) return false;
    if (isActivation(node)) hasActivation = true;
    else if (!elementwise.has(node.op) && !isBlank(node)) return false;
    const data = wiring.dataInputs(node);
    if (data.length === 0) return false;
    pending.push(...data);
  }
  return hasActivation;
}
