// Opsets after the house's: most of what they changed is only that operators take more types, so the number can be
// lowered. Operators that are new or mean something else are written in the older words, or refused by name.
// Anchors: https://github.com/onnx/onnx/blob/main/docs/Changelog.md, versions 21 to 26.

import { tensor, type DataType, type Tensor } from '../base/index.js';
import { houseOpset, type Attribute, type Initializer, type Model, type Node } from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { errors } from './errors.js';
import { pass } from './pass.js';
import { freshNames, mapModel } from './walk.js';

/** The newest opset whose changes are known here. */
const newest = 26;

/** Makes names and constants for the nodes that a lowering writes. */
interface Context {
  readonly rank: (name: string) => number | undefined;
  readonly type: (name: string) => DataType | undefined;
  readonly fresh: (hint: string) => string;
  readonly hold: (hint: string, data: Tensor) => string;
}
/** The node in the words of the house's opset; undefined where it has none for it. */
type Lowering = (node: Node, at: Context) => readonly Node[] | undefined;

/**
 * Lowers a model of a later opset to the house's.
 *
 * @throws DOOR_OPSET_NEW where the opset is later than those known here; DOOR_OPSET_OPERATOR where an operator cannot
 *   be said in the house's opset
 */
export const lowerOpset = pass('lower-opset', (model, tell) => {
  const from = model.opsets.get('') ?? houseOpset;
  if (from <= houseOpset) return model;
  if (from > newest) throw errors.OPSET_NEW({ found: from, newest });
  const { facts } = inferShapes(model.graph, coreOperators);
  const fresh = freshNames(model.graph);
  const written = new Map<string, number>();
  const next = mapModel(model, graph => {
    const initializers = new Map<string, Initializer>(graph.initializers);
    const at: Context = {
      rank: name => facts.get(name)?.shape?.length,
      type: name => initializers.get(name)?.type ?? facts.get(name)?.type,
      fresh,
      hold(hint, data) {
        const name = fresh(hint);
        initializers.set(name, data);
        return name;
      },
    };
    let isSame = true;
    const nodes = graph.nodes.flatMap(node => {
      if (node.domain !== '') return [node];
      refuseNewTypes(node, at, from);
      const lowering = lowerings.get(node.op);
      if (!lowering) return [node];
      const lowered = lowering(node, at);
      if (!lowered)
        throw errors.OPSET_OPERATOR({ operator: node.op, node: node.name, found: from, wanted: houseOpset });
      if (lowered[0] === node) return [node];
      isSame = false;
      written.set(node.op, (written.get(node.op) ?? 0) + 1);
      return lowered;
    });
    return isSame ? graph : { ...graph, nodes, initializers };
  });
  const said = [...written].map(([op, count]) => `, ${count} ${op} written in its words`).join('');
  tell(`opset ${from} became ${houseOpset}${said}`);
  return { ...next, irVersion: 9, opsets: new Map([...model.opsets, ['', houseOpset]]) } satisfies Model;
});

const int = (value: number): Attribute => ({ kind: 'int', value });
const numberOf = (node: Node, key: string, otherwise: number): number => {
  const attribute = node.attributes.get(key);
  return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : otherwise;
};
/** The type of constants beside a value. */
const floating = (at: Context, name: string): 'float32' | 'float64' =>
  at.type(name) === 'float64' ? 'float64' : 'float32';
const make = (
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

const lowerings = new Map<string, Lowering>([
  ...['Attention', 'RotaryEmbedding', 'TensorScatter', 'BitCast', 'CumProd'].map((op): [string, Lowering] => [
    op,
    () => undefined,
  ]),
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
      const [axis, rank] = [numberOf(node, 'axis', -1), at.rank(x)];
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
      const [y, rank, groups] = [node.outputs[0]!, at.rank(x), numberOf(node, 'num_groups', 0)];
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

/** Types that no operator of the house's opset takes; 16-bit ones it does not quantize to. */
const newTypes = new Set<DataType>(['int4', 'uint4', 'float4e2m1', 'float8e8m0', 'int2', 'uint2']);
const quantizing = new Set(['QuantizeLinear', 'DequantizeLinear']);

function refuseNewTypes(node: Node, at: Context, from: number): void {
  const inner = [...node.attributes.values()].some(one => one.kind === 'tensor' && newTypes.has(one.value.type));
  const isNew = node.inputs.some(name => {
    const type = name ? at.type(name) : undefined;
    return type && (newTypes.has(type) || (quantizing.has(node.op) && (type === 'int16' || type === 'uint16')));
  });
  if (inner || isNew)
    throw errors.OPSET_OPERATOR({ operator: node.op, node: node.name, found: from, wanted: houseOpset });
}
