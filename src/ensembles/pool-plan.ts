// A plan becomes nodes: the leaves' logits as one block [n, leaves, K], softmaxed together, then the tree above them.
// A cascade becomes an If after each stage: where pictures are left that it is not sure of, the rest of the tree is
// computed for those alone, and what it says takes their places.

import { Builder, type Graph, type Value } from '../graph/index.js';
import {
  Abs,
  ArgMax,
  Cast,
  Concat,
  Equal,
  Expand,
  Gather,
  Gemm,
  Greater,
  Identity,
  Less,
  Mul,
  NonZero,
  ReduceMax,
  ReduceMin,
  ReduceSum,
  Reshape,
  ScatterND,
  Slice,
  Sub,
  Unsqueeze,
} from '../operators/index.js';
import { tensor } from '../base/index.js';
import { activated, calibrated, linearCalibrator, scaled, type Task } from './calibrator.js';
import { leavesOf, type Leaf, type Plan, type Pooling } from './fusion.js';
import { heldLogits, logitsOf, pooled, weighted, type Pooled } from './pool-values.js';
import { Scope, type Wanted } from './scope.js';

/** What a plan says of the pictures of a scope. */
export interface PlanValues extends Pooled {
  /** [n, leaves, K], where asked for; members of a stage that was not asked repeat what was known. */
  readonly members?: Value;
}

type Cascade = Plan & { readonly kind: 'cascade' };

/** Computes a plan in a scope, and whatever else is wanted there. */
export function poolPlan(
  scope: Scope,
  plan: Plan,
  {
    task,
    isMembers,
    also = [],
  }: { readonly task: Task; readonly isMembers: boolean; readonly also?: readonly Wanted[] },
): PlanValues {
  const leaves = firstLeavesOf(plan);
  scope.compute([...leaves.map(({ logits, view }) => ({ term: logits, views: [view] })), ...also]);
  const places = new Map(leaves.map((leaf, i) => [leaf, i]));
  const raw = once(() => scope.block(leaves.map(({ logits: term, view }) => ({ term, view }))));
  const classes = leaves[0]!.logits.shape![1] as number;
  const isIsotonic = leaves.some(({ calibration }) => calibration?.kind === 'isotonic');
  const cooled = once(() => scaled(raw(), leaves.map(({ calibration }) => linearCalibrator(calibration, classes) ?? linearCalibrator(undefined, classes)!))); // prettier-ignore
  const probabilities = once(() => (isIsotonic ? eachCalibrated(raw(), leaves, task) : activated(cooled(), task)));
  const logs = once(() => (isIsotonic ? logitsOf(probabilities(), task) : heldLogits(cooled(), task)));
  /** Blocks of members in the order in which they are made. */
  const blocks: { readonly leaves: readonly Leaf[]; readonly value: () => Value }[] = [
    { leaves, value: probabilities },
  ];

  const rows = (block: Value, parts: readonly Leaf[]): Value => {
    const order = parts.map(leaf => places.get(leaf)!);
    const isAll = order.length === leaves.length && order.every((place, i) => place === i);
    return isAll ? block : Gather(block, scope.builder.constant(order), { axis: 1 });
  };
  const valueOf = (of: Plan): Pooled => {
    if (of.kind === 'leaf') {
      const one = (block: Value) => weighted(rows(block, [of.leaf]), [1]);
      return { p: one(probabilities()), logits: one(logs()) };
    }
    if (of.kind === 'cascade') return cascade(of);
    const direct = of.parts.flatMap(part => (part.kind === 'leaf' ? [part.leaf] : []));
    const isDirect = direct.length === of.parts.length;
    const values = once(() => of.parts.map(valueOf));
    const logitsHere = () => values().map(value => value.logits ?? logitsOf(value.p, task));
    if (of.kind === 'average')
      return pooled(
        of.rule,
        () => (isDirect ? rows(probabilities(), direct) : asMembers(values().map(({ p }) => p))),
        () => (isDirect ? rows(logs(), direct) : asMembers(logitsHere())),
        of.weights,
        task,
      );
    // members in their raw logits, pools in their pooled ones
    const width = of.parts.length * classes;
    const z = isDirect
      ? Reshape(rows(raw(), direct), [-1, width])
      : Concat(...of.parts.map(part => (part.kind === 'leaf' ? weighted(rows(raw(), [part.leaf]), [1]) : logitsIn(valueOf(part), task))), { axis: 1 }); // prettier-ignore
    const held = (hint: string, shape: readonly number[], data: Float32Array) => scope.hold(hint, tensor('float32', shape, data)); // prettier-ignore
    const stacked = Gemm(z, held('stack.weight', [classes, width], of.weights), held('stack.bias', [classes], of.bias), { transB: 1 }); // prettier-ignore
    return { p: activated(stacked, task), logits: heldLogits(stacked, task) };
  };
  const cascade = (of: Cascade): Pooled => {
    const first = valueOf(of.stages[0]!.plan).p;
    const { p, members } = goOn(scope, of, 0, [first], { task, isMembers });
    if (members)
      blocks.push({ leaves: of.stages.slice(1).flatMap(stage => leavesOf(stage.plan)), value: () => members });
    return { p };
  };

  const root = valueOf(plan);
  if (!isMembers) return root;
  const order = leavesOf(plan);
  const made = blocks.flatMap(block => block.leaves);
  const all = blocks.length === 1 ? probabilities() : Concat(...blocks.map(({ value }) => value()), { axis: 1 });
  const isInOrder = order.every((leaf, i) => leaf === made[i]);
  const members = isInOrder
    ? all
    : Gather(all, scope.builder.constant(order.map(leaf => made.indexOf(leaf))), { axis: 1 });
  return { ...root, members };
}

const logitsIn = (value: Pooled, task: Task): Value => value.logits ?? logitsOf(value.p, task);

/** Leaves that are computed for every picture of the scope: of a cascade those of its first stage. */
function firstLeavesOf(plan: Plan): Leaf[] {
  if (plan.kind === 'leaf') return [plan.leaf];
  return plan.kind === 'cascade' ? firstLeavesOf(plan.stages[0]!.plan) : plan.parts.flatMap(firstLeavesOf);
}

/** Members [n, M, K] by a calibrator each. */
function eachCalibrated(logits: Value, leaves: readonly Leaf[], task: Task): Value {
  const classes = logits.shape[2] as number;
  const members = leaves.map(({ calibration }, i) =>
    Unsqueeze(calibrated(Reshape(Slice(logits, [i], [i + 1], [1]), [-1, classes]), calibration, task), [1]),
  );
  return Concat(...members, { axis: 1 });
}

const asMembers = (values: readonly Value[]): Value =>
  Concat(...values.map(value => Unsqueeze(value, [1])), { axis: 1 });

/**
 * From the stage `at` on.
 *
 * @param said what each stage so far said [n, K]
 */
function goOn(
  scope: Scope,
  cascade: Cascade,
  at: number,
  said: readonly Value[],
  how: { readonly task: Task; readonly isMembers: boolean },
): { readonly p: Value; readonly members?: Value } {
  const { stages, pooled: pooling } = cascade;
  const known = knownAfter(said, pooling, how.task);
  const next = stages[at + 1];
  if (!next) return { p: known };
  const classes = known.shape[1] as number;
  const later = stages.slice(at + 1).flatMap(stage => leavesOf(stage.plan)).length;
  const margin = marginOf(known, how.task);
  const isUnsure = Reshape(Less(margin, stages[at]!.threshold), [-1]);
  const isAny = Greater(ReduceSum(Cast(isUnsure, { to: 1 }), undefined, { keepdims: 0 }), 0);
  const repeated = (here: Value) => Expand(Unsqueeze(here, [1]), [1, later, 1]);
  const body = (name: string, make: (builder: Builder) => { readonly p: Value; readonly members?: Value }): Graph => {
    const builder = new Builder(name, scope.builder);
    const { p, members } = make(builder);
    builder.output(p, builder.fresh('pooled'));
    if (members) builder.output(members, builder.fresh('members'));
    return builder.finish();
  };
  const more = body('unsure', builder => {
    const rows = Reshape(NonZero(builder.capture(isUnsure)), [-1]);
    const taken = (value: Value) => Gather(builder.capture(value), rows, { axis: 0 });
    const inner = new Scope(builder, taken(scope.pictures), scope.allViews, { scope, rows });
    const stage = poolPlan(inner, next.plan, how);
    const after = goOn(inner, cascade, at + 1, [...(pooling ? said.map(taken) : []), stage.p], how);
    const places = Reshape(rows, [-1, 1]);
    const before = builder.capture(known);
    const p = ScatterND(before, places, after.p);
    if (!stage.members) return { p };
    const members = after.members ? Concat(stage.members, after.members, { axis: 1 }) : stage.members;
    return { p, members: ScatterND(repeated(before), places, members) };
  });
  const enough = body('sure', builder => {
    const here = Identity(builder.capture(known));
    return how.isMembers ? { p: here, members: repeated(here) } : { p: here };
  });
  const batch = known.shape[0]!;
  const [p, members] = scope.builder.append({
    op: 'If',
    inputs: [isAny],
    attributes: new Map([
      ['then_branch', { kind: 'graph', value: more }],
      ['else_branch', { kind: 'graph', value: enough }],
    ]),
    outputs: [
      { type: 'float32', shape: [batch, classes] },
      ...(how.isMembers ? [{ type: 'float32' as const, shape: [batch, later, classes] }] : []),
    ],
  });
  return { p: p!, ...(members ? { members } : {}) };
}

/** How sure a row is [n, 1]: the two highest probabilities apart; of several labels twice the least distance from ½. */
function marginOf(p: Value, task: Task): Value {
  if (task === 'multi-label') return Mul(ReduceMin(Abs(Sub(p, 0.5)), [1], { keepdims: 1 }), 2);
  const classes = p.builder.constant(Array.from({ length: p.shape[1] as number }, (_, k) => k));
  const others = Sub(p, Cast(Equal(ArgMax(p, { axis: 1 }), classes), { to: 1 }));
  // of the highest itself at most 0 is left, and it may be the second only where all others are 0
  return Sub(ReduceMax(p, [1], { keepdims: 1 }), ReduceMax(others, [1], { keepdims: 1 }));
}

/** What is known after some stages. */
function knownAfter(said: readonly Value[], pooling: Pooling | undefined, task: Task): Value {
  const last = said.at(-1)!;
  if (!pooling || said.length === 1) return last;
  const weights = pooling.weights.slice(0, said.length);
  const sum = weights.reduce((a, b) => a + b, 0);
  // stages of no weight say nothing; where all have none, the last one speaks
  if (sum === 0) return last;
  const shares = weights.map(weight => weight / sum);
  return pooled(pooling.rule, () => asMembers(said), () => asMembers(said.map(p => logitsOf(p, task))), shares, task).p; // prettier-ignore
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
