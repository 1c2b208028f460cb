// Networks stored in half precision become float32: weights, inputs, outputs, casts and constants, in every
// sub-graph too. Every half is exactly a float, so no weight changes its value; sums in between become more exact.

import { floats, tensor, type DataType } from '../base/index.js';
import type { Attribute, Graph, Initializer, Node, ValueInfo } from '../graph/index.js';
import { pass } from './pass.js';
import { mapAttributes, mapKept, mapModel } from './walk.js';

const isHalf = (type: DataType | undefined): boolean => type === 'float16' || type === 'bfloat16';
/** ONNX's numbers of float16 and bfloat16, and of float32. */
const halfNumbers = new Set([10, 16]);
const floatNumber = 1;

/** Makes half precision float32. */
export const float16ToFloat32 = pass('float16-to-float32', (model, tell) => {
  let weights = 0;
  let casts = 0;
  const widened = new Map<Initializer, Initializer>();
  const widen = (held: Initializer): Initializer => {
    if (!isHalf(held.type)) return held;
    let wide = widened.get(held);
    if (!wide) {
      wide = { ...tensor('float32', held.shape, floats(held)), ...(held.extra ? { extra: held.extra } : {}) };
      widened.set(held, wide);
      weights++;
    }
    return wide;
  };
  const attribute = (of: Attribute, name: string, node: Node): Attribute => {
    if (of.kind === 'tensor' && isHalf(of.value.type)) return { kind: 'tensor', value: widen(of.value) };
    if (
      of.kind === 'int' &&
      halfNumbers.has(of.value) &&
      (name === 'to' || name === 'dtype' || name === 'output_dtype')
    ) {
      if (node.domain !== '' || !namesType.has(node.op)) return of;
      casts++;
      return { kind: 'int', value: floatNumber };
    }
    return of;
  };
  const widenGraph = (graph: Graph): Graph => {
    const nodes = mapKept(graph.nodes, node => mapAttributes(node, (of, name) => attribute(of, name, node)));
    const initializers = mapValues(graph.initializers, widen);
    const values = mapValues(graph.values, widenInfo);
    const inputs = mapKept(graph.inputs, widenInfo);
    const outputs = mapKept(graph.outputs, widenInfo);
    const isSame =
      nodes === graph.nodes &&
      initializers === graph.initializers &&
      values === graph.values &&
      inputs === graph.inputs &&
      outputs === graph.outputs;
    return isSame ? graph : { ...graph, nodes, initializers, values, inputs, outputs };
  };
  const next = mapModel(model, widenGraph);
  if (next === model) return model;
  const ends = [...model.graph.inputs, ...model.graph.outputs].filter(
    ({ name, type }) => isHalf(type) && !model.graph.initializers.has(name),
  );
  if (weights > 0) tell(`made ${weights} half-precision ${weights === 1 ? 'tensor' : 'tensors'} float32`);
  if (ends.length > 0) tell(`${ends.map(({ name }) => name).join(', ')} became float32`);
  if (casts > 0) tell(`${casts} ${casts === 1 ? 'cast' : 'casts'} to half precision became casts to float32`);
  return next;
});

/** The operators whose attributes name a type by its number. */
const namesType = new Set(
  (
    'Cast EyeLike RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial HannWindow ' +
    'HammingWindow BlackmanWindow MelWeightMatrix SequenceEmpty DequantizeLinear'
  ).split(' '),
);

function widenInfo(info: ValueInfo): ValueInfo {
  if (!isHalf(info.type)) return info;
  return {
    name: info.name,
    type: 'float32',
    ...(info.shape ? { shape: info.shape } : {}),
    ...(info.extra ? { extra: info.extra } : {}),
  };
}

function mapValues<V>(map: ReadonlyMap<string, V>, change: (value: V) => V): ReadonlyMap<string, V> {
  let changed: Map<string, V> | undefined;
  for (const [name, value] of map) {
    const next = change(value);
    if (next !== value) changed = (changed ?? new Map(map)).set(name, next);
  }
  return changed ?? map;
}
