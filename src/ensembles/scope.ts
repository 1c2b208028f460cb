// Where terms become nodes: a graph, or the body of an If that sees only some of the pictures. A term is computed once,
// for all the views that anybody asks it of, with the views in front in the batch:
//   [views · n, …], first all pictures as the first view shows them
// Linear functions of one value become one Gemm. What a graph around has computed already is taken from there.

import { GraftError, tensor, type Tensor } from '../base/index.js';
import { renameNode, type Builder, type Dim, type OutputType, type Value } from '../graph/index.js';
import { Concat, Gather, Gemm, Reshape, Slice, Transpose, coreOperators, inferOutputs } from '../operators/index.js';
import { linearEnds, type Affine } from './linear-terms.js';
import { neededBy, readsBytes } from './needed-terms.js';
import { beside, linesOf, taken, type Lines } from './picture-lines.js';
import { asItIs, framed, viewKey, type PictureView } from './picture-views.js';
import { pixelwiseTerms, type Pixelwise } from './pixelwise-terms.js';
import type { Frame, Step, Term } from './terms.js';

/** Places of views in the list of all views, ascending. */
export type ViewSet = readonly number[];

/** A term that is wanted of some views. */
export interface Wanted {
  readonly term: Term;
  readonly views: ViewSet;
}

/** Linear functions of one value as one Gemm, columns side by side. */
interface Stack {
  readonly of: Term;
  readonly views: ViewSet;
  readonly parts: readonly { readonly term: Term; readonly affine: Affine; readonly from: number }[];
  readonly columns: number;
  value?: Value;
}

/** Views of a term as copies of its lines. */
interface Copies extends Pixelwise {
  /** The view that is the picture as it is. */
  readonly from: ViewSet;
  readonly lines: readonly Lines[];
}

interface Made {
  readonly views: ViewSet;
  readonly value: Value;
}

const union = (a: ViewSet, b: ViewSet): ViewSet => [...new Set([...a, ...b])].sort((x, y) => x - y);
const isWithin = (a: ViewSet, b: ViewSet): boolean => a.every(view => b.includes(view));
const isSame = (a: ViewSet, b: ViewSet): boolean => a.join() === b.join();
const none: ViewSet = [];

/** Whether rows of single views can be taken out: the batch is in front, and all else is numbers. */
const isByRows = ({ shape, varies, type }: Term): boolean =>
  varies && type !== undefined && type !== 'string' && typeof shape?.[0] === 'string' && shape[0] !== '' && shape.slice(1).every(dim => typeof dim === 'number'); // prettier-ignore

export class Scope {
  readonly #made = new Map<Term, Made[]>();
  readonly #stackOf = new Map<Term, Stack[]>();
  readonly #weights: Map<Term, Value>;

  constructor(
    readonly builder: Builder,
    /** uint8 [n, H, W, 3] */
    readonly pictures: Value,
    readonly allViews: readonly PictureView[],
    /** The graph around, and which of its pictures this one sees: int64 [n]. */
    readonly around?: { readonly scope: Scope; readonly rows: Value },
  ) {
    this.#weights = around ? around.scope.#weights : new Map<Term, Value>();
  }

  get #root(): Builder {
    return this.around ? this.around.scope.#root : this.builder;
  }

  /** Computes terms; the order in which they are wanted is that of the columns of their Gemm. */
  compute(wanted: readonly Wanted[]): void {
    const steps = neededBy(wanted.map(({ term }) => term));
    const targets = linearEnds(
      wanted.map(({ term }) => term),
      steps,
    );
    const pixelwise = pixelwiseTerms(steps);
    const asked = new Map<Term, ViewSet[]>();
    const ask = (term: Term | undefined, views: ViewSet) => {
      if (!term || term.source.kind === 'weight') return;
      const own = term.varies ? views : none;
      const sets = asked.get(term) ?? [];
      if (!sets.some(set => isSame(set, own))) asked.set(term, [...sets, own]);
    };
    for (const { term, views } of wanted) ask(term, views);
    // backwards: of what is made once, all views are made
    const plan = new Map<Term | Step, ViewSet[]>();
    const copied = new Map<Term, Map<ViewSet, Copies>>();
    const units = [...steps].sort((a, b) => b.order - a.order);
    for (const unit of units) {
      const terms = 'node' in unit ? unit.outputs.filter(one => one !== undefined) : [unit];
      const sets = terms.flatMap(term => (asked.get(term) ?? []).filter(views => !this.#isThere(term, views)));
      if (sets.length === 0) continue;
      const isWhole = terms.every(term => !asked.has(term) || isByRows(term));
      const together = isWhole ? [sets.reduce(union)] : distinct(sets);
      const copies = new Map<ViewSet, Copies>();
      for (const views of together) {
        const copy = terms.length === 1 ? this.#copiesOf(terms[0]!, views, pixelwise) : undefined;
        if (copy) copies.set(views, copy);
      }
      if (copies.size > 0) copied.set(terms[0]!, copies);
      // copies are made after what they are copied from
      const direct = distinct(together.map(views => copies.get(views)?.from ?? views));
      plan.set(unit, distinct([...direct, ...together]));
      for (const views of direct) {
        const linear = 'node' in unit && terms.length === 1 ? targets.get(terms[0]!) : 'node' in unit ? undefined : targets.get(unit); // prettier-ignore
        if (linear) ask(linear.of, views);
        else if ('node' in unit) for (const input of [...unit.inputs, ...unit.captured.values()]) ask(input, views);
      }
    }
    this.#planStacks(targets, plan, wanted);
    for (const unit of units.reverse())
      for (const views of plan.get(unit) ?? []) {
        const first = 'node' in unit ? unit.outputs.find(Boolean)! : unit;
        if (this.#stacked(first, views)) continue;
        const copies = copied.get(first)?.get(views);
        if (copies) {
          const whole = this.value(first, copies.from);
          this.#keep(first, views, beside(copies.lines.map(lines => taken(whole, lines, copies.frame, copies.axes))));
          continue;
        }
        if ('node' in unit) this.#emit(unit, views);
        else if (unit.source.kind === 'pictures')
          this.#keep(unit, views, this.#frames(unit.source.frame, views, readsBytes(unit, steps)));
      }
  }

  /** A computed term: [views · n, …]. */
  value(term: Term, views: ViewSet): Value {
    if (term.source.kind === 'weight') return this.#weight(term);
    const own = term.varies ? views : none;
    const made = this.#made.get(term) ?? [];
    const exact = made.find(one => isSame(one.views, own));
    if (exact) return exact.value;
    const stack = this.#stacked(term, own);
    let value: Value;
    if (stack) {
      const { from, affine } = stack.parts.find(part => part.term === term)!;
      const columns = Slice(this.#stackValue(stack), [from], [from + affine.bias.length], [1]);
      value = this.#select(columns, stack.views, own);
    } else {
      const larger = made.find(one => isWithin(own, one.views));
      value = larger ? this.#select(larger.value, larger.views, own) : this.#fromAround(term, own);
    }
    this.#keep(term, own, value);
    return value;
  }

  /**
   * Logits of terms in views, as blocks [n, rows, K] whose rows are as said.
   */
  block(wanted: readonly { readonly term: Term; readonly view: number }[]): Value {
    const K = wanted[0]!.term.shape![1] as number;
    const pieces: Value[] = [];
    const places = new Map<string, number>();
    const keyOf = (term: Term, view: number) => `${term.order} ${view}`;
    let rows = 0;
    for (const { term, view } of wanted) {
      if (places.has(keyOf(term, view))) continue;
      const stack = this.#stackOf.get(term)?.find(one => one.views.includes(view));
      const made = stack ? undefined : (this.#made.get(term) ?? []).find(one => one.views.includes(view));
      const views = stack?.views ?? made?.views ?? [view];
      const terms = stack ? stack.parts.map(part => part.term) : [term];
      const isEven = !stack || stack.parts.every(({ affine }) => affine.bias.length === K);
      const whole = stack && isEven ? this.#stackValue(stack) : this.value(term, views);
      const held = stack && !isEven ? [term] : terms;
      // [V · n, M · K] → [n, M · V, K]
      const [V, M] = [views.length, held.length];
      const apart =
        V === 1
          ? Reshape(whole, [-1, M, K])
          : Reshape(Transpose(Reshape(whole, [V, -1, M * K]), { perm: [1, 0, 2] }), [-1, V * M, K]);
      pieces.push(apart);
      for (const one of views) for (const of of held) places.set(keyOf(of, one), rows++);
    }
    const all = pieces.length === 1 ? pieces[0]! : Concat(...pieces, { axis: 1 });
    const order = wanted.map(({ term, view }) => places.get(keyOf(term, view))!);
    const isInOrder = order.length === rows && order.every((place, i) => place === i);
    return isInOrder ? all : Gather(all, this.builder.constant(order), { axis: 1 });
  }

  /** How views of a term are copied from the picture as it is; undefined where they are not. */
  #copiesOf(term: Term, views: ViewSet, pixelwise: ReadonlyMap<Term, Pixelwise>): Copies | undefined {
    const { frame, axes } = pixelwise.get(term) ?? {};
    const { width, height, cropWidth, cropHeight } = frame ?? {};
    const [, H, W] = this.pictures.shape;
    const from = views.find(view => viewKey(this.allViews[view]!) === viewKey(asItIs));
    if (!frame || !axes || term.source.kind !== 'step' || views.length < 2 || from === undefined) return undefined;
    if (width !== W || height !== H || cropWidth !== W || cropHeight !== H) return undefined;
    const lines = views.flatMap(place => {
      const view = this.allViews[place]!;
      const taken = view.levels ? undefined : linesOf(view, frame, { ...frame, left: 0, top: 0 });
      return taken ? [taken] : [];
    });
    return lines.length === views.length ? { from: [from], lines, frame, axes } : undefined;
  }

  #planStacks(
    targets: ReadonlyMap<Term, Affine>,
    plan: ReadonlyMap<Term | Step, ViewSet[]>,
    wanted: readonly Wanted[],
  ): void {
    const groups = new Map<string, { term: Term; affine: Affine; views: ViewSet }[]>();
    const order = new Set([...wanted.map(({ term }) => term), ...targets.keys()]);
    for (const term of order) {
      const affine = targets.get(term);
      if (!affine) continue;
      const unit = term.source.kind === 'step' ? term.source.step : term;
      for (const views of plan.get(unit) ?? []) {
        const key = `${affine.of.order} ${views.join()}`;
        groups.set(key, [...(groups.get(key) ?? []), { term, affine, views }]);
      }
    }
    for (const group of groups.values()) {
      let columns = 0;
      const parts = group.map(({ term, affine }) => {
        const from = columns;
        columns += affine.bias.length;
        return { term, affine, from };
      });
      const stack: Stack = { of: group[0]!.affine.of, views: group[0]!.views, parts, columns };
      for (const { term } of group) this.#stackOf.set(term, [...(this.#stackOf.get(term) ?? []), stack]);
    }
  }

  #stacked(term: Term, views: ViewSet): Stack | undefined {
    return this.#stackOf.get(term)?.find(stack => isWithin(views, stack.views));
  }

  /** x · [A_1 … A_M] + [b_1 … b_M], the weights as [ΣK, F]. */
  #stackValue(stack: Stack): Value {
    if (stack.value) return stack.value;
    const F = stack.of.shape![1] as number;
    const [weights, bias] = [new Float32Array(stack.columns * F), new Float32Array(stack.columns)];
    for (const { affine, from } of stack.parts) {
      const K = affine.bias.length;
      for (let k = 0; k < K; k++) {
        bias[from + k] = affine.bias[k]!;
        for (let f = 0; f < F; f++) weights[(from + k) * F + f] = affine.matrix[f * K + k]!;
      }
    }
    const held = (hint: string, shape: readonly number[], values: Float32Array) =>
      this.hold(hint, tensor('float32', shape, values));
    stack.value = Gemm(
      this.value(stack.of, stack.views),
      held('heads.weight', [stack.columns, F], weights),
      held('heads.bias', [stack.columns], bias),
      { transB: 1 },
    );
    return stack.value;
  }

  /** Whether a term is there already, here or around. */
  #isThere(term: Term, views: ViewSet): boolean {
    const made = this.#made.get(term) ?? [];
    if (made.some(one => isSame(one.views, views) || (isByRows(term) && isWithin(views, one.views)))) return true;
    if (this.#stacked(term, views)) return true;
    return this.around !== undefined && isByRows(term) && this.around.scope.#isThere(term, views);
  }

  /** The rows of this graph's pictures, of what the graph around computed. */
  #fromAround(term: Term, views: ViewSet): Value {
    const { scope, rows } = this.around!;
    const outer = this.builder.capture(scope.value(term, views));
    if (views.length === 1) return Gather(outer, rows, { axis: 0 });
    const shape = term.shape!.slice(1) as number[];
    const taken = Gather(Reshape(outer, [views.length, -1, ...shape]), rows, { axis: 1 });
    return Reshape(taken, [-1, ...shape]);
  }

  /** A constant where every graph can read it. */
  hold(hint: string, data: Tensor): Value {
    const root = this.#root;
    return this.#here(root.parameter(root.fresh(hint), data));
  }

  #frames(frame: Frame, views: ViewSet, isBytes: boolean): Value {
    const hold = (hint: string, data: Tensor) => this.hold(hint, data);
    return framed(this.pictures, frame, views.map(view => this.allViews[view]!), hold, isBytes); // prettier-ignore
  }

  /** Some views of [views · n, …]. */
  #select(value: Value, from: ViewSet, to: ViewSet): Value {
    if (isSame(from, to)) return value;
    const shape = value.shape.slice(1) as number[];
    const places = to.map(view => from.indexOf(view));
    const apart = Reshape(value, [from.length, -1, ...shape]);
    if (places.length === 1) return Gather(apart, this.builder.constant(places[0]!, 'int64'), { axis: 0 });
    return Reshape(Gather(apart, this.builder.constant(places), { axis: 0 }), [-1, ...shape]);
  }

  #weight(term: Term): Value {
    let value = this.#weights.get(term);
    if (!value && term.source.kind === 'weight') {
      const root = this.#root;
      value = root.parameter(root.fresh(term.name || 'constant'), term.source.data);
      this.#weights.set(term, value);
    }
    return this.#here(value!);
  }

  /** A value of an outer graph, read from here. */
  #here(value: Value): Value {
    return value.builder === this.builder ? value : this.builder.capture(value);
  }

  #keep(term: Term, views: ViewSet, value: Value): void {
    this.#made.set(term, [...(this.#made.get(term) ?? []), { views, value }]);
  }

  #emit(step: Step, views: ViewSet): void {
    const { builder } = this;
    const { node } = step;
    const inputs = step.inputs.map(input => input && this.value(input, views));
    const outputs = step.outputs.map(output => (output ? builder.fresh(output.name) : ''));
    const types = typesOf(step, inputs, views.length);
    if (step.captured.size === 0 && outputs.every(Boolean)) {
      const made = builder.append({ op: node.op, domain: node.domain, inputs, attributes: node.attributes, outputs: types, names: outputs }); // prettier-ignore
      step.outputs.forEach((term, i) => term && this.#keep(term, views, made[i]!));
      return;
    }
    const renamed = new Map([...step.captured].map(([name, term]) => [name, this.value(term, views).name]));
    const bodied = renameNode({ ...node, inputs: [] }, renamed, hint => builder.fresh(hint));
    const name = builder.fresh(node.name || node.op.toLowerCase());
    const info = new Map(outputs.map((output, i) => [output, types[i]!]));
    builder.adopt({ ...bodied, name, inputs: inputs.map(input => input?.name ?? ''), outputs }, output => ({ name: output, ...info.get(output)! })); // prettier-ignore
    step.outputs.forEach((term, i) => term && this.#keep(term, views, builder.value(outputs[i]!)));
  }
}

const distinct = (sets: readonly ViewSet[]): ViewSet[] =>
  sets.filter((set, i) => sets.findIndex(other => isSame(other, set)) === i);

/** Types of a step's outputs over a batch of views: by the operator's rule, or as they were with an open batch. */
function typesOf(step: Step, inputs: readonly (Value | undefined)[], views: number): OutputType[] {
  const { node } = step;
  const operator = coreOperators.get(node.domain, node.op);
  const said = (i: number): OutputType => {
    const { type = 'float32', shape = [] } = step.outputs[i] ?? {};
    return { type, shape: views > 1 ? shape.map((dim): Dim => (typeof dim === 'string' ? '' : dim)) : shape };
  };
  const own = node.outputs.map((_, i) => said(i));
  if (!operator || step.captured.size > 0) return own;
  try {
    return inferOutputs(operator, inputs, node.attributes, node.outputs.length);
  } catch (error) {
    if (error instanceof GraftError || error instanceof TypeError || error instanceof RangeError) return own;
    throw error;
  }
}
