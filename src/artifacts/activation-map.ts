// Which places of a picture speak for a class: a model's map A [N, C, h·w] and the gradient G of a score by it.
//   cam       H(p) = h·w · Σ_c G(c, p) · A(c, p), where all behind the map is affine: the mean of H is the score up to what
//             does not depend on the map. Over averaged maps G = W / h·w and H is Zhou's W · A (2016).
//   grad-cam  H(p) = Σ_c (Σ_q G(c, q)) · A(c, p): Selvaraju (2017), before his Relu. Over averaged maps the same H.

import { differentiate } from '../autodiff/index.js';
import { Builder, embed, feedsOf, modelOf, sliceOf, type Graph, type Model, type Value } from '../graph/index.js';
import { Mul, ReduceSum, Reshape, Slice, coreOperators, type OperatorSet } from '../operators/index.js';
import { clean, dequantize, dropUnused, inferShapes, pipeline } from '../passes/index.js';
import { isAffine } from './affine.js';
import { errors } from './errors.js';

/** A value with places: `planes` [N, C, h, w], `pixels` [N, h, w, C], or `tokens` [N, T, C] with the grid from `first` on. */
export interface MapPlace {
  readonly value: string;
  readonly layout: 'planes' | 'pixels' | 'tokens';
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly first: number;
}

/** How a map was read. */
export type MapMethod = 'cam' | 'grad-cam';

export interface ActivationMapOptions {
  readonly maps: readonly MapPlace[];
  /** The scores that are explained, [N, K] or of members [N, M, K]: a value of the model, such as `logits`. */
  readonly target: string;
  /** What operators mean, yours among them. @default coreOperators */
  readonly operators?: OperatorSet;
}

/** The model that explains. */
export interface ActivationMapModel {
  /** The model's inputs and `seeds` float32 of the scores' shape, 1 for the class → `scores`, `heat0` [N, h, w] …, one a map. */
  readonly model: Model;
  readonly method: MapMethod;
}

/**
 * Builds the model that gives, beside a network, the heat of the classes that `seeds` picks. The maps are those that the
 * network computes, to the bit; what lies behind them is made float to be differentiated.
 *
 * @param model shapes known
 * @throws ARTIFACTS_LOGITS where the target is of no such shape; ARTIFACTS_NO_PATH where it depends on none of the maps; AUTODIFF_…
 * @example
 * const { model, method } = activationMapModel(bundle, { maps: spatialMapsOf(wiring, 'logits'), target: 'logits' });
 */
export function activationMapModel(
  model: Model,
  { maps, target, operators = coreOperators }: ActivationMapOptions,
): ActivationMapModel {
  const names = maps.map(({ value }) => value);
  const tail = tailOf(model, names, target);
  const builder = new Builder('explanation');
  const feeds = new Map(
    feedsOf(model.graph).map(({ name, type, shape }) => [name, builder.input(name, type ?? 'float32', shape ?? [])]),
  );
  const infos = new Map([...model.graph.values.values(), ...model.graph.outputs].map(info => [info.name, info]));
  const outputs = names.map(name => infos.get(name) ?? { name });
  const values = new Map(model.graph.values);
  const front = embed(builder, { ...model.graph, outputs, values }, feeds);
  const scores = embed(builder, tail, new Map([...feeds, ...front])).get(target)!;
  const { shape } = scores;
  if (shape.length < 2 || shape.slice(1).some(dim => typeof dim !== 'number'))
    throw errors.LOGITS({ name: target, found: `[${shape.join(', ')}]` });
  const seeds = builder.input('seeds', 'float32', shape);
  const seeded = names.map(name => front.get(name)!);
  const gradients = differentiate(builder, new Map([[scores, seeds]]), seeded, operators);
  if (gradients.size === 0) throw errors.NO_PATH({ name: names[0] ?? target });
  const method = isAffine(tail, new Set(names)) ? 'cam' : 'grad-cam';
  builder.output(scores, 'scores');
  maps.forEach((map, i) => {
    const at = seeded[i]!;
    const gradient = gradients.get(at) ?? Mul(at, 0);
    builder.output(heatOf(map, at, gradient, method), `heat${i}`);
  });
  const made = modelOf(builder.finish(), model.metadata);
  return { model: { ...made, opsets: new Map([...model.opsets, ...made.opsets]) }, method };
}

/** What lies between maps and target, float, the maps as inputs. */
function tailOf({ graph, opsets }: Model, names: readonly string[], target: string): Graph {
  const stops = new Set(names);
  const { nodes, sources } = sliceOf(graph, [target], stops);
  const infos = new Map([...graph.values.values(), ...graph.outputs].map(info => [info.name, info]));
  const inputs = [
    ...names.map(name => infos.get(name) ?? { name }),
    ...feedsOf(graph).filter(({ name }) => sources.has(name)),
  ];
  const tail: Graph = {
    ...graph,
    inputs,
    outputs: [infos.get(target) ?? { name: target }],
    nodes,
    initializers: new Map([...graph.initializers].filter(([name]) => sources.has(name))),
    values: new Map([...graph.values].filter(([name]) => !stops.has(name) && name !== target)),
  };
  const made = pipeline('tail', dequantize, clean, dropUnused, inferShapes)({ ...modelOf(tail), opsets });
  return made.graph;
}

/** [N, h, w] */
function heatOf(map: MapPlace, value: Value, gradient: Value, method: MapMethod): Value {
  const { layout, height, width, channels, first } = map;
  const cells = height * width;
  const isPlanes = layout === 'planes';
  const [places, across] = isPlanes ? [2, 1] : [1, 2];
  // [N, C, h·w] of planes, [N, h·w, C] of what has its channels last
  const flat = (x: Value): Value => {
    if (layout === 'tokens') return Slice(x, [first], [first + cells], [1]);
    return Reshape(x, isPlanes ? [0, channels, cells] : [0, cells, channels]);
  };
  const [a, g] = [flat(value), flat(gradient)];
  const weights = method === 'cam' ? Mul(g, cells) : ReduceSum(g, [places]);
  return Reshape(ReduceSum(Mul(a, weights), [across], { keepdims: 0 }), [0, height, width]);
}
