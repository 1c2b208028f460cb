// What of a network is trainable, and who wrote it: the facts of graphs/coverage.json. Usage: imported by
// compare-network.ts and tests.

import { logitsOf } from '../../src/artifacts/index.js';
import { trainableFrom } from '../../src/autodiff/index.js';
import type { Model } from '../../src/graph/index.js';
import { trainableWeights, wiringOf } from '../../src/inspect/index.js';
import { coreOperators } from '../../src/operators/index.js';

/** How much of a network trains. */
export interface Trainability {
  /** Weights that training would change. */
  readonly parameters: number;
  /** `all`, or the value after which everything is trainable; null where no weight lies after one. */
  readonly trainableFrom: string | null;
}

/** @param model behind the door */
export function trainabilityOf({ graph }: Model): Trainability {
  const wiring = wiringOf(graph);
  const names = trainableWeights(wiring).map(({ name }) => name);
  if (names.length === 0) return { parameters: 0, trainableFrom: null };
  const { blockers, after } = trainableFrom(graph, coreOperators, { parameters: names, outputs: [logitsOf(graph)] });
  if (blockers.length === 0) return { parameters: names.length, trainableFrom: 'all' };
  const isOf = after !== undefined && trainableWeights(wiring, after).length > 0;
  return { parameters: names.length, trainableFrom: isOf ? after : null };
}

/**
 * What a file says of who wrote it. PyTorch's newer exporter keeps the exported program's signature in the graph.
 *
 * @param model as it was read
 */
export function exporterOf({ producerName, producerVersion, graph }: Model): string {
  const isDynamo = Buffer.from(graph.extra ?? []).includes('pkg.torch.export');
  const [version] = producerVersion.split('+');
  return [producerName, version, ...(isDynamo ? ['(dynamo)'] : [])].filter(Boolean).join(' ');
}
