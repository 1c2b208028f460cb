// The tree of an ensemble as it is handed to fuse, and as the graph needs it: leaves (a network and one view of the
// picture each) in the order of memberProbabilities, and above them averages, stacks and cascades. Views of a tree
// become an average over the views of its leaves.

import type { Model } from '../graph/index.js';
import { checkCalibrator, type Calibrator, type Task } from './calibrator.js';
import { errors } from './errors.js';
import { asItIs, checkView, composed, viewKey, type PictureView } from './picture-views.js';
import type { MemberTerms, Term, Terms } from './terms.js';

/** One network. */
export interface FusedMember {
  readonly kind: 'member';
  readonly name: string;
  /** Input `pictures` uint8 [N, H, W, 3], output `logits` [N, K]; what comes after the logits is left out. */
  readonly model: Model;
  /** Of its logits, before it is pooled. @default none */
  readonly calibration?: Calibrator;
  /**
   * Share of the input's sides that it sees, in the middle: its recipe's `cropFraction` over the input's. Where that is
   * not as many pixels as the network has, they are resized inside the graph: a second resampling of the picture, close
   * to what its own recipe would have made, not equal to it. @default 1
   */
  readonly crop?: number;
}

/** Predictions made one; see methods: `probability` p = Σ w p_m, `logit` p = softmax(Σ w ln p_m). */
export interface FusedAverage {
  readonly kind: 'average';
  readonly rule: 'probability' | 'logit' | 'vote' | 'rank';
  readonly members: readonly Fusion[];
  /** Not negative, divided by their sum. @default all equal */
  readonly weights?: readonly number[];
}

/** One tree shown several views of the picture. */
export interface FusedViews {
  readonly kind: 'views';
  readonly member: Fusion;
  readonly views: readonly PictureView[];
  /** @default 'probability' */
  readonly rule?: 'probability' | 'logit';
  readonly weights?: readonly number[];
}

/** softmax(W · [z_1 … z_M] + b), z the members' raw logits, of pools their pooled ones. */
export interface FusedStack {
  readonly kind: 'stack';
  readonly members: readonly Fusion[];
  /** [K, M · K] row by row */
  readonly weights: Float32Array;
  /** [K] */
  readonly bias: Float32Array;
}

/**
 * A picture goes on to the next stage where what is known is less sure than the threshold: by the two highest
 * probabilities apart, of several labels by twice the least distance from ½.
 */
export interface FusedCascade {
  readonly kind: 'cascade';
  readonly stages: readonly { readonly member: Fusion; readonly threshold: number }[];
  readonly last: Fusion;
  /** What is known after a stage: the mean of the stages so far, by these weights; or that stage alone. @default alone */
  readonly pooled?: { readonly rule?: 'probability' | 'logit'; readonly weights?: readonly number[] };
}

export type Fusion = FusedMember | FusedAverage | FusedViews | FusedStack | FusedCascade;

/** A network and a view. */
export interface Leaf {
  readonly name: string;
  readonly terms: MemberTerms;
  readonly logits: Term;
  /** Its place among all views. */
  readonly view: number;
  readonly calibration: Calibrator | undefined;
}

/** The tree over leaves. */
export type Plan =
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | {
      readonly kind: 'average';
      readonly rule: FusedAverage['rule'];
      readonly parts: readonly Plan[];
      /** Of sum 1. */
      readonly weights: readonly number[];
    }
  | {
      readonly kind: 'stack';
      readonly parts: readonly Plan[];
      readonly weights: Float32Array;
      readonly bias: Float32Array;
    }
  | { readonly kind: 'cascade'; readonly stages: readonly Stage[]; readonly pooled: Pooling | undefined };

export interface Stage {
  readonly plan: Plan;
  /** Of the last stage none. */
  readonly threshold?: number;
}
/** How stages are pooled: weights of all of them. */
export interface Pooling {
  readonly rule: 'probability' | 'logit';
  readonly weights: readonly number[];
}

/** Every view that some leaf sees; equal ones once. */
export class Views {
  readonly all: PictureView[] = [];
  readonly #places = new Map<string, number>();

  placeOf(view: PictureView): number {
    const key = viewKey(view);
    let place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, (place = this.all.push(view) - 1));
    return place;
  }
}

export interface Setting {
  readonly terms: Terms;
  readonly views: Views;
  readonly input: { readonly width: number; readonly height: number };
  readonly classes: number;
  readonly task: Task;
}

/**
 * The plan of a tree.
 *
 * @throws ENSEMBLE_MEMBER_UNFIT, ENSEMBLE_TREE, ENSEMBLE_VIEW, ENSEMBLE_CALIBRATOR
 */
export function planOf(root: Fusion, setting: Setting, seen: PictureView = asItIs): Plan {
  const { classes, task } = setting;
  const below = (part: Fusion) => planOf(part, setting, seen);
  if (root.kind === 'member') {
    checkCalibrator(root.calibration, classes, task);
    const terms = setting.terms.member(root.name, root.model, setting.input, root.crop);
    checkView(seen, terms.frame);
    const found = terms.logits.shape![1];
    if (found !== classes) throw errors.MEMBER_UNFIT({ member: root.name, reason: `it tells ${found} classes, wanted ${classes}` }); // prettier-ignore
    const name = seen.name === asItIs.name ? root.name : `${root.name}#${seen.name}`;
    const view = setting.views.placeOf(seen);
    return { kind: 'leaf', leaf: { name, terms, logits: terms.logits, view, calibration: root.calibration } };
  }
  if (root.kind === 'average') {
    if (root.rule === 'rank' && task !== 'single') throw errors.TREE({ node: root.kind, reason: 'ranks are of classes of which one is right' }); // prettier-ignore
    const weights = sharesOf(root.kind, root.members.length, root.weights);
    return { kind: 'average', rule: root.rule, parts: root.members.map(below), weights };
  }
  if (root.kind === 'views') {
    const weights = sharesOf(root.kind, root.views.length, root.weights);
    checkOneFrame(root, setting);
    const parts = root.views.map(view => planOf(root.member, setting, composed(seen, view)));
    return { kind: 'average', rule: root.rule ?? 'probability', parts, weights };
  }
  if (root.kind === 'stack') {
    sharesOf(root.kind, root.members.length, undefined);
    if (root.weights.length !== classes * classes * root.members.length || root.bias.length !== classes)
      throw errors.TREE({ node: root.kind, reason: `it wants ${classes} × ${classes * root.members.length} weights and ${classes} of bias` }); // prettier-ignore
    return { kind: 'stack', parts: root.members.map(below), weights: root.weights, bias: root.bias };
  }
  const stages: Stage[] = root.stages.map(({ member, threshold }) => ({ plan: below(member), threshold }));
  if (stages.length === 0 || (task === 'single' && classes < 2)) throw errors.TREE({ node: root.kind, reason: 'it wants a stage before the last, and two classes' }); // prettier-ignore
  const { rule = 'probability', weights } = root.pooled ?? {};
  const pooled = root.pooled ? { rule, weights: sharesOf(root.kind, stages.length + 1, weights) } : undefined;
  return { kind: 'cascade', stages: [...stages, { plan: below(root.last) }], pooled };
}

/** Every leaf of a plan, in the order of memberProbabilities. */
export function leavesOf(plan: Plan): Leaf[] {
  if (plan.kind === 'leaf') return [plan.leaf];
  return plan.kind === 'cascade' ? plan.stages.flatMap(stage => leavesOf(stage.plan)) : plan.parts.flatMap(leavesOf);
}

/** How much each leaf has to say, of sum 1: weights multiplied down the tree; members of stacks and stages alike. */
export function sharesOfLeaves(plan: Plan, share = 1): number[] {
  if (plan.kind === 'leaf') return [share];
  if (plan.kind === 'average') return plan.parts.flatMap((part, i) => sharesOfLeaves(part, share * plan.weights[i]!));
  if (plan.kind === 'stack') return plan.parts.flatMap(part => sharesOfLeaves(part, share / plan.parts.length));
  const { stages, pooled } = plan;
  return stages.flatMap((stage, i) => sharesOfLeaves(stage.plan, share * (pooled?.weights[i] ?? 1 / stages.length)));
}

/** Weights of sum 1. */
function sharesOf(node: string, count: number, weights: readonly number[] | undefined): number[] {
  if (count === 0) throw errors.TREE({ node, reason: 'it has no members' });
  if (!weights) return Array.from({ length: count }, () => 1 / count);
  const sum = weights.reduce((a, b) => a + b, 0);
  if (weights.length !== count || !weights.every(weight => weight >= 0) || !(sum > 0 && sum < Infinity))
    throw errors.TREE({ node, reason: `its weights are [${weights.join(', ')}], wanted is one for each of ${count}, none below 0, some above` }); // prettier-ignore
  return weights.map(weight => weight / sum);
}

/** Views are in pixels of a frame: all below see the same. */
function checkOneFrame(root: FusedViews, { terms, input }: Setting): void {
  const frames = membersOf(root.member).map(({ name, model, crop }) => terms.member(name, model, input, crop).frame);
  const sizes = new Set(frames.map(({ width, height }) => `${width} × ${height}`));
  if (sizes.size > 1) throw errors.TREE({ node: root.kind, reason: `its members see frames of ${[...sizes].join(' and ')}, and views are in pixels of one` }); // prettier-ignore
}

function membersOf(root: Fusion): FusedMember[] {
  if (root.kind === 'member') return [root];
  if (root.kind === 'views') return membersOf(root.member);
  if (root.kind === 'cascade') return [...root.stages.map(({ member }) => member), root.last].flatMap(membersOf);
  return root.members.flatMap(membersOf);
}
