// What a tree of members says of pictures. Everything that is learnt on the way (temperatures of members, weights,
// selections, stackings, thresholds) is learnt from the rows `fit` alone, so that the same function gives cross-fitted
// answers and final ones; the answers are for all rows.

import {
  applyCalibrator,
  applyStacking,
  fitCascade,
  fitStacking,
  fitTemperature,
  fitWeights,
  membersInMemory,
  pool,
  selectMembers,
  type Calibrator,
  type PoolingRule,
  type SelectionMetric,
  type Truth,
} from '../evaluation/index.js';
import type { Fusion } from '../ensembles/index.js';
import type { TestView } from '../pictures/index.js';
import type { LeafNode, OpenedNode, PoolNode } from './ensemble-leaves.js';
import { recipeErrors } from './recipe-errors.js';
import type { RecipeNode } from './recipe-nodes.js';

/** The pictures and what is true of them. */
export interface Asked {
  readonly classes: readonly string[];
  readonly task: 'single' | 'multi-label';
  readonly truth: Truth;
  readonly count: number;
}

/** A network of the tree with its logits, [pictures, classes] for each view, the picture as it is first. */
export interface MeasuredLeaf {
  /** Unique in the tree. */
  readonly name: string;
  /** How it stands in the recipe of the bundle. */
  readonly recipe: RecipeNode;
  /** As `fuse` takes it, without calibration. */
  readonly fusion: Extract<Fusion, { kind: 'member' }>;
  readonly views: readonly TestView[];
  readonly logits: readonly Float32Array[];
}

/** How a tree is answered. */
export interface AnswerOptions {
  /** Rows from which everything is learnt. */
  readonly fit: readonly number[];
  /** Whether each member has a temperature of its own before members are pooled. */
  readonly memberFirst: boolean;
  readonly metric: SelectionMetric;
  readonly seed: number;
  /** The networks of leaves; of a greedy soup they depend on `fit`. */
  measured(leaf: LeafNode, fit: readonly number[]): Promise<MeasuredLeaf>;
  /** What a tree costs for one picture. */
  costOf(fusion: Fusion): number;
}

/** What a node says of all pictures, and what it has become. */
export interface Answer {
  readonly probabilities: Float32Array;
  /** Raw of a network, ln of the pooled probability of several. */
  readonly logits: Float32Array;
  readonly fusion: Fusion;
  readonly recipe: RecipeNode;
  /** Of a cascade: what a picture costs in the mean. */
  readonly cost?: number;
  /** The first network's own logits, by which strange pictures are told. */
  readonly first: { readonly name: string; readonly logits: Float32Array };
}

/** Answers a tree. */
export async function answerTree(node: OpenedNode, asked: Asked, options: AnswerOptions): Promise<Answer> {
  if ('networks' in node) return answerLeaf(node, await options.measured(node, options.fit), asked, options);
  const answers: Answer[] = [];
  for (const member of node.members) answers.push(await answerTree(member, asked, options));
  return answerPool(node, answers, asked, options);
}

/** One network, its views pooled. */
async function answerLeaf(
  { views }: LeafNode,
  leaf: MeasuredLeaf,
  asked: Asked,
  options: AnswerOptions,
): Promise<Answer> {
  const [plain] = leaf.logits as [Float32Array, ...Float32Array[]];
  const calibration: Calibrator = options.memberFirst
    ? { kind: 'temperature', temperature: temperatureOf(plain, asked, options.fit) }
    : { kind: 'none' };
  const said = leaf.logits.map(logits => applyCalibrator(calibration, { logits, classes: asked.classes }, asked.task));
  const fusion: Fusion = { ...leaf.fusion, ...(calibration.kind === 'none' ? {} : { calibration }) };
  const { recipe } = leaf;
  const first = { name: leaf.name, logits: plain };
  if (leaf.views.length === 1) return { probabilities: said[0]!, logits: plain, fusion, recipe, first };
  const rule = views?.rule === 'logit' ? 'logit' : 'probability';
  const weights = await viewWeights(leaf, views?.weights, said, asked, options);
  const pooled = pool(said, { ...sizesOf(asked), rule, weights });
  const kept = weights.flatMap((weight, i) => (weight > 0 ? [i] : []));
  return {
    ...pooled,
    fusion: {
      kind: 'views',
      member: fusion,
      rule,
      views: kept.map(i => leaf.views[i]!),
      weights: kept.map(i => weights[i]!),
    },
    recipe: {
      op: 'tta',
      members: [recipe],
      views: views!.words,
      ...(weights.every(weight => weight === weights[0]) ? {} : { weights }),
      ...(rule === 'probability' ? {} : { rule }),
    },
    first: { name: leaf.name, logits: leaf.logits[kept[0]!]! },
  };
}

const sizesOf = ({ classes, task }: Asked) => ({ classes: classes.length, task });

async function viewWeights(
  leaf: MeasuredLeaf,
  weights: 'learned' | 'greedy' | readonly number[] | undefined,
  said: readonly Float32Array[],
  asked: Asked,
  { fit, metric, seed }: AnswerOptions,
): Promise<number[]> {
  if (typeof weights === 'object' && weights.length !== said.length)
    throw recipeErrors.FIELD({
      file: 'the recipe',
      field: 'weights',
      found: `${weights.length} numbers`,
      wanted: `one for each view: ${leaf.views.map(({ name }) => name).join(', ')}`,
    });
  if (typeof weights === 'object') return normalized(weights);
  if (weights === undefined) return said.map(() => 1 / said.length);
  const source = sourceOf(said, asked, fit);
  const truth = truthAt(asked, fit);
  const found =
    weights === 'learned'
      ? await fitWeights(source, truth)
      : await selectMembers(source, truth, { replacement: false, start: [0], metric, seed });
  return [...found.weights];
}

/** Several answers made one. */
async function answerPool(
  node: PoolNode,
  answers: readonly Answer[],
  asked: Asked,
  options: AnswerOptions,
): Promise<Answer> {
  if (answers.length === 1 && node.op !== 'stack') return answers[0]!;
  if (node.op === 'stack') return answerStack(answers, asked, options);
  if (node.op === 'cascade') return answerCascade(node, answers, asked, options);
  const { fit, metric, seed } = options;
  const said = answers.map(({ probabilities }) => probabilities);
  const rule: PoolingRule = node.rule ?? 'probability';
  let weights = typeof node.weights === 'object' ? normalized(node.weights) : said.map(() => 1 / said.length);
  if (node.op === 'greedy')
    weights = [
      ...(
        await selectMembers(sourceOf(said, asked, fit), truthAt(asked, fit), {
          metric,
          seed,
          ...(node.size === undefined ? {} : { size: node.size }),
        })
      ).weights,
    ];
  else if (node.weights === 'learned')
    weights = [...(await fitWeights(sourceOf(said, asked, fit), truthAt(asked, fit))).weights];
  const kept = weights.flatMap((weight, i) => (weight > 0 ? [i] : []));
  if (kept.length === 1) return answers[kept[0]!]!;
  const members = kept.map(i => answers[i]!);
  const shares = kept.map(i => weights[i]!);
  const isEven = shares.every(share => share === shares[0]);
  return {
    ...pool(said, { ...sizesOf(asked), rule, weights }),
    fusion: {
      kind: 'average',
      rule,
      members: members.map(({ fusion }) => fusion),
      ...(isEven ? {} : { weights: shares }),
    },
    recipe: {
      op: 'average',
      rule,
      members: members.map(({ recipe }) => recipe),
      ...(isEven ? {} : { weights: shares }),
    },
    first: members[0]!.first,
  };
}

/** z = W x + b over the members' logits. */
function answerStack(answers: readonly Answer[], asked: Asked, { fit, seed }: AnswerOptions): Answer {
  const K = asked.classes.length;
  const logits = answers.map(answer => answer.logits);
  const { weights, bias } = fitStacking(
    logits.map(all => rowsAt(all, fit, K)),
    truthAt(asked, fit),
    { classes: K, seed },
  );
  return {
    ...applyStacking(logits, { weights, bias }, asked.task),
    fusion: { kind: 'stack', members: answers.map(({ fusion }) => fusion), weights, bias },
    recipe: { op: 'stack', members: answers.map(({ recipe }) => recipe) },
    first: answers[0]!.first,
  };
}

/** Each stage pools what is known until then; a picture goes on while its margin is small. */
function answerCascade(
  { tolerance, thresholds: known }: PoolNode,
  answers: readonly Answer[],
  asked: Asked,
  { fit, costOf }: AnswerOptions,
): Answer {
  const K = asked.classes.length;
  const members = answers.map(({ fusion }) => fusion);
  const upTo = members.map((_, i) =>
    costOf({ kind: 'average', rule: 'probability', members: members.slice(0, i + 1) }),
  );
  const stages = answers.map((_, i) => ({
    probabilities: pool(
      answers.slice(0, i + 1).map(({ probabilities }) => probabilities),
      sizesOf(asked),
    ).probabilities,
    cost: upTo[i]! - (upTo[i - 1] ?? 0),
  }));
  const thresholds =
    known ??
    fitCascade(
      stages.map(stage => ({ ...stage, probabilities: rowsAt(stage.probabilities, fit, K) })),
      truthAt(asked, fit),
      { classes: K, ...(tolerance === undefined ? {} : { tolerance }) },
    ).thresholds;
  const probabilities = new Float32Array(asked.count * K);
  let spent = 0;
  for (let row = 0; row < asked.count; row++) {
    const at = (stage: number) => stages[stage]!.probabilities.subarray(row * K, (row + 1) * K);
    let stage = 0;
    while (stage < thresholds.length && marginOf(at(stage), asked.task) < thresholds[stage]!) stage++;
    probabilities.set(at(stage), row * K);
    spent += upTo[stage]!;
  }
  return {
    ...pool([probabilities], sizesOf(asked)),
    fusion: {
      kind: 'cascade',
      stages: answers.slice(0, -1).map(({ fusion }, i) => ({ member: fusion, threshold: thresholds[i]! })),
      last: answers.at(-1)!.fusion,
      pooled: {},
    },
    recipe: {
      op: 'cascade',
      members: answers.map(({ recipe }) => recipe),
      ...(tolerance === undefined ? {} : { tolerance }),
      thresholds,
    },
    cost: spent / asked.count,
    first: answers[0]!.first,
  };
}

/** The two largest apart; of several labels twice the least distance from ½. */
function marginOf(row: Float32Array, task: Asked['task']): number {
  if (task === 'multi-label') return 2 * row.reduce((least, p) => Math.min(least, Math.abs(p - 0.5)), 0.5);
  const [first, second] = [...row].sort((a, b) => b - a);
  return first! - second!;
}

const normalized = (weights: readonly number[]): number[] => {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / total);
};

/** The rows of [pictures, width]. */
export function rowsAt(all: Float32Array, rows: readonly number[], width: number): Float32Array {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, i) => taken.set(all.subarray(row * width, (row + 1) * width), i * width));
  return taken;
}

/** The truth of some rows. */
export function truthAt({ truth, classes }: Pick<Asked, 'truth' | 'classes'>, rows: readonly number[]): Truth {
  if (!('targets' in truth)) return { labels: rows.map(row => truth.labels[row]!) };
  const K = classes.length;
  return { targets: rows.flatMap(row => Array.from({ length: K }, (_, k) => truth.targets[row * K + k]!)) };
}

const sourceOf = (said: readonly Float32Array[], { classes }: Asked, fit: readonly number[]) =>
  membersInMemory(
    new Map(said.map((probabilities, i) => [String(i), rowsAt(probabilities, fit, classes.length)])),
    classes.length,
  );

function temperatureOf(logits: Float32Array, asked: Asked, fit: readonly number[]): number {
  const K = asked.classes.length;
  return fitTemperature({ logits: rowsAt(logits, fit, K), classes: asked.classes, ...truthAt(asked, fit) }).temperature;
}
