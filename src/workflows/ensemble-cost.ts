// What networks and ensembles cost for one picture: operations, two for each multiplication with its addition, or
// milliseconds on this machine, where each network is timed alone. What members compute alike counts once.

import { tensor } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import { costOf, type CostPart, type Fusion } from '../ensembles/index.js';
import type { Model } from '../graph/index.js';
import type { Runtime } from '../runtime/index.js';
import type { LeafNode, OpenedNode } from './ensemble-leaves.js';
import { leavesOf } from './ensemble-leaves.js';
import type { Networks } from './ensemble-networks.js';

type Input = { readonly width: number; readonly height: number };

/** How costs are counted. */
export interface Costs {
  readonly unit: 'flops' | 'ms';
  /** Most that a picture may take. */
  readonly budget: number;
  /** Of one picture. */
  costOf(root: Fusion, input: Input): number;
  /** The parts that a tree is computed by, as the front wants them. */
  partsOf(root: Fusion): { readonly id: string; readonly cost: number }[];
}

const known = new WeakMap<Model, number>();

/** The operations of a network alone. */
export function flopsOf(model: Model): number {
  const found = known.get(model);
  if (found !== undefined) return found;
  const flops = sumOf(costOf({ kind: 'member', name: 'member', model }, inputOf(model)));
  known.set(model, flops);
  return flops;
}

function inputOf(model: Model): Input {
  const [, height, width] = model.graph.inputs[0]!.shape ?? [];
  return { width: width as number, height: height as number };
}

/** The operations of a tree. */
export const flopsOfTree = (root: Fusion, input: Input): number => sumOf(costOf(root, input));

const sumOf = (parts: readonly CostPart[]): number => parts.reduce((sum, { flops }) => sum + flops, 0);

/**
 * How the costs of some networks are counted: in milliseconds where the budget is in these.
 *
 * @param nodes the networks alone
 */
export async function costsOf(
  runtime: Runtime,
  networks: Networks,
  nodes: readonly OpenedNode[],
  { budgetMs, budgetFlops }: { readonly budgetMs?: number; readonly budgetFlops?: number },
): Promise<Costs> {
  const { frame } = networks;
  // milliseconds of an operation, by the part that it belongs to
  const rates = new Map<string, number>();
  if (budgetMs !== undefined)
    for (const leaf of nodes.flatMap(leavesOf)) {
      const parts = costOf((await networks.measured(leaf, [])).fusion, frame);
      const rate = (await millisecondsOf(runtime, leaf)) / sumOf(parts);
      for (const { id } of parts) if (!rates.has(keyOf(id))) rates.set(keyOf(id), rate);
    }
  const usual = [...rates.values()][0] ?? 1;
  const priced = ({ id, flops }: CostPart) => ({
    id,
    cost: budgetMs === undefined ? flops : flops * (rates.get(keyOf(id)) ?? usual),
  });
  return {
    unit: budgetMs === undefined ? 'flops' : 'ms',
    budget: budgetMs ?? budgetFlops ?? Infinity,
    costOf: (root, input) => costOf(root, input).reduce((sum, part) => sum + priced(part).cost, 0),
    partsOf: root => costOf(root, frame).map(priced),
  };
}

/** A part whatever the view. */
const keyOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf('@')) || id.length);

/** The median time of one picture, in milliseconds. */
async function millisecondsOf(runtime: Runtime, { networks: [first] }: LeafNode): Promise<number> {
  const { model } = first!;
  const { width, height } = inputOf(model);
  const session = await runtime.open(encodeModel(model));
  const feed = runtime.tensor(tensor('uint8', [1, height, width, 3], new Uint8Array(width * height * 3).fill(128)));
  try {
    const times: number[] = [];
    for (let i = 0; i < 9; i++) {
      const began = performance.now();
      const results = await session.run(new Map([['pictures', feed]]), ['logits']);
      times.push(performance.now() - began);
      for (const value of results.values()) value.dispose();
    }
    return times.slice(2).sort((a, b) => a - b)[3]!;
  } finally {
    feed.dispose();
    await session.close();
  }
}
