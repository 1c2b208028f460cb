// Which terms are linear functions of one value [N, F], however they are written: x · A + b through MatMul and Add, Gemm
// with or without transB, and standardisation (x − m) / s before or after, composed in float64. Heads on one trunk
// become one Gemm, and mean logits of them one head.

import { floats, type Tensor } from '../base/index.js';
import { attributesOf, Gemm } from '../operators/index.js';
import type { Step, Term } from './terms.js';

/** x · A + b. */
export interface Affine {
  /** x [N, F] */
  readonly of: Term;
  /** A, [F, K] row by row; */
  readonly matrix: Float64Array;
  /** b [K] */
  readonly bias: Float64Array;
}

/** x · scale + shift before any matrix; numbers stand for vectors of them. */
interface Scaled {
  readonly of: Term;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

const found = new WeakMap<Term, Affine | Scaled | 'none'>();

/** The linear function that a term is; undefined where it is none, or one without a matrix. */
function affineOf(term: Term): Affine | undefined {
  if (term.source.kind === 'affine') return term.source.affine;
  const linear = linearOf(term);
  return linear && 'matrix' in linear ? linear : undefined;
}

function linearOf(term: Term): Affine | Scaled | undefined {
  const known = found.get(term);
  if (known) return known === 'none' ? undefined : known;
  const made = term.source.kind === 'step' && term.type === 'float32' ? followed(term.source.step, term) : undefined;
  found.set(term, made ?? 'none');
  return made;
}

function followed(step: Step, term: Term): Affine | Scaled | undefined {
  const { node, inputs } = step;
  const width = term.shape?.length === 2 ? term.shape[1] : undefined;
  if (node.domain !== '' || typeof width !== 'number') return undefined;
  if (node.op === 'MatMul') return multiplied(inputs[0], constantOf(inputs[1]), undefined, false);
  if (node.op === 'Gemm') {
    const { alpha, beta, transA, transB } = attributesOf(Gemm, node.attributes);
    const added = inputs[2] ? constantOf(inputs[2]) : undefined;
    if (transA || (inputs[2] && !added)) return undefined;
    return multiplied(inputs[0], constantOf(inputs[1]), added, transB === 1, alpha, beta);
  }
  const at = inputs.findIndex(input => input?.varies);
  const constant = constantOf(inputs[1 - at]);
  const before = inputs[at];
  if (inputs.length !== 2 || !before || !constant || before.shape?.length !== 2 || before.shape[1] !== width)
    return undefined;
  const vector = spread(constant, width);
  if (!vector) return undefined;
  const one = Float64Array.from({ length: width }, () => 1);
  const none = new Float64Array(width);
  if (node.op === 'Add') return then(before, one, vector);
  if (node.op === 'Mul') return then(before, vector, none);
  if (node.op === 'Sub') return at === 0 ? then(before, one, vector.map(v => -v)) : then(before, one.map(v => -v), vector); // prettier-ignore
  if (node.op === 'Div' && at === 0)
    return then(
      before,
      vector.map(v => 1 / v),
      none,
    );
  return undefined;
}

/** (what a term is) · scale + shift */
function then(before: Term, scale: Float64Array, shift: Float64Array): Affine | Scaled {
  const linear = linearOf(before) ?? unchanged(before);
  if ('matrix' in linear) {
    const K = scale.length;
    return {
      of: linear.of,
      matrix: linear.matrix.map((value, i) => value * scale[i % K]!),
      bias: linear.bias.map((value, k) => value * scale[k]! + shift[k]!),
    };
  }
  return {
    of: linear.of,
    scale: linear.scale.map((value, i) => value * scale[i]!),
    shift: linear.shift.map((value, i) => value * scale[i]! + shift[i]!),
  };
}

function unchanged(of: Term): Scaled {
  const width = of.shape![1] as number;
  return { of, scale: Float64Array.from({ length: width }, () => 1), shift: new Float64Array(width) };
}

/** alpha · x · op(B) + beta · c */
function multiplied(
  x: Term | undefined,
  weights: Tensor | undefined,
  added: Tensor | undefined,
  transposed: boolean,
  alpha = 1,
  beta = 1,
): Affine | undefined {
  if (!x?.varies || !weights || weights.shape.length !== 2 || x.shape?.length !== 2) return undefined;
  const [F, K] = transposed ? [weights.shape[1]!, weights.shape[0]!] : [weights.shape[0]!, weights.shape[1]!];
  const linear = x.shape[1] === F ? (linearOf(x) ?? unchanged(x)) : undefined;
  const shift = added ? spread(added, K) : new Float64Array(K);
  // a product of two matrices is left as it is written: one may be narrow
  if (!linear || 'matrix' in linear || !shift) return undefined;
  const values = floats(weights);
  const matrix = new Float64Array(F * K);
  const bias = shift.map(value => beta * value);
  for (let f = 0; f < F; f++)
    for (let k = 0; k < K; k++) {
      const weight = alpha * values[transposed ? k * F + f : f * K + k]!;
      matrix[f * K + k] = linear.scale[f]! * weight;
      bias[k]! += linear.shift[f]! * weight;
    }
  return { of: linear.of, matrix, bias };
}

function constantOf(term: Term | undefined): Tensor | undefined {
  return term?.source.kind === 'weight' && term.source.data.type === 'float32' ? term.source.data : undefined;
}

/** A constant that is the same for every row, as one row. */
function spread(constant: Tensor, width: number): Float64Array | undefined {
  const values = floats(constant);
  const leading = constant.shape.slice(0, -1).every(dim => dim === 1);
  if (constant.shape.length > 2 || !leading) return undefined;
  if (values.length === 1) return new Float64Array(width).fill(values[0]!);
  return values.length === width ? Float64Array.from(values) : undefined;
}

/** Σ w (x · A_m + b_m) · scale_m + shift_m: the mean of heads on one value; undefined where they read several. */
export function meanHead(
  heads: readonly {
    readonly term: Term;
    readonly weight: number;
    readonly scale: readonly number[];
    readonly shift: readonly number[];
  }[],
): Affine | undefined {
  const parts = heads.map(({ term }) => affineOf(term));
  const [first] = parts;
  if (!first || !parts.every(part => part && part.of === first.of && part.bias.length === first.bias.length))
    return undefined;
  const K = first.bias.length;
  const [matrix, bias] = [new Float64Array(first.matrix.length), new Float64Array(K)];
  for (const [m, { weight, scale, shift }] of heads.entries()) {
    const part = parts[m]!;
    for (let i = 0; i < matrix.length; i++) matrix[i]! += weight * scale[i % K]! * part.matrix[i]!;
    for (let k = 0; k < K; k++) bias[k]! += weight * (scale[k]! * part.bias[k]! + shift[k]!);
  }
  return { of: first.of, matrix, bias };
}

/** Linear functions that end chains, where a Gemm holds several of one value, or that nobody wrote as nodes. */
export function linearEnds(wanted: readonly Term[], units: ReadonlySet<Step | Term>): Map<Term, Affine> {
  const ends = new Set(wanted);
  for (const unit of units) {
    if (!('node' in unit)) continue;
    const [made] = unit.outputs;
    const goesOn = made !== undefined && affineOf(made) !== undefined;
    for (const input of unit.inputs) if (input && !goesOn) ends.add(input);
  }
  const byValue = new Map<Term, Map<Term, Affine>>();
  for (const term of ends) {
    const affine = affineOf(term);
    if (!affine) continue;
    const group = byValue.get(affine.of) ?? new Map<Term, Affine>();
    byValue.set(affine.of, group.set(term, affine));
  }
  const targets = new Map<Term, Affine>();
  for (const group of byValue.values())
    for (const [term, affine] of group) if (group.size > 1 || term.source.kind === 'affine') targets.set(term, affine);
  return targets;
}
