// Grafting: the part of a network behind a cut, with a new head on its features, as one network that trains.

import type { Tensor } from '../../base/index.js';
import { Builder, embed, modelOf, type Graph, type Model } from '../../graph/index.js';
import type { Head } from '../heads/head.js';
import { flatFeatures } from '../serve.js';

/** A head and its weights as they are. */
export interface GraftedHead {
  readonly head: Head;
  readonly trained: ReadonlyMap<string, Tensor>;
  readonly classes: number;
}

/** The network that trains. */
export interface Grafted {
  /** What the trunk reads → `logits` [N, K]; every weight inside. */
  readonly model: Model;
  /** The weights of the head by the names that the head gives them: a network may have those names already. */
  readonly headNames: ReadonlyMap<string, string>;
}

/**
 * Puts a head on the features of a trunk.
 *
 * @param trunk one input, one output of features [N, F], [N, F, 1, 1], or a map [N, F, h, w], which is averaged
 */
export function graft(trunk: Graph, { head, trained, classes }: GraftedHead): Grafted {
  const builder = new Builder('grafted');
  const input = trunk.inputs.find(({ name }) => !trunk.initializers.has(name))!;
  const fed = builder.input(input.name, input.type ?? 'float32', input.shape ?? []);
  const [features] = embed(builder, trunk, new Map([[input.name, fed]])).values();
  const headNames = new Map<string, string>();
  const logits = head(flatFeatures(features!), {
    classes,
    parameter: name => {
      const free = builder.isFree(name) ? name : builder.fresh(name);
      headNames.set(name, free);
      return builder.parameter(free, trained.get(name)!);
    },
    dropout: (_name, value) => value,
  });
  builder.output(logits, 'logits');
  return { model: modelOf(builder.finish()), headNames };
}

/** A model with other weights of the same names; weights that were inputs move inside. */
export function withWeights(model: Model, weights: ReadonlyMap<string, Tensor>): Model {
  const { graph } = model;
  const taken = [...weights].filter(
    ([name]) => graph.initializers.has(name) || graph.inputs.some(input => input.name === name),
  );
  const initializers = new Map([...graph.initializers, ...taken]);
  return { ...model, graph: { ...graph, inputs: graph.inputs.filter(({ name }) => !weights.has(name)), initializers } };
}
