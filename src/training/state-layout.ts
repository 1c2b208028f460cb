// What the state of a run consists of: each parameter `P` and what stands beside it, `P.m`, `P.v`, `P.average`.

import { byteLength, type Tensor } from '../base/index.js';
import type { Dropout } from './epoch-plan.js';
import { errors } from './errors.js';

/** What a run needs to know of the graphs it walks. */
export interface StateLayout {
  readonly classes: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** What stands beside each parameter `P` in the state: `m`, `v`, `average`. */
  readonly slots: readonly string[];
  /** What steps replace without a gradient: stored statistics of normalizations that train. */
  readonly statistics?: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly dropouts: readonly Dropout[];
}

/** Whether a Polyak average stands beside the parameters. */
export const averages = ({ slots }: StateLayout): boolean => slots.includes('average');

/** The parts of a state that hold what the run gives, by parameter: its averages where it averages. */
export function trainedNames(layout: StateLayout): Map<string, string> {
  const names = layout.parameters.map(({ name }) => [name, averages(layout) ? `${name}.average` : name] as const);
  return new Map([...names, ...(layout.statistics ?? []).map(({ name }) => [name, name] as const)]);
}

/** Refuses a state that lacks a part, or has one of another shape. */
export function checkState(
  { parameters, slots, statistics = [] }: StateLayout,
  state: ReadonlyMap<string, Tensor>,
): void {
  const parts = ({ name }: { readonly name: string }) => [name, ...slots.map(slot => `${name}.${slot}`)];
  const all = [
    ...parameters.map(one => ({ ...one, parts: parts(one) })),
    ...statistics.map(one => ({ ...one, parts: [one.name] })),
  ];
  for (const { shape, parts: names } of all)
    for (const part of names) {
      const found = state.get(part);
      const wanted = `float32 [${shape.join(',')}]`;
      const told = found ? `${found.type} [${found.shape.join(',')}]` : 'missing';
      if (told !== wanted || found?.bytes.length !== byteLength('float32', shape))
        throw errors.STATE({ name: part, found: told, wanted });
    }
}
