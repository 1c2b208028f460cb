// The state of several heads in one graph: every part of it holds its members end to end along the first axis.

import type { Tensor } from '../base/index.js';

type Tensors = ReadonlyMap<string, Tensor>;

/** The states of several members as the state of all, in their order. */
export function stackedState(states: readonly Tensors[]): Map<string, Tensor> {
  const [first] = states;
  return new Map(
    [...(first ?? [])].map(([name, { type, shape, bytes }]): [string, Tensor] => {
      const all = new Uint8Array(states.length * bytes.length);
      states.forEach((state, member) => all.set(state.get(name)!.bytes, member * bytes.length));
      return [name, { type, shape: [states.length * shape[0]!, ...shape.slice(1)], bytes: all }];
    }),
  );
}

/** The state of one of several members. */
export const memberState = (state: Tensors, members: number, member: number): Map<string, Tensor> =>
  new Map(
    [...state].map(([name, { type, shape, bytes }]): [string, Tensor] => {
      const size = bytes.length / members;
      const own = bytes.slice(member * size, (member + 1) * size);
      return [name, { type, shape: [shape[0]! / members, ...shape.slice(1)], bytes: own }];
    }),
  );
