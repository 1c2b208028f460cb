// What an ensemble says beside probabilities p [n, K], inside the graph:
//   uncertainty [n, 2]   entropy of the pool in nats; mutual information H(Σ w p_m) − Σ w H(p_m): how much members disagree
//   predictionSet [n, K] threshold: p ≥ 1 − threshold; adaptive: the mass of more probable classes is below the threshold
//   outlierScore [n]     larger is stranger: −logsumexp z, −max z, or min_k (f − μ_k)ᵀ P (f − μ_k)

import { tensor, type Tensor } from '../base/index.js';
import type { Value } from '../graph/index.js';
import {
  Add,
  ArgMax,
  Cast,
  Concat,
  CumSum,
  Equal,
  Gemm,
  Greater,
  GreaterOrEqual,
  Less,
  Log,
  MatMul,
  Max,
  Mul,
  Neg,
  Or,
  ReduceLogSumExp,
  ReduceMax,
  ReduceMin,
  ReduceSum,
  ScatterElements,
  Sub,
  zerosLike,
} from '../operators/index.js';
import type { Task } from './calibrator.js';
import { descending, weighted } from './pool-values.js';

/** Which classes are in a picture's prediction set; the most probable one always is. */
export interface PredictionSetRule {
  readonly kind: 'threshold' | 'adaptive';
  /** For what share of pictures the right class is in the set. */
  readonly coverage: number;
  readonly threshold: number;
}

/** When a picture is taken for one of an unknown kind: where its score is above the threshold. */
export type OutlierRule =
  | { readonly kind: 'energy' | 'max-logit'; readonly threshold: number; readonly falseAlarmRate: number }
  | {
      readonly kind: 'mahalanobis';
      readonly threshold: number;
      readonly falseAlarmRate: number;
      /** [K, F] */
      readonly means: Float32Array;
      /** [F, F] */
      readonly precision: Float32Array;
    };

/** Entropy [n, 1] or, of members, [n, M, 1]. */
function entropy(p: Value, task: Task): Value {
  const part = (of: Value) => Mul(of, Log(Max(of, 2 ** -126)));
  const each = task === 'single' ? part(p) : Add(part(p), part(Sub(1, p)));
  return Neg(ReduceSum(each, [-1], { keepdims: 1 }));
}

/** Of the pool before its own calibration, and of its members by how much they have to say. */
export function uncertaintyOf(p: Value, members: Value, shares: readonly number[], task: Task): Value {
  const mean = entropy(weighted(members, shares), task);
  const own = weighted(entropy(members, task), shares);
  return Concat(entropy(p, task), Max(Sub(mean, own), 0), { axis: 1 });
}

/** bool [n, K] of probabilities. */
export function predictionSetOf(p: Value, { kind, threshold }: PredictionSetRule): Value {
  const { builder } = p;
  const classes = p.shape[1] as number;
  if (kind === 'threshold') {
    const names = builder.constant(Array.from({ length: classes }, (_, k) => k));
    return Or(GreaterOrEqual(p, atLeast(1 - threshold)), Equal(ArgMax(p, { axis: 1 }), names));
  }
  const [sorted, order] = descending(p);
  const before = CumSum(sorted, builder.constant(1, 'int64'), { exclusive: 1 });
  const first = builder.constant(
    tensor(
      'bool',
      [1, classes],
      Array.from({ length: classes }, (_, k) => (k === 0 ? 1 : 0)),
    ),
  );
  const isIn = Cast(Or(Less(before, threshold), first), { to: 1 });
  return Greater(ScatterElements(zerosLike(p), order, isIn, { axis: 1 }), 0);
}

/** The smallest float32 that is no less: x ≥ it says of every float32 x what x ≥ value says. */
function atLeast(value: number): number {
  const near = Math.fround(value);
  if (near >= value) return near;
  const bits = new Int32Array(Float32Array.of(near).buffer);
  bits[0]! += near >= 0 ? 1 : -1;
  return new Float32Array(bits.buffer)[0]!;
}

/** Scores [n], of raw logits [n, K] or of features [n, F]. */
export function outlierScore(
  of: { readonly logits: Value; readonly features?: Value },
  rule: OutlierRule,
  hold: (hint: string, data: Tensor) => Value,
): Value {
  if (rule.kind !== 'mahalanobis')
    return Neg((rule.kind === 'energy' ? ReduceLogSumExp : ReduceMax)(of.logits, [1], { keepdims: 0 }));
  // with d = f − c and b = μ − c about the mean c of the means: dᵀPd − (P + Pᵀ)b · d + bᵀPb
  const F = of.features!.shape[1] as number;
  const K = rule.means.length / F;
  const centre = new Float64Array(F);
  rule.means.forEach((value, i) => (centre[i % F]! += value / K));
  const middle = Float32Array.from(centre);
  const [slopes, heights] = [new Float32Array(K * F), new Float32Array(K)];
  for (let k = 0; k < K; k++) {
    let height = 0;
    for (let i = 0; i < F; i++) {
      let slope = 0;
      for (let j = 0; j < F; j++) {
        const b = rule.means[k * F + j]! - middle[j]!;
        slope += (rule.precision[i * F + j]! + rule.precision[j * F + i]!) * b;
      }
      slopes[k * F + i] = -slope;
      height += 0.5 * slope * (rule.means[k * F + i]! - middle[i]!);
    }
    heights[k] = height;
  }
  const held = (name: string, shape: readonly number[], data: Float32Array) => hold(`outliers.${name}`, tensor('float32', shape, data)); // prettier-ignore
  const d = Sub(of.features, held('middle', [F], middle));
  const own = ReduceSum(Mul(MatMul(d, held('precision', [F, F], rule.precision)), d), [1], { keepdims: 1 });
  const lines = Gemm(d, held('slopes', [K, F], slopes), held('heights', [K], heights), { transB: 1 });
  return ReduceMin(Add(own, lines), [1], { keepdims: 0 });
}
