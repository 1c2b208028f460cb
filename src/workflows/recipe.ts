// What an ensemble is made of, as a tree: JSON, YAML, or one line of text.
//   average[run-a, run-b]                 mean probability; average(logit), average(vote), average(rank)
//   average(learned)[…], average[2*a, b]  weights learnt from predictions, or said
//   greedy[…]  stack[…]                   Caruana's selection; a logistic regression on the members' logits
//   soup[run@checkpoints]  soup(greedy)[…]  mean of the weights: one network
//   tta(hflip, rotate=5)[run-b]           views of the picture; tta(hflip, learned)[…] with learnt weights
//   dropout(8)[run]  batchnorm(8)[run]  swag(8)[run@checkpoints]   members drawn from one
//   cascade[cheap, dear]                  the dear one only for pictures that the cheap one is not sure of
// As data: {"version": 1, "root": {"op": "average", "members": [{"op": "member", "member": "run-a"}], "weights": [1]}}.

import { parse as parseYaml } from 'yaml';
import { recipeErrors as errors } from './recipe-errors.js';
import { parseLine } from './recipe-line.js';
import {
  checkInner,
  deepest,
  operations,
  poolRules,
  shown,
  type InnerNode,
  type PoolRule,
  type Recipe,
  type RecipeNode,
} from './recipe-nodes.js';

/**
 * Reads a recipe.
 *
 * @param text JSON, YAML or one line as at the top of this file
 * @throws RECIPE_SYNTAX, RECIPE_FIELD, RECIPE_VERSION
 * @example
 * const { root } = parseRecipe('average[soup[run@checkpoints], tta(hflip)[other]]');
 */
export function parseRecipe(text: string, file = 'the recipe'): Recipe {
  const trimmed = text.trim();
  if (/^[a-z]+\s*(\([^)]*\))?\s*\[/.test(trimmed)) return { version: 1, root: parseLine(trimmed) };
  let value: unknown;
  try {
    value = trimmed.startsWith('{') ? JSON.parse(trimmed) : parseYaml(trimmed);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    throw errors.SYNTAX({ file, at: 1, reason }, cause);
  }
  const held = fieldsOf(value, file, 'the recipe');
  const version = held.get('version');
  if (version !== 1) throw errors.VERSION({ file, found: JSON.stringify(version) ?? 'nothing' });
  return { version: 1, root: checkNode(held.get('root'), file, 'root', 1) };
}

function fieldsOf(value: unknown, file: string, field: string): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.FIELD({ file, field, found: shown(value), wanted: 'an object' });
  return new Map(Object.entries(value));
}

/** A node that came from a file. A string is a member. */
function checkNode(value: unknown, file: string, field: string, depth: number): RecipeNode {
  if (depth > deepest) throw errors.FIELD({ file, field, found: 'a deeper tree', wanted: `at most ${deepest} levels` });
  if (typeof value === 'string') return { op: 'member', member: value };
  const held = fieldsOf(value, file, field);
  const wrong = (key: string, wanted: string) =>
    errors.FIELD({ file, field: `${field}.${key}`, found: shown(held.get(key)), wanted });
  const op = held.get('op');
  const allowed =
    op === 'member'
      ? ['op', 'member', 'sha256', 'name']
      : ['op', 'members', 'weights', 'rule', 'views', 'count', 'tolerance', 'thresholds'];
  for (const key of held.keys()) if (!allowed.includes(key)) throw wrong(key, `one of ${allowed.join(', ')}`);
  if (op === 'member') {
    const member = held.get('member');
    const sha256 = held.get('sha256');
    if (typeof member !== 'string' || member === '') throw wrong('member', 'the path of a bundle or run');
    if (sha256 !== undefined && (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)))
      throw wrong('sha256', '64 hex digits');
    return { op, member, ...(sha256 === undefined ? {} : { sha256 }) };
  }
  const operation = operations.find(name => name === op);
  if (!operation) throw wrong('op', `member, ${operations.join(', ')}`);
  const members = held.get('members');
  if (!Array.isArray(members) || members.length === 0) throw wrong('members', 'a list of members');
  const numbers = (key: string): readonly number[] | undefined => {
    const list = held.get(key);
    if (list === undefined || typeof list === 'string') return undefined;
    if (!Array.isArray(list) || !list.every(one => typeof one === 'number' && Number.isFinite(one) && one >= 0))
      throw wrong(key, 'a list of numbers from 0');
    return list as number[];
  };
  const words = (key: string): readonly string[] | undefined => {
    const list = held.get(key);
    if (list === undefined) return undefined;
    if (!Array.isArray(list) || !list.every(one => typeof one === 'string')) throw wrong(key, 'a list of words');
    return list;
  };
  const said = held.get('weights');
  if (typeof said === 'string' && said !== 'learned' && said !== 'greedy') throw wrong('weights', 'numbers, learned or greedy'); // prettier-ignore
  const rule = held.get('rule');
  if (rule !== undefined && !poolRules.some(name => name === rule)) throw wrong('rule', poolRules.join(', '));
  for (const key of ['count', 'tolerance'])
    if (held.has(key) && !(typeof held.get(key) === 'number' && (held.get(key) as number) >= 0))
      throw wrong(key, 'a number from 0');
  const weights = typeof said === 'string' ? (said as 'learned' | 'greedy') : numbers('weights');
  const views = words('views');
  const thresholds = numbers('thresholds');
  const inner: InnerNode = {
    op: operation,
    members: members.map((member, i) => checkNode(member, file, `${field}.members[${i}]`, depth + 1)),
    ...(weights === undefined ? {} : { weights }),
    ...(rule === undefined ? {} : { rule: rule as PoolRule }),
    ...(views === undefined ? {} : { views }),
    ...(held.has('count') ? { count: held.get('count') as number } : {}),
    ...(held.has('tolerance') ? { tolerance: held.get('tolerance') as number } : {}),
    ...(thresholds === undefined ? {} : { thresholds }),
  };
  return checkInner(inner, reason => errors.FIELD({ file, field, found: shown(value), wanted: reason }));
}
