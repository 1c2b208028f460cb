// Members fused into one graph: what they have in common is computed once, recognised by contents whatever the names;
// heads on one value are one Gemm; views are made inside and folded into the batch.
//   pictures uint8 [N, H, W, 3] → logits, probabilities, memberProbabilities, uncertainty, predictionSet, outlierScore, unknown

import type { Tensor } from '../base/index.js';
import { Builder, modelOf, type Dim, type Model, type Value } from '../graph/index.js';
import { Greater } from '../operators/index.js';
import { inferShapes, mergeEqual } from '../passes/index.js';
import { calibrated, checkCalibrator, linearCalibrator, type Calibrator, type Task } from './calibrator.js';
import { errors } from './errors.js';
import { leavesOf, planOf, sharesOfLeaves, Views, type Fusion, type Leaf, type Plan } from './fusion.js';
import { meanHead } from './linear-terms.js';
import { asItIs } from './picture-views.js';
import { poolPlan } from './pool-plan.js';
import { logitsOf } from './pool-values.js';
import { Scope, type Wanted } from './scope.js';
import { Terms } from './terms.js';
import {
  outlierScore,
  predictionSetOf,
  uncertaintyOf,
  type OutlierRule,
  type PredictionSetRule,
} from './told-values.js';

/** What a fused graph can say beside logits and probabilities. */
export type ToldOutput = 'memberProbabilities' | 'uncertainty';

export interface FuseOptions {
  readonly root: Fusion;
  /** Of the input. Members may be smaller: see {@link PictureView} and the member's `crop`. */
  readonly width: number;
  readonly height: number;
  readonly classes: number;
  readonly task: Task;
  /** Of the pooled logits. @default none */
  readonly calibration?: Calibrator;
  /** Adds `predictionSet`, of the calibrated probabilities. @default none */
  readonly sets?: PredictionSetRule;
  /** Adds `outlierScore` and `unknown`, by the raw logits or features of one member in its first view. @default none */
  readonly outliers?: OutlierRule & { readonly member: string };
  /** Without both, mean logits of heads on one trunk become one head. @default both */
  readonly outputs?: readonly ToldOutput[];
  readonly metadata?: ReadonlyMap<string, string>;
}

/** The metadata of a fused model that names its members, in the order of `memberProbabilities`: JSON. */
const membersKey = 'members';

/**
 * Fuses members into one model. Its outputs:
 * - `logits` float32 [N, K]: ln of the pooled probabilities, of several labels ln p/(1 − p)
 * - `probabilities` [N, K]: those, calibrated
 * - `memberProbabilities` [N, M, K], each calibrated by its own; a member in two views is two
 * - `uncertainty` [N, 2]: entropy of the pool before its calibration, and mutual information of members and answer, in nats
 * - `predictionSet` bool [N, K] with `sets`; `outlierScore` [N] and `unknown` bool [N] with `outliers`
 *
 * @throws ENSEMBLE_MEMBER_UNFIT, ENSEMBLE_TREE, ENSEMBLE_VIEW, ENSEMBLE_CALIBRATOR, ENSEMBLE_OUTLIER_RULE
 * @example
 * const members = models.map((model, i): Fusion => ({ kind: 'member', name: `seed ${i}`, model }));
 * const root: Fusion = { kind: 'average', rule: 'probability', members };
 * const fused = fuse({ root, width: 224, height: 224, classes: 10, task: 'single' });
 */
export function fuse(options: FuseOptions): Model {
  const { width, height, classes, task, calibration, sets, outliers } = options;
  const asked = new Set<ToldOutput>(options.outputs ?? ['memberProbabilities', 'uncertainty']);
  checkCalibrator(calibration, classes, task);
  const terms = new Terms();
  const views = new Views();
  const whole = planOf(options.root, { terms, views, input: { width, height }, classes, task });
  const isMembers = asked.size > 0;
  const plan = isMembers ? flattened(whole) : collapsed(flattened(whole), terms, classes);
  const builder = new Builder('ensemble');
  const pictures = builder.input('pictures', 'uint8', ['N', height, width, 3]);
  for (const name of outputNames) builder.fresh(name);
  const scope = new Scope(builder, pictures, views.all);
  const judge = outliers && judgeOf(leavesOf(whole), outliers, classes);
  const also: Wanted[] = judge ? [{ term: judge.term, views: [judge.leaf.view] }] : [];
  const { p, logits = logitsOf(p, task), members } = poolPlan(scope, plan, { task, isMembers, also });
  const told = new Map<string, { readonly value: Value; readonly shape: readonly Dim[] }>();
  const tell = (name: (typeof outputNames)[number], value: Value, ...rest: number[]) => told.set(name, { value, shape: ['N', ...rest] }); // prettier-ignore
  tell('logits', logits, classes);
  const isCalibrated = calibration !== undefined && calibration.kind !== 'none';
  const probabilities = isCalibrated ? calibrated(logits, calibration, task) : p;
  tell('probabilities', probabilities, classes);
  const shares = sharesOfLeaves(whole);
  if (members && asked.has('memberProbabilities')) tell('memberProbabilities', members, shares.length, classes);
  if (members && asked.has('uncertainty')) tell('uncertainty', uncertaintyOf(p, members, shares, task), 2);
  if (sets) tell('predictionSet', predictionSetOf(probabilities, sets), classes);
  if (outliers && judge) {
    const value = scope.value(judge.term, [judge.leaf.view]);
    const hold = (hint: string, data: Tensor) => scope.hold(hint, data);
    const score = outlierScore({ logits: value, features: value }, outliers, hold);
    tell('outlierScore', score);
    tell('unknown', Greater(score, outliers.threshold));
  }
  for (const [name, { value }] of told) builder.output(value, name);
  const names = leavesOf(whole).map(({ name }) => name);
  const metadata = new Map([...(options.metadata ?? []), [membersKey, JSON.stringify(names)]]);
  return finished(builder, terms, metadata, new Map([...told].map(([name, { shape }]) => [name, shape])));
}

const outputNames = ['logits', 'probabilities', 'memberProbabilities', 'uncertainty', 'predictionSet', 'outlierScore', 'unknown'] as const; // prettier-ignore

/** The model around a finished graph, its outputs in the shapes that are promised. */
export function finished(
  builder: Builder,
  { opsets }: Terms,
  metadata: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<string, readonly Dim[]>,
): Model {
  const model = modelOf(builder.finish(), metadata);
  const merged = mergeEqual({ ...model, opsets: new Map([...opsets, ...model.opsets]) });
  const inferred = inferShapes(merged);
  const outputs = inferred.graph.outputs.map(output => ({ ...output, shape: shapes.get(output.name)! }));
  return { ...inferred, graph: { ...inferred.graph, outputs } };
}

/** Averages of averages by the same rule are one. */
function flattened(plan: Plan): Plan {
  if (plan.kind === 'leaf') return plan;
  if (plan.kind === 'cascade')
    return { ...plan, stages: plan.stages.map(stage => ({ ...stage, plan: flattened(stage.plan) })) };
  const parts = plan.parts.map(flattened);
  if (plan.kind === 'stack') return { ...plan, parts };
  const isLinear = plan.rule === 'probability' || plan.rule === 'logit';
  const spread = parts.flatMap((part, i) =>
    isLinear && part.kind === 'average' && part.rule === plan.rule
      ? part.parts.map((inner, j) => ({ part: inner, weight: plan.weights[i]! * part.weights[j]! }))
      : [{ part, weight: plan.weights[i]! }],
  );
  return { ...plan, parts: spread.map(({ part }) => part), weights: spread.map(({ weight }) => weight) };
}

/** Where nobody asks for members: mean logits of linear heads on one value are one head, and who has no weight is left out. */
function collapsed(plan: Plan, terms: Terms, classes: number): Plan {
  if (plan.kind === 'leaf') return plan;
  if (plan.kind === 'cascade') return { ...plan, stages: plan.stages.map(stage => ({ ...stage, plan: collapsed(stage.plan, terms, classes) })) }; // prettier-ignore
  // members of no weight say nothing
  const isHeard = plan.parts.map((_, i) => plan.kind === 'stack' || plan.weights[i]! > 0);
  const parts = plan.parts.filter((_, i) => isHeard[i]).map(part => collapsed(part, terms, classes));
  const leaves = parts.flatMap(part => (part.kind === 'leaf' ? [part.leaf] : []));
  const isOneView = leaves.length === parts.length && leaves.every(({ view }) => view === leaves[0]!.view);
  if (plan.kind === 'stack') return { ...plan, parts };
  const weights = plan.weights.filter(weight => weight > 0);
  if (plan.rule !== 'logit' || !isOneView) return { ...plan, parts, weights };
  const heads = leaves.flatMap(({ logits, calibration }, i) => {
    const linear = linearCalibrator(calibration, classes);
    return linear ? [{ term: logits, weight: weights[i]!, ...linear }] : [];
  });
  const head = heads.length === leaves.length ? meanHead(heads) : undefined;
  if (!head) return { ...plan, parts, weights };
  return { kind: 'leaf', leaf: { ...leaves[0]!, logits: terms.affine(head, 'head'), calibration: undefined } };
}

/** The member by which unknown pictures are told, and what is read of it. */
function judgeOf(leaves: readonly Leaf[], rule: OutlierRule & { readonly member: string }, classes: number) {
  const { member } = rule;
  const unfit = (reason: string) => errors.OUTLIER_RULE({ member, reason });
  const leaf = leaves.find(({ name }) => name === member) ?? leaves.find(({ name }) => name.startsWith(`${member}#`));
  if (!leaf) throw unfit('the ensemble has none of that name');
  if (rule.kind !== 'mahalanobis') return { leaf, term: leaf.terms.logits };
  const features = leaf.terms.features;
  const F = features?.shape?.length === 2 ? features.shape[1] : undefined;
  if (!features || typeof F !== 'number') throw unfit('its metadata names no features [N, F]');
  if (rule.means.length !== classes * F || rule.precision.length !== F * F)
    throw unfit(
      `it has ${F} features, and the rule ${rule.means.length} means and ${rule.precision.length} of precision`,
    );
  return { leaf, term: features };
}

/** The picture as it is, for members that are shown no views. */
export const noViews = [asItIs] as const;
