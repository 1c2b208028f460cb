// An ensemble of served models: `<name>/<version>/ensemble.json`, in the words of our ensemble recipes, leaves by the names
// under which models are served.
//   {"version": 1, "root": {"op": "average", "rule": "probability", "weights": [2, 1],
//     "members": [{"model": "cats"}, {"op": "average", "members": [{"model": "a", "version": "2"}, {"model": "b"}]}]},
//    "maxBatch": 8}

import { printable } from '../../serving.js';
import { errors } from '../errors.js';
import { isName } from './folder.js';

export type PoolingRule = 'probability' | 'logit' | 'vote';
const rules: readonly PoolingRule[] = ['probability', 'logit', 'vote'];

/** A served model. */
export interface LeafNode {
  readonly model: string;
  /** @default the highest that answers */
  readonly version?: string;
}
export interface AverageNode {
  readonly op: 'average';
  readonly members: readonly EnsembleNode[];
  /** Of the members, of sum 1. */
  readonly weights: readonly number[];
  readonly rule: PoolingRule;
}
export type EnsembleNode = LeafNode | AverageNode;

export interface EnsembleRecipe {
  readonly root: AverageNode;
  /** @default the smallest of its members' */
  readonly maxBatch?: number;
}

const deepest = 16;
const mostMembers = 256;
const wrong = (reason: string) => errors.MODEL_INVALID({ reason: `ensemble.json: ${reason}` });

/** How a leaf is named in answers. */
export const leafName = ({ model, version }: LeafNode): string =>
  version === undefined ? model : `${model}/${version}`;

/** The leaves of a tree with their shares, in order. */
export function leavesOf(node: EnsembleNode, share = 1): { readonly leaf: LeafNode; readonly share: number }[] {
  if ('model' in node) return [{ leaf: node, share }];
  return node.members.flatMap((member, i) => leavesOf(member, share * node.weights[i]!));
}

/**
 * Reads the text of an `ensemble.json`.
 *
 * @param weights in place of those of the root
 * @throws MODEL_INVALID naming the field
 */
export function readEnsembleRecipe(text: string, weights?: readonly number[]): EnsembleRecipe {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('it is no JSON');
  }
  const held = fieldsOf(value, 'the recipe', ['version', 'root', 'maxBatch']);
  if (held.get('version') !== 1) throw wrong(`version is ${shown(held.get('version'))}, known is 1`);
  const maxBatch = held.get('maxBatch');
  if (maxBatch !== undefined && !(Number.isSafeInteger(maxBatch) && Number(maxBatch) >= 1))
    throw wrong('maxBatch must be a whole number from 1 on');
  const root = nodeOf(held.get('root'), 'root', 1, weights);
  if ('model' in root) throw wrong('root must be an average');
  const names = leavesOf(root).map(({ leaf }) => leafName(leaf));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(`member ${twice} is there twice: say it with weights`);
  if (names.length > mostMembers) throw wrong(`it has ${names.length} members, at most ${mostMembers} are taken`);
  return { root, ...(maxBatch === undefined ? {} : { maxBatch: Number(maxBatch) }) };
}

function fieldsOf(value: unknown, field: string, known: readonly string[]): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${field} must be an object`);
  const held = new Map<string, unknown>(Object.entries(value));
  for (const key of held.keys())
    if (!known.includes(key)) throw wrong(`${field}.${printable(key)} is not one of ${known.join(', ')}`);
  return held;
}

function nodeOf(value: unknown, field: string, depth: number, override?: readonly number[]): EnsembleNode {
  if (depth > deepest) throw wrong(`${field} is deeper than ${deepest} levels`);
  if (typeof value === 'string') return leafOf(new Map([['model', value]]), field);
  if (typeof value === 'object' && value !== null && 'model' in value)
    return leafOf(fieldsOf(value, field, ['model', 'version']), field);
  const held = fieldsOf(value, field, ['op', 'members', 'weights', 'rule']);
  if (held.get('op') !== 'average') throw wrong(`${field}.op is ${shown(held.get('op'))}; served models can be averaged only`); // prettier-ignore
  const members = held.get('members');
  if (!Array.isArray(members) || members.length === 0) throw wrong(`${field}.members must be a list of members`);
  const rule = rules.find(one => one === (held.get('rule') ?? 'probability'));
  if (!rule) throw wrong(`${field}.rule is ${shown(held.get('rule'))}, known are ${rules.join(', ')}`);
  const nodes = members.map((member, i) => nodeOf(member, `${field}.members[${i}]`, depth + 1));
  return { op: 'average', members: nodes, weights: weightsOf(override ?? held.get('weights'), nodes, field), rule };
}

function leafOf(held: ReadonlyMap<string, unknown>, field: string): LeafNode {
  const [model, version] = [held.get('model'), held.get('version')];
  if (typeof model !== 'string' || !isName(model)) throw wrong(`${field}.model is ${shown(model)}, no name of a model`);
  if (version === undefined) return { model };
  if (typeof version !== 'string' || !/^[1-9][0-9]{0,8}$/.test(version)) throw wrong(`${field}.version of member ${model} must be a number as text`); // prettier-ignore
  return { model, version };
}

/** Weights of sum 1; equal ones where none are said. */
function weightsOf(given: unknown, members: readonly EnsembleNode[], field: string): number[] {
  if (given === undefined) return members.map(() => 1 / members.length);
  if (!Array.isArray(given) || given.length !== members.length)
    throw wrong(`${field}.weights must be ${members.length} numbers, one for each member`);
  const weights = given.map((weight: unknown, i) => {
    if (typeof weight === 'number' && Number.isFinite(weight) && weight >= 0) return weight;
    const member = members[i]!;
    const name = 'model' in member ? `member ${leafName(member)}` : `${field}.members[${i}]`;
    throw wrong(`the weight of ${name} is ${shown(weight)}, wanted a finite number from 0 on`);
  });
  const total = weights.reduce((a, b) => a + b, 0);
  if (!(total > 0) || !Number.isFinite(total)) {
    const names = members.map(member => ('model' in member ? leafName(member) : 'an average'));
    throw wrong(`${field}.weights of ${names.join(', ')} ${total > 0 ? 'are too large' : 'are all zero'}`);
  }
  return weights.map(weight => weight / total);
}

const shown = (value: unknown): string => printable((JSON.stringify(value) ?? 'nothing').slice(0, 80));
