// A network of QuantizeLinear and DequantizeLinear made float:
//   weights         w = (q − zero point) · scale, per tensor, per axis or per block
//   activations     a pair passes x on, cut to scale · (least − zero point) … scale · (most − zero point)
// The cut is what saturation did. Converters of TensorFlow Lite leave Relu and Relu6 out because of it, so without it a
// network would lose its activations. It is left out where the value cannot leave the range, and at logits and weights.

import { bitsOf, elementCount, elements, floats, tensor, type DataType, type Tensor } from '../base/index.js';
import type { Attribute, Graph, Initializer, Model, Node, ValueInfo } from '../graph/index.js';
import { pass } from './pass.js';
import { lookAt, type Before } from './rewrite.js';
import { rangeOf, type Range } from './value-ranges.js';

/** Makes weights float and takes out the rounding between operators. */
export const dequantize = pass('dequantize', (model, tell) => {
  const counts = new Map<string, number>();
  const next = floatGraph(model, what => counts.set(what, (counts.get(what) ?? 0) + 1));
  const found = (what: string) => counts.get(what) ?? 0;
  if (found('weight') > 0) tell(`made ${found('weight')} quantized weights float`);
  if (found('pair') > 0)
    tell(
      `took ${found('pair')} roundings out; ${found('Relu')} of them are a Relu now and ${found('Clip')} a Clip, as saturation was`,
    );
  return next;
});

/** How a quantised value is read: one scale and zero point for all of it. */
interface Scheme {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly type: DataType;
}

function floatGraph(model: Model, count: (what: string) => void): Model {
  const { graph } = model;
  const before = lookAt(graph);
  const weights = new Map<string, Tensor>();
  const schemes = new Map<string, Scheme>();
  for (const node of graph.nodes) {
    const weight = isPlain(node, 'DequantizeLinear') ? weightOf(graph, node) : undefined;
    if (weight && !before.outputs.has(node.outputs[0]!)) weights.set(node.outputs[0]!, weight);
    const scheme = isPlain(node, 'QuantizeLinear') ? schemeOf(graph, node) : passedOn(node, schemes, graph);
    if (scheme) for (const name of node.outputs) if (name) schemes.set(name, scheme);
  }
  const floating = readAsFloats(before, schemes);
  if (weights.size === 0 && floating.size === 0) return model;

  const ranges = new Map<string, Range>();
  const initializers = new Map<string, Initializer>([...graph.initializers, ...weights]);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const name = node.outputs[0]!;
    if (weights.has(name)) {
      count('weight');
      return [];
    }
    let next = node;
    if (floating.has(name) && isPlain(node, 'QuantizeLinear')) {
      count('pair');
      next = saturated(node, boundsOf(node, schemes.get(name)!, ranges, before), model, initializers);
      if (next.op !== 'Identity') count(next.op);
    } else if (isPlain(node, 'DequantizeLinear') && floating.has(node.inputs[0]!)) next = identity(node);
    ranges.set(name, rangeOf(next, ranges, initializers));
    return [next];
  });
  const values = new Map<string, ValueInfo>([...graph.values].filter(([name]) => !floating.has(name) && !weights.has(name))); // prettier-ignore
  return { ...model, graph: { ...graph, nodes, initializers, values } };
}

const isPlain = (node: Node, op: string) => node.op === op && (node.domain === '' || node.domain === 'com.microsoft');
const identity = ({ attributes: _, ...node }: Node): Node => ({
  ...node,
  op: 'Identity',
  domain: '',
  inputs: [node.inputs[0]!],
  attributes: new Map(),
});

/** Operators that only move elements or choose among them: on quantised values they do what they do on the real ones. */
const moving = new Set([
  'Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Gather', 'Split', 'Concat', 'Identity', 'Expand',
  'Tile', 'MaxPool', 'DepthToSpace', 'SpaceToDepth',
]); // prettier-ignore

/** The scheme of what a moving operator gives: its inputs', where they all have the same. */
function passedOn(node: Node, schemes: ReadonlyMap<string, Scheme>, graph: Graph): Scheme | undefined {
  if (node.domain !== '' || !moving.has(node.op)) return undefined;
  if (node.op === 'MaxPool' && node.outputs[1]) return undefined;
  const data = node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1);
  const found = data.map(name => (graph.initializers.has(name) ? undefined : schemes.get(name)));
  const [first] = found;
  return first && found.every(one => one && same(one, first)) ? first : undefined;
}
const same = (a: Scheme, b: Scheme) => a.scale === b.scale && a.zeroPoint === b.zeroPoint && a.type === b.type;

/** Quantised values that are read by nothing but what can read floats instead. */
function readAsFloats({ graph, readers, outputs, producers }: Before, schemes: ReadonlyMap<string, Scheme>) {
  const floating = new Set<string>();
  const inner = new Set(
    [...graph.nodes].flatMap(node =>
      [...node.attributes.values()].some(({ kind }) => kind === 'graph') ? [...node.inputs] : [],
    ),
  );
  for (const node of [...graph.nodes].reverse())
    for (const name of node.outputs) {
      const scheme = schemes.get(name);
      if (!scheme || outputs.has(name) || inner.has(name)) continue;
      const isFree = (readers.get(name) ?? []).every(reader => {
        if (isPlain(reader, 'DequantizeLinear')) {
          const other = reader.inputs[0] === name ? schemeOf(graph, reader, scheme.type) : undefined;
          return other !== undefined && same(other, scheme);
        }
        return reader.outputs.every(made => !made || (floating.has(made) && schemes.has(made)));
      });
      if (isFree) floating.add(name);
    }
  // What moves quantised values turns float with all that it reads, or stays.
  for (let isStable = false; !isStable;) {
    isStable = true;
    for (const name of floating) {
      const maker = producers.get(name)!;
      const data = maker.op === 'Concat' ? maker.inputs : maker.inputs.slice(0, 1);
      const isMade = isPlain(maker, 'QuantizeLinear') || data.every(one => floating.has(one));
      const isRead = (readers.get(name) ?? []).every(
        reader => isPlain(reader, 'DequantizeLinear') || reader.outputs.every(made => !made || floating.has(made)),
      );
      if (isMade && isRead && maker.outputs.every(made => !made || floating.has(made))) continue;
      floating.delete(name);
      isStable = false;
    }
  }
  return floating;
}

/** Scale and zero point of a node for a whole tensor; undefined where they are computed, or one per axis or block. */
function schemeOf(graph: Graph, node: Node, otherwise: DataType = 'uint8'): Scheme | undefined {
  const scale = graph.initializers.get(node.inputs[1]!);
  const zero = node.inputs[2] ? graph.initializers.get(node.inputs[2]) : undefined;
  if (scale?.type !== 'float32' || elementCount(scale.shape) !== 1 || (node.inputs[2] && !zero)) return undefined;
  const declared = node.attributes.get('output_dtype');
  if (declared?.kind === 'int' && declared.value !== 0 && !zero) return undefined;
  const type = zero?.type ?? otherwise;
  const zeroPoint = zero ? wholeNumbers(zero)?.[0] : 0;
  return rangeOfType(type) && zeroPoint !== undefined ? { scale: floats(scale)[0]!, zeroPoint, type } : undefined;
}

/** The least and the most that an integer type holds. */
function rangeOfType(type: DataType): readonly [number, number] | undefined {
  const match = /^(u?)int(2|4|8|16|32)$/.exec(type);
  if (!match) return undefined;
  const count = 2 ** Number(match[2]);
  return match[1] ? [0, count - 1] : [-count / 2, count / 2 - 1];
}

/** What saturation cuts off of the value that a node quantises: infinite where it cuts nothing. */
function boundsOf(node: Node, scheme: Scheme, ranges: ReadonlyMap<string, Range>, before: Before): Range {
  const { scale, zeroPoint, type } = scheme;
  const [least, most] = rangeOfType(type)!;
  const name = node.inputs[0]!;
  const low = cleared(scale * (least - zeroPoint), scale);
  const high = cleared(scale * (most - zeroPoint), scale);
  // Logits are cut by what calibration happened to see, if not at 0; weights are what they are.
  const isWeight = before.graph.initializers.has(name);
  if (isWeight || (low < 0 && isAnswer(node.outputs[0]!, before))) return { low: -Infinity, high: Infinity };
  const range = ranges.get(name) ?? { low: -Infinity, high: Infinity };
  // half a step beyond the end is rounded to it
  return {
    low: range.low >= low - scale / 2 ? -Infinity : low,
    high: range.high <= high + scale / 2 ? Infinity : high,
  };
}

/** A bound without the rounding of its scale: 255 · 0.023529412 is 6. */
const cleared = (bound: number, scale: number): number => {
  const near = Math.round(bound * 1000) / 1000;
  return Math.abs(near - bound) < scale / 100 ? near || 0 : Math.fround(bound);
};

/** Whether a value goes to outputs of the network through nothing that computes with several of it but Softmax. */
function isAnswer(name: string, before: Before): boolean {
  if (before.outputs.has(name)) return true;
  const readers = before.readers.get(name) ?? [];
  return readers.length > 0 && readers.every(({ op, outputs }) => answering.has(op) && isAnswer(outputs[0]!, before));
}
const answering = new Set([
  'DequantizeLinear', 'QuantizeLinear', 'Softmax', 'LogSoftmax', 'Sigmoid', 'Flatten', 'Reshape', 'Squeeze',
  'Identity', 'Transpose',
]); // prettier-ignore

/** The node that does what saturation did, under the same name. */
function saturated(node: Node, { low, high }: Range, { opsets }: Model, initializers: Map<string, Initializer>): Node {
  const [cutsLow, cutsHigh] = [low !== -Infinity, high !== Infinity];
  const plain = identity(node);
  if (!cutsLow && !cutsHigh) return plain;
  if (low === 0 && !cutsHigh) return { ...plain, op: 'Relu' };
  const sides = [cutsLow ? low : undefined, cutsHigh ? high : undefined] as const;
  if ((opsets.get('') ?? 0) < 11) {
    const attributes = new Map<string, Attribute>();
    if (cutsLow) attributes.set('min', { kind: 'float', value: low });
    if (cutsHigh) attributes.set('max', { kind: 'float', value: high });
    return { ...plain, op: 'Clip', attributes };
  }
  const held = sides.map((bound, i) => {
    if (bound === undefined) return '';
    const name = `${node.outputs[0]!}/${i === 0 ? 'min' : 'max'}`;
    initializers.set(name, tensor('float32', [], [bound]));
    return name;
  });
  return { ...plain, op: 'Clip', inputs: [plain.inputs[0]!, ...(cutsHigh ? held : held.slice(0, 1))] };
}

/** The floats of quantised weights; undefined where they, their scale or zero point are computed, or no integers. */
function weightOf({ initializers }: Graph, node: Node): Tensor | undefined {
  const [x, scale, zero] = node.inputs.map(name => initializers.get(name));
  const q = x && wholeNumbers(x);
  if (!x || !q || scale?.type !== 'float32' || (node.inputs[2] && !zero)) return undefined;
  const zeros = zero ? wholeNumbers(zero) : undefined;
  if (zero && !zeros) return undefined;
  const scales = floats(scale);
  const place = placesOf(node, x.shape, scale.shape);
  if (!place) return undefined;
  const values = Float32Array.from(q, (value, i) => Math.fround(value - (zeros?.[place(i)] ?? 0)) * scales[place(i)]!);
  return tensor('float32', x.shape, values);
}

/** Which scale an element has: the only one, its axis', or its block's. */
function placesOf(node: Node, shape: readonly number[], scale: readonly number[]): ((i: number) => number) | undefined {
  const count = elementCount(scale);
  if (count === 1) return () => 0;
  const number = (key: string, otherwise: number) => {
    const found = node.attributes.get(key);
    return found?.kind === 'int' ? found.value : otherwise;
  };
  const axis = number('axis', 1) + (number('axis', 1) < 0 ? shape.length : 0);
  const block = number('block_size', 0);
  const size = shape[axis] ?? 0;
  const inner = elementCount(shape.slice(axis + 1));
  if (scale.length === 1 && count === size) return i => Math.floor(i / inner) % size;
  const blocks = Math.ceil(size / block);
  if (block < 1 || scale.length !== shape.length || scale[axis] !== blocks) return undefined;
  return i => {
    const [outer, at] = [Math.floor(i / (inner * size)), Math.floor(i / inner) % size];
    return (outer * blocks + Math.floor(at / block)) * inner + (i % inner);
  };
}

/** The integers of a quantised tensor, those of less than a byte too; undefined for other types. */
function wholeNumbers(held: Tensor): ArrayLike<number> | undefined {
  if (!rangeOfType(held.type)) return undefined;
  const bits = bitsOf[held.type];
  if (bits >= 8) return elements(held) as ArrayLike<number>;
  const each = 8 / bits;
  const isSigned = held.type.startsWith('int');
  return Int8Array.from({ length: elementCount(held.shape) }, (_, i) => {
    const value = (held.bytes[Math.floor(i / each)]! >> ((i % each) * bits)) & (2 ** bits - 1);
    return isSigned && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  });
}
