// Whether served models can be members of one ensemble: they take the same inputs, and say the same things of them. What an
// ensemble gives follows from what its members give: classifiers are pooled, other networks have their floats averaged.

import { printable } from '../../serving.js';
import { errors } from '../errors.js';
import type { ModelFacts } from '../served.js';
import type { Signature } from '../tensors.js';

/** A member by its name in the ensemble. */
export interface CheckedMember {
  readonly name: string;
  readonly facts: ModelFacts;
}

/** What an ensemble takes and gives. */
export interface EnsembleSignature {
  readonly kind: 'classifier' | 'floats';
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  readonly maxBatch: number;
  /** Outputs that are asked of the members. */
  readonly asked: readonly string[];
}

const invalid = (member: string, reason: string) => errors.MODEL_INVALID({ reason: `member ${member}: ${reason}` });
const isFloat = ({ datatype }: Signature): boolean => datatype === 'FP32' || datatype === 'FP64';
const isScores = (output: Signature): boolean =>
  output.name === 'probabilities' && isFloat(output) && output.shape.length === 2;
const said = ({ datatype, shape }: Signature): string => `${datatype} [${shape.join(', ')}]`;

/**
 * What an ensemble of these members is.
 *
 * @param maxBatch of the recipe or of the request to load it
 * @throws MODEL_INVALID naming the first member that does not fit to the first
 */
export function ensembleSignature(members: readonly CheckedMember[], maxBatch?: number): EnsembleSignature {
  const first = members[0]!;
  for (const member of members.slice(1)) {
    checkInputs(first, member);
    checkMeaning(first, member);
  }
  const most = Math.min(...members.map(({ facts }) => facts.maxBatch));
  for (const { name, facts } of members)
    if (maxBatch !== undefined && maxBatch > facts.maxBatch)
      throw invalid(name, `takes ${facts.maxBatch === 0 ? 'its own batch only' : `${facts.maxBatch} rows at once`}, the ensemble ${maxBatch}`); // prettier-ignore
  const own = { inputs: first.facts.inputs, maxBatch: maxBatch ?? most };
  const scores = members.map(({ facts }) => facts.outputs.find(isScores));
  return scores.some(one => one !== undefined)
    ? { kind: 'classifier', ...own, outputs: classifierOutputs(members, scores), asked: ['probabilities'] }
    : { kind: 'floats', ...own, ...floatOutputs(members) };
}

function checkInputs(first: CheckedMember, { name, facts }: CheckedMember): void {
  for (const { inputs } of [first.facts, facts])
    for (const wanted of inputs) {
      const [a, b] = [first.facts, facts].map(one => one.inputs.find(input => input.name === wanted.name));
      if (!a || !b) throw invalid(name, `input ${printable(wanted.name)} is ${b ? 'not' : ''} one of ${first.name} ${b ? '' : 'only'}`.replace(/ +/g, ' ').trim()); // prettier-ignore
      if (said(a) !== said(b)) throw invalid(name, `input ${printable(a.name)} is ${said(b)}, of ${first.name} ${said(a)}`); // prettier-ignore
    }
}

/** Labels in text and order, the task, and how a picture is prepared: all see the same one. */
function checkMeaning(first: CheckedMember, { name, facts }: CheckedMember): void {
  if (first.facts.task !== facts.task) throw invalid(name, `is ${facts.task ?? 'no classifier of pictures'}, ${first.name} ${first.facts.task ?? 'none'}`); // prettier-ignore
  const [labels, own] = [first.facts.labels ?? [], facts.labels ?? []];
  const at = labels.findIndex((label, i) => label !== own[i]);
  if (at >= 0 || labels.length !== own.length) {
    const place = at >= 0 ? at : labels.length;
    throw invalid(name, `label ${place} is ${shown(own[place])}, of ${first.name} ${shown(labels[place])}`);
  }
  const [recipe, other] = [first.facts, facts].map(one => new Map<string, unknown>(Object.entries(one.preprocessing ?? {}))); // prettier-ignore
  for (const key of new Set([...recipe!.keys(), ...other!.keys()])) {
    const [wanted, found] = [JSON.stringify(recipe!.get(key)), JSON.stringify(other!.get(key))];
    if (wanted !== found) throw invalid(name, `its pictures are prepared otherwise: ${printable(key)} is ${found ?? 'not said'}, of ${first.name} ${wanted ?? 'not said'}`); // prettier-ignore
  }
}

const shown = (label: string | undefined): string => (label === undefined ? 'missing' : `"${printable(label)}"`);

function classifierOutputs(
  members: readonly CheckedMember[],
  scores: readonly (Signature | undefined)[],
): readonly Signature[] {
  const wanted = scores.find(one => one !== undefined)!;
  members.forEach(({ name }, i) => {
    const found = scores[i];
    if (!found) throw invalid(name, 'gives no probabilities [rows, classes], others do');
    if (String(found.shape) !== String(wanted.shape)) throw invalid(name, `probabilities are [${found.shape.join(', ')}], of others [${wanted.shape.join(', ')}]`); // prettier-ignore
  });
  const [rows, classes] = wanted.shape as readonly [number, number];
  const value = (name: string, ...shape: number[]): Signature => ({ name, datatype: 'FP32', shape });
  return [
    value('logits', rows, classes),
    value('probabilities', rows, classes),
    value('memberProbabilities', rows, members.length, classes),
    value('uncertainty', rows, 2),
  ];
}

/** Floats that all members give, under the same name. */
function floatOutputs(members: readonly CheckedMember[]): { outputs: readonly Signature[]; asked: readonly string[] } {
  const [first, ...others] = members;
  const outputs = first!.facts.outputs.filter(
    output => isFloat(output) && others.every(({ facts }) => facts.outputs.some(({ name }) => name === output.name)),
  );
  for (const wanted of outputs)
    for (const { name, facts } of others) {
      const found = facts.outputs.find(output => output.name === wanted.name)!;
      if (said(found) !== said(wanted)) throw invalid(name, `output ${printable(wanted.name)} is ${said(found)}, of ${first!.name} ${said(wanted)}`); // prettier-ignore
    }
  if (outputs.length > 0) return { outputs, asked: outputs.map(({ name }) => name) };
  const odd = others.at(0) ?? first!;
  throw invalid(odd.name, `has no output FP32 or FP64 in common with ${first!.name}`);
}
