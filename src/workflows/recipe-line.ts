// Recipes as one line of text, `op(arguments)[members]`, read by descent and printed again.

import { recipeErrors as errors } from './recipe-errors.js';
import {
  checkInner,
  deepest,
  drawing,
  operations,
  poolRules,
  shown,
  type InnerNode,
  type Operation,
  type RecipeNode,
} from './recipe-nodes.js';

/**
 * Reads a tree.
 *
 * @throws RECIPE_SYNTAX with the place in the text
 */
export function parseLine(text: string): RecipeNode {
  let at = 0;
  const fail = (reason: string) => errors.SYNTAX({ file: 'the recipe', at: at + 1, reason });
  const skip = () => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const expect = (sign: string) => {
    skip();
    if (text[at] !== sign) throw fail(`found ${shown(text[at] ?? 'the end')}, wanted ${sign}`);
    at++;
  };
  /** Up to one of the signs; quoted words may hold them. */
  const word = (until: RegExp): string => {
    skip();
    if (text[at] === '"') {
      const end = text.indexOf('"', at + 1);
      if (end < 0) throw fail('a quote is not closed');
      const quoted = text.slice(at + 1, end);
      at = end + 1;
      return quoted;
    }
    const from = at;
    while (at < text.length && !until.test(text[at]!)) at++;
    const found = text.slice(from, at).trim();
    if (!found) throw fail(`found ${shown(text[at] ?? 'the end')}, wanted a word`);
    return found;
  };
  const listed = <T>(close: string, item: () => T): T[] => {
    const items = [item()];
    for (skip(); text[at] === ','; skip()) {
      at++;
      items.push(item());
    }
    expect(close);
    return items;
  };
  const weighted = (depth: number): { node: RecipeNode; weight: number | undefined } => {
    skip();
    const factor = /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*\*\s*/.exec(text.slice(at));
    if (factor) at += factor[0].length;
    return { node: node(depth), weight: factor ? Number(factor[1]) : undefined };
  };
  const node = (depth: number): RecipeNode => {
    if (depth > deepest) throw fail(`the tree is deeper than ${deepest} levels`);
    skip();
    const head = /^([a-z]+)\s*[([]/.exec(text.slice(at));
    const op = operations.find(name => name === head?.[1]);
    if (!op) return { op: 'member', member: word(/[,\][]/) };
    at += op.length;
    skip();
    let words: string[] = [];
    if (text[at] === '(') {
      at++;
      words = listed(')', () => word(/[,)]/));
    }
    expect('[');
    const members = listed(']', () => weighted(depth + 1));
    return checkInner({ ...saidIn(op, words, fail), op, members: members.map(one => one.node), ...weightsIn(members) }, wanted => fail(`wanted ${wanted}`)); // prettier-ignore
  };
  const root = node(1);
  skip();
  if (at < text.length) throw fail(`found ${shown(text[at])} after the end`);
  return root;
}

const weightsIn = (members: readonly { readonly weight: number | undefined }[]): Pick<InnerNode, 'weights'> =>
  members.some(({ weight }) => weight !== undefined) ? { weights: members.map(({ weight = 1 }) => weight) } : {};

/** What stands in parentheses. */
function saidIn(
  op: Operation,
  words: readonly string[],
  fail: (reason: string) => Error,
): Omit<InnerNode, 'op' | 'members'> {
  const found = (['learned', 'greedy'] as const).find(name => words.includes(name));
  const rest = words.filter(word => word !== found);
  const weights = found === undefined ? {} : { weights: found };
  if (op === 'tta') return { ...weights, views: rest };
  if (drawing.has(op)) return { count: Number(rest[0]) };
  if (op === 'cascade') return rest.length === 0 ? {} : { tolerance: Number(rest[0]) };
  const rule = poolRules.find(name => name === rest[0]);
  if (rest.length > (rule === undefined ? 0 : 1)) throw fail(`${op} does not know ${shown(rest.at(-1))}`);
  return { ...weights, ...(rule === undefined ? {} : { rule }) };
}

/** A tree as one line, as `parseRecipe` reads it; names with signs of their own are quoted. */
export function printRecipe(node: RecipeNode): string {
  if (node.op === 'member') return /[,()[\]\s"]/.test(node.member) ? `"${node.member}"` : node.member;
  const { op, members, weights, rule, views = [], count, tolerance } = node;
  const quoted = (text: string) => (/[,()[\]\s]/.test(text) ? `"${text}"` : text);
  const said = [
    ...views.map(quoted),
    ...(typeof weights === 'string' ? [weights] : []),
    ...(rule !== undefined && rule !== 'probability' ? [rule] : []),
    ...(count === undefined ? [] : [String(count)]),
    ...(tolerance === undefined ? [] : [String(tolerance)]),
  ];
  const list = members.map((member, i) => {
    const weight = typeof weights === 'object' && op !== 'tta' ? weights[i] : undefined;
    return weight === undefined ? printRecipe(member) : `${weight}*${printRecipe(member)}`;
  });
  return `${op}${said.length > 0 ? `(${said.join(', ')})` : ''}[${list.join(', ')}]`;
}
