// What an ensemble costs, by parts: what members compute alike has one name and counts once.

import { viewKey } from './picture-views.js';
import { leavesOf, planOf, Views, type Fusion } from './fusion.js';
import { Terms, type Step, type Term } from './terms.js';
import { digestOf } from './content.js';

/** A piece of work. */
export interface CostPart {
  /** The same for the same work on the same view of a picture, in every call. */
  readonly id: string;
  /** Per picture: two for each multiply-accumulate. */
  readonly flops: number;
}

/**
 * The parts of a tree, each once; what a cascade computes for some pictures only counts as if it were for all.
 *
 * @example
 * const parts = new Map([...costOf(a, size), ...costOf(b, size)].map(({ id, flops }) => [id, flops]));
 * const flops = [...parts.values()].reduce((sum, one) => sum + one, 0); // of a and b fused
 */
export function costOf(root: Fusion, input: { readonly width: number; readonly height: number }): CostPart[] {
  const terms = new Terms();
  const views = new Views();
  const classes = firstClasses(root, terms, input);
  const plan = planOf(root, { terms, views, input, classes, task: 'single' });
  const parts = new Map<string, number>();
  const done = new Set<string>();
  for (const { logits, view } of leavesOf(plan)) {
    const suffix = `@${digestOf(viewKey(views.all[view]!))}`;
    for (const step of stepsOf(logits)) {
      const key = `${step.order}${suffix}`;
      if (done.has(key) || step.macs === 0) continue;
      done.add(key);
      parts.set(`${step.outputs.find(Boolean)!.digest}${suffix}`, 2 * step.macs);
    }
  }
  return [...parts].map(([id, flops]) => ({ id, flops }));
}

/** Every step that a term needs. */
function stepsOf(term: Term): Set<Step> {
  const steps = new Set<Step>();
  const pending = [term];
  for (let one = pending.pop(); one; one = pending.pop()) {
    if (one.source.kind !== 'step' || steps.has(one.source.step)) continue;
    steps.add(one.source.step);
    for (const input of [...one.source.step.inputs, ...one.source.step.captured.values()])
      if (input) pending.push(input);
  }
  return steps;
}

function firstClasses(root: Fusion, terms: Terms, input: { readonly width: number; readonly height: number }): number {
  if (root.kind === 'member') return terms.member(root.name, root.model, input, root.crop).logits.shape![1] as number;
  const first = root.kind === 'views' ? root.member : root.kind === 'cascade' ? root.last : root.members[0]!;
  return firstClasses(first, terms, input);
}
