// Operators of later opsets in the words of the house's, one lowering each. An operator without a row means the same.
// Anchor: https://github.com/onnx/onnx/blob/main/docs/Changelog.md, versions 21 to 26.

import { tensor } from '../base/index.js';
import type { Attribute, Node } from '../graph/index.js';
import { lowerAttention } from './lower-attention.js';
import { floating, int, make, numberOf, type Context, type Lowering } from './lowering.js';

/** The node without attributes that later versions added, where they hold what the older version does anyway. */
const dropping =
  (
    isOrdinary: (name: string, attribute: Attribute, node: Node, at: Context) => boolean,
    ...added: string[]
  ): Lowering =>
  (node, at) => {
    const there = added.filter(name => node.attributes.has(name));
    if (there.length === 0) return [node];
    if (!there.every(name => isOrdinary(name, node.attributes.get(name)!, node, at))) return undefined;
    return [{ ...node, attributes: new Map([...node.attributes].filter(([name]) => !there.includes(name))) }];
  };
const isZero = (_: string, attribute: Attribute) => attribute.kind === 'int' && attribute.value === 0;

/** Operators that are new after the house's opset or changed there, in its words. */
export const lowerings: ReadonlyMap<string, Lowering> = new Map<string, Lowering>([
  ...['RotaryEmbedding', 'TensorScatter', 'BitCast', 'CumProd'].map((op): [string, Lowering] => [op, () => undefined]),
  ['Attention', lowerAttention],
  // Y = X · sigmoid(alpha · X)
  [
    'Swish',
    (node, at) => {
      const [x, y] = [node.inputs[0]!, node.outputs[0]!];
      const alpha = numberOf(node, 'alpha', 1);
      const [scaled, gate] = [at.fresh(`${y}/scaled`), at.fresh(`${y}/gate`)];
      if (alpha === 1) return [make(at, 'Sigmoid', [x], gate), { ...make(at, 'Mul', [x, gate], y), name: node.name }];
      const factor = at.hold(`${y}/alpha`, tensor(floating(at, x), [], [alpha]));
      return [
        make(at, 'Mul', [x, factor], scaled),
        make(at, 'Sigmoid', [scaled], gate),
        { ...make(at, 'Mul', [x, gate], y), name: node.name },
      ];
    },
  ],
  // Y = X / sqrt(mean(X²) + epsilon) · scale
  [
    'RMSNormalization',
    (node, at) => {
      const [x, scale] = node.inputs as [string, string];
      const y = node.outputs[0]!;
      const [axis, rank] = [numberOf(node, 'axis', -1), at.shape(x)?.length];
      if (axis >= 0 && rank === undefined) return undefined;
      const first = axis < 0 ? axis : axis - rank!;
      const axes = at.hold(
        `${y}/axes`,
        tensor(
          'int64',
          [-first],
          Array.from({ length: -first }, (_, i) => first + i),
        ),
      );
      const epsilon = at.hold(`${y}/epsilon`, tensor(floating(at, x), [], [numberOf(node, 'epsilon', 1e-5)]));
      const name = (hint: string) => at.fresh(`${y}/${hint}`);
      const [square, mean, above, root, normal] = ['square', 'mean', 'above', 'root', 'normal'].map(name) as [
        string,
        string,
        string,
        string,
        string,
      ];
      return [
        make(at, 'Mul', [x, x], square),
        make(at, 'ReduceMean', [square, axes], mean, { keepdims: int(1) }),
        make(at, 'Add', [mean, epsilon], above),
        make(at, 'Sqrt', [above], root),
        make(at, 'Div', [x, root], normal),
        { ...make(at, 'Mul', [normal, scale], y), name: node.name },
      ];
    },
  ],
  // Since 21 scale and bias are per channel; groups are normalized as the channels of an InstanceNormalization.
  [
    'GroupNormalization',
    (node, at) => {
      const [x, scale, bias] = node.inputs as [string, string, string];
      const [y, rank, groups] = [node.outputs[0]!, at.shape(x)?.length, numberOf(node, 'num_groups', 0)];
      if (rank === undefined || groups < 1) return undefined;
      const name = (hint: string) => at.fresh(`${y}/${hint}`);
      const grouped = at.hold(`${y}/groups`, tensor('int64', [3], [0, groups, -1]));
      const one = at.hold(
        `${y}/one`,
        tensor(
          'float32',
          [groups],
          Array.from({ length: groups }, () => 1),
        ),
      );
      const zero = at.hold(
        `${y}/zero`,
        tensor(
          'float32',
          [groups],
          Array.from({ length: groups }, () => 0),
        ),
      );
      const axes = at.hold(
        `${y}/axes`,
        tensor(
          'int64',
          [rank - 2],
          Array.from({ length: rank - 2 }, (_, i) => i + 1),
        ),
      );
      const [flat, normal, shape, back, wideScale, scaled, wideBias] = [
        'flat',
        'normal',
        'shape',
        'back',
        'scale',
        'scaled',
        'bias',
      ].map(name) as [string, string, string, string, string, string, string];
      return [
        make(at, 'Reshape', [x, grouped], flat),
        make(at, 'InstanceNormalization', [flat, one, zero], normal, {
          epsilon: { kind: 'float', value: numberOf(node, 'epsilon', 1e-5) },
        }),
        make(at, 'Shape', [x], shape),
        make(at, 'Reshape', [normal, shape], back),
        make(at, 'Unsqueeze', [scale, axes], wideScale),
        make(at, 'Mul', [back, wideScale], scaled),
        make(at, 'Unsqueeze', [bias, axes], wideBias),
        { ...make(at, 'Add', [scaled, wideBias], y), name: node.name },
      ];
    },
  ],
  // With a zero point the type of the output is that of the zero point; without one it was uint8.
  [
    'QuantizeLinear',
    dropping(
      (name, attribute, node) =>
        isZero(name, attribute) ||
        (name === 'output_dtype' && (Boolean(node.inputs[2]) || (attribute.kind === 'int' && attribute.value === 2))),
      'block_size',
      'output_dtype',
      'precision',
    ),
  ],
  [
    'DequantizeLinear',
    dropping(
      (name, attribute, node, at) =>
        isZero(name, attribute) ||
        (name === 'output_dtype' &&
          attribute.kind === 'int' &&
          attribute.value === 1 &&
          at.type(node.inputs[1]!) === 'float32'),
      'block_size',
      'output_dtype',
    ),
  ],
  ...['Cast', 'CastLike'].map((op): [string, Lowering] => [
    op,
    dropping((_, attribute) => attribute.kind === 'string' && attribute.value === 'up', 'round_mode'),
  ]),
]);
