// Which weight of a model is which of the checkpoints of the run that made it. Names may differ: a head gives way to
// names that a trunk has, and a trunk to those of what is put before it.

import type { Tensor } from '../base/index.js';
import type { Model } from '../graph/index.js';

/** The metadata that names the weights of a run's checkpoints: JSON, from the name in a checkpoint to that in the model. */
export const checkpointNamesKey = 'checkpointNames';

/**
 * Tells in a model's metadata which of its weights are those of a run.
 *
 * @param weights of the run, by the names in its checkpoints: the very tensors that the model was built with
 */
export function withCheckpointNames(model: Model, weights: ReadonlyMap<string, Tensor>): Model {
  const places = new Map([...model.graph.initializers].map(([name, { bytes }]) => [bytes, name]));
  const names = [...weights].flatMap(([name, { bytes }]) => {
    const place = places.get(bytes);
    return place === undefined ? [] : [[name, place] as const];
  });
  // a run that was resumed holds its weights in the order of its checkpoint's file
  names.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...model,
    metadata: new Map([...model.metadata, [checkpointNamesKey, JSON.stringify(Object.fromEntries(names))]]),
  };
}
