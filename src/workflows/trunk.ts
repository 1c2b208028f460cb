// A backbone parted at the cut behind which it trains: the frozen part, which runs once over every picture, and the
// trunk from there to the features. What trains is float: a quantized trunk is made so, a quantized frozen part serves.

import { featurizerModel } from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import { Builder, embed, modelOf, type Graph, type Model, type Node } from '../graph/index.js';
import { inspectModel, trainableWeights, wiringOf } from '../inspect/index.js';
import { clean, dequantize, dropUnused, inferShapes, pipeline, split } from '../passes/index.js';
import type { Tensor } from '../base/index.js';
import { withWeights } from '../artifacts/index.js';
import type { Backbone } from './backbone.js';
import { errors } from './errors.js';
import { unfrozen } from './unfreeze.js';

/** A backbone in two parts. */
export interface Trunk {
  /** What was parted, and its part before the cut, where there is one. */
  readonly backbone: Backbone;
  readonly before: Model | undefined;
  /** Pictures to what the trunk reads, a row a picture: a backbone whose features are that. */
  readonly frozen: Backbone;
  /** What it reads → features, float. */
  readonly model: Model;
  /** The name of what it reads, and the shape of one of them. */
  readonly input: string;
  readonly shape: readonly number[];
  /** The weights that train. */
  readonly names: readonly string[];
  /** For each of them, how many blocks lie between it and the features. */
  readonly depths: ReadonlyMap<string, number>;
  /** Whether the trunk was quantized. */
  readonly wasQuantized: boolean;
  /** The whole from the picture tensor to the features, with trained weights. */
  whole(trained: ReadonlyMap<string, Tensor>): Graph;
}

/**
 * Parts a backbone.
 *
 * @param said `all`, `last:2`, a cut, or names of weights
 * @throws GRAFT_UNFREEZE, SPLIT_LEAKS
 */
export function trunkOf(backbone: Backbone, said: string | readonly string[]): Trunk {
  const { graph, inspection, model: network, preprocessing, pixels, opsets } = backbone;
  const { names, cut, isNamed } = unfrozen(network, said, inspection);
  const body: Model = { ...modelOf(graph), opsets: new Map([...opsets, ...modelOf(graph).opsets]) };
  const start = cut ?? graph.inputs.find(({ name }) => !graph.initializers.has(name))!.name;
  if (cut !== undefined && !graph.nodes.some(node => node.outputs.includes(cut)))
    throw errors.UNFREEZE({ found: [said].flat().join(' '), wanted: `a cut before the features (${backbone.at})` });
  const [before, after] = cut === undefined ? [undefined, body] : split(body, [[cut]], inspection.facts);
  const wasQuantized = after.graph.nodes.some(({ op }) => op === 'DequantizeLinear');
  const model = pipeline('trunk', dequantize, clean, dropUnused, inferShapes)(after);
  const wiring = wiringOf(model.graph, inspectModel(model).facts);
  const own = trainableWeights(wiring).map(({ name }) => name);
  const kept = isNamed ? names.filter(name => model.graph.initializers.has(name)) : own;
  if (kept.length === 0)
    throw errors.UNFREEZE({ found: [said].flat().join(' '), wanted: 'weights between the cut and the features' });
  const info = model.graph.inputs.find(({ name }) => name === start);
  const shape = info?.shape?.slice(1);
  if (!shape?.every(dim => typeof dim === 'number'))
    throw errors.UNFREEZE({ found: [said].flat().join(' '), wanted: `a cut of known shape; ${start} has none` });
  const { width, height } = preprocessing;
  const identity: Graph = {
    ...graph,
    nodes: [],
    outputs: [graph.inputs.find(({ name }) => name === start)!],
    values: new Map(),
  };
  const frozenGraph = before?.graph ?? { ...identity, initializers: new Map() };
  const featurizer = featurizerModel({ backbone: frozenGraph, opsets, width, height, pixels, rows: 'kept' });
  return trunkFrom(backbone, model, before, {
    frozen: {
      ...backbone,
      graph: frozenGraph,
      featurizer: encodeModel(featurizer),
      features: shape.reduce((a, b) => a * b, 1),
      at: start,
    },
    input: start,
    shape,
    names: kept,
    wasQuantized,
  });
}

/** A trunk around another model of the same input and output; weights that it has and the one before had not train too. */
export function trunkWith(trunk: Trunk, model: Model): Trunk {
  const wiring = wiringOf(model.graph, inspectModel(model).facts);
  const added = trainableWeights(wiring).filter(({ name }) => !trunk.model.graph.initializers.has(name));
  const names = [...trunk.names, ...added.map(({ name }) => name)];
  return trunkFrom(trunk.backbone, model, trunk.before, { ...trunk, names });
}

function trunkFrom(
  backbone: Backbone,
  model: Model,
  before: Model | undefined,
  rest: Omit<Trunk, 'backbone' | 'before' | 'model' | 'depths' | 'whole'>,
): Trunk {
  return {
    ...rest,
    backbone,
    before,
    model,
    depths: depthsOf(backbone, model.graph, rest.names),
    whole: trained => {
      const tuned = withWeights(model, trained);
      return before ? oneBehindTheOther(before.graph, tuned.graph) : tuned.graph;
    },
  };
}

/** Two graphs as one; names that both make are made apart. */
function oneBehindTheOther(before: Graph, after: Graph): Graph {
  const builder = new Builder(before.name);
  const enter = ({ inputs, initializers }: Graph) => inputs.find(({ name }) => !initializers.has(name))!;
  const { name, type, shape } = enter(before);
  const fed = builder.input(name, type ?? 'float32', shape ?? []);
  const [middle] = embed(builder, before, new Map([[name, fed]])).values();
  for (const [output, value] of embed(builder, after, new Map([[enter(after).name, middle!]])))
    builder.output(value, builder.isFree(output) ? output : value.name);
  return builder.finish();
}

/** How many of the network's blocks end between a weight and the features. */
function depthsOf({ inspection, at }: Backbone, trunk: Graph, names: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  trunk.nodes.forEach((node: Node, i) => node.outputs.forEach(name => places.set(name, i)));
  const ends = [...inspection.names]
    .filter(([name, value]) => /^block\d+$/.test(name) && value !== at)
    .flatMap(([, value]) => places.get(value) ?? []);
  const first = new Map<string, number>();
  trunk.nodes.forEach((node, i) => {
    for (const name of node.inputs) if (!first.has(name)) first.set(name, i);
  });
  return new Map(names.map(name => [name, ends.filter(end => end >= (first.get(name) ?? 0)).length]));
}
