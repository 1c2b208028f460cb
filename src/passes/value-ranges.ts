// What numbers a value can hold, as far as its operator alone says: an activation's range, passed on by what only moves,
// chooses or averages. Cheap and coarse: what is not known is unbounded.

import { elementCount, floats } from '../base/index.js';
import type { Initializer, Node } from '../graph/index.js';

/** Bounds that every element keeps to; infinite where there are none. */
export interface Range {
  readonly low: number;
  readonly high: number;
}
const open: Range = { low: -Infinity, high: Infinity };

const own: ReadonlyMap<string, Range> = new Map([
  ['Sigmoid', { low: 0, high: 1 }],
  ['HardSigmoid', { low: 0, high: 1 }],
  ['Softmax', { low: 0, high: 1 }],
  ['Tanh', { low: -1, high: 1 }],
  ['Softplus', { low: 0, high: Infinity }],
  ['Abs', { low: 0, high: Infinity }],
  ['Exp', { low: 0, high: Infinity }],
]);
/** What gives only elements of its first input, or means of them. */
const within = new Set([
  'Identity', 'Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Gather', 'Split', 'Expand', 'Tile',
  'MaxPool', 'GlobalMaxPool', 'GlobalAveragePool', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'DepthToSpace',
  'SpaceToDepth', 'Dropout',
]); // prettier-ignore

/** The range of a node's first output, from those of its inputs. */
export function rangeOf(
  node: Node,
  ranges: ReadonlyMap<string, Range>,
  initializers: ReadonlyMap<string, Initializer>,
): Range {
  if (node.domain !== '') return open;
  const [first = open, ...rest] = node.inputs.map(name => ranges.get(name) ?? open);
  const bound = (i: number, key: 'min' | 'max', otherwise: number): number => {
    const attribute = node.attributes.get(key);
    if (attribute?.kind === 'float') return attribute.value;
    if (!node.inputs[i]) return otherwise;
    const held = initializers.get(node.inputs[i]);
    return held?.type === 'float32' && elementCount(held.shape) === 1 ? floats(held)[0]! : otherwise;
  };
  switch (node.op) {
    case 'Relu':
      return { low: Math.max(0, first.low), high: Math.max(0, first.high) };
    case 'Clip': {
      const [low, high] = [bound(1, 'min', -Infinity), bound(2, 'max', Infinity)];
      const cut = (value: number) => Math.min(high, Math.max(low, value));
      return { low: cut(first.low), high: cut(first.high) };
    }
    // padding counts as 0
    case 'AveragePool':
      return { low: Math.min(0, first.low), high: Math.max(0, first.high) };
    case 'Concat':
      return {
        low: Math.min(first.low, ...rest.map(({ low }) => low)),
        high: Math.max(first.high, ...rest.map(({ high }) => high)),
      };
    case 'Add':
      return { low: first.low + rest[0]!.low, high: first.high + rest[0]!.high };
    default:
      return own.get(node.op) ?? (within.has(node.op) ? first : open);
  }
}
