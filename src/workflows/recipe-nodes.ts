// The nodes of a recipe, and what holds between their fields.

/** How predictions are pooled. */
export type PoolRule = 'probability' | 'logit' | 'vote' | 'rank';
export const poolRules: readonly PoolRule[] = ['probability', 'logit', 'vote', 'rank'];

/** A bundle, a run or checkpoints of a run; several where the word names several. */
export interface MemberNode {
  readonly op: 'member';
  readonly member: string;
  /** Of a bundle that was made: the member's identity. */
  readonly sha256?: string;
}
/** A node over others. */
export interface InnerNode {
  readonly op: Operation;
  readonly members: readonly RecipeNode[];
  /** Numbers in the order of the members (of `tta`: of the views), or how they are found. @default equal */
  readonly weights?: readonly number[] | 'learned' | 'greedy';
  /** Of `average` and `tta`. @default 'probability' */
  readonly rule?: PoolRule;
  /** Of `tta`. */
  readonly views?: readonly string[];
  /** Of `dropout`, `batchnorm` and `swag`: how many are drawn. */
  readonly count?: number;
  /** Of `cascade`: what may be lost against all members, as a share of pictures. @default 0.005 */
  readonly tolerance?: number;
  /** Of a cascade that was made: the margin below which a picture goes on, stage by stage. */
  readonly thresholds?: readonly number[];
}
export type RecipeNode = MemberNode | InnerNode;

/** What stands in a recipe file and in a bundle's manifest. */
export interface Recipe {
  readonly version: 1;
  readonly root: RecipeNode;
}

export const operations = [
  'average',
  'greedy',
  'stack',
  'soup',
  'tta',
  'cascade',
  'dropout',
  'batchnorm',
  'swag',
] as const;
export type Operation = (typeof operations)[number];
/** Operations over exactly one member, though a word of it may name several. */
const single = new Set<string>(['tta', 'dropout', 'batchnorm']);
export const drawing = new Set<string>(['dropout', 'batchnorm', 'swag']);
/** How the parts of an operation may be weighed. */
const weighedBy = new Map<Operation, readonly string[]>([
  ['average', ['numbers', 'learned']],
  ['soup', ['numbers', 'greedy']],
  ['tta', ['numbers', 'learned', 'greedy']],
]);
export const deepest = 16;

export const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/** What holds between the fields of a node, wherever it came from. */
export function checkInner(node: InnerNode, wrong: (wanted: string) => Error): InnerNode {
  const { op, members, weights, rule, views, count, tolerance, thresholds } = node;
  if (single.has(op) && members.length !== 1) throw wrong(`${op} over one member`);
  if (op === 'cascade' && members.length < 2) throw wrong('a cascade of two members at least');
  if ((op === 'tta') !== (views !== undefined && views.length > 0))
    throw wrong(op === 'tta' ? 'tta with views' : 'views for tta only');
  if (drawing.has(op) && !(Number.isSafeInteger(count) && count! >= 1 && count! <= 1000))
    throw wrong(`${op} with a count of 1 to 1000`);
  if (!drawing.has(op) && count !== undefined) throw wrong(`a count for ${[...drawing].join(', ')} only`);
  if (op !== 'cascade' && (tolerance ?? thresholds) !== undefined)
    throw wrong('tolerance and thresholds for cascade only');
  if (thresholds && thresholds.length !== members.length - 1) throw wrong(`${members.length - 1} thresholds`);
  const ways = weighedBy.get(op) ?? [];
  const way = typeof weights === 'object' ? 'numbers' : weights;
  if (way !== undefined && !ways.includes(way))
    throw wrong(ways.length === 0 ? `${op} without weights` : `weights of ${op} that are ${ways.join(' or ')}`);
  const rules = op === 'average' ? poolRules : op === 'tta' ? poolRules.slice(0, 2) : [];
  if (rule !== undefined && !rules.includes(rule))
    throw wrong(rules.length === 0 ? `${op} without a rule` : `a rule of ${op}: ${rules.join(' or ')}`);
  const list = typeof weights === 'object' && op !== 'tta' ? weights : undefined;
  if (list && (list.length !== members.length || !list.some(one => one > 0)))
    throw wrong(`${members.length} weights, one above 0 at least`);
  return node;
}
