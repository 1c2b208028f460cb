// What the lowering of an operator may ask and make: facts of values, fresh names, constants, nodes.

import type { DataType, Tensor } from '../base/index.js';
import type { Attribute, Dim, Node } from '../graph/index.js';

/** Makes names and constants for the nodes that a lowering writes. */
export interface Context {
  readonly shape: (name: string) => readonly Dim[] | undefined;
  readonly type: (name: string) => DataType | undefined;
  readonly fresh: (hint: string) => string;
  readonly hold: (hint: string, data: Tensor) => string;
}
/** The node in the words of the house's opset; undefined where it has none for it. */
export type Lowering = (node: Node, at: Context) => readonly Node[] | undefined;

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const numberOf = (node: Node, key: string, otherwise: number): number => {
  const attribute = node.attributes.get(key);
  return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : otherwise;
};
/** The type of constants beside a value. */
export const floating = (at: Context, name: string): 'float32' | 'float64' =>
  at.type(name) === 'float64' ? 'float64' : 'float32';
export const make = (
  at: Context,
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): Node => ({
  op,
  domain: '',
  name: at.fresh(output),
  inputs,
  outputs: [output],
  attributes: new Map(Object.entries(attributes)),
});
