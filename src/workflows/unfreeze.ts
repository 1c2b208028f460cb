// What trains, as a person says it: everything, what lies behind a cut, the last so many blocks, or weights by name.

import { inspectModel, trainableWeights, wiringOf, type Inspection } from '../inspect/index.js';
import type { Model } from '../graph/index.js';
import { errors } from './errors.js';
import { valueOf } from './network.js';

/** The weights that train, and the value behind which they lie. */
export interface Unfrozen {
  readonly names: readonly string[];
  /** The value at which the frozen part ends; undefined where the first layers train, or weights were named. */
  readonly cut?: string;
  /** Whether weights were named. */
  readonly isNamed: boolean;
}

/**
 * Resolves what trains.
 *
 * @param model behind the door
 * @param said `all`, `last:2` (blocks), a cut (`block3`, a value's name: what lies behind it trains), or names of weights
 * @throws GRAFT_UNFREEZE where it names nothing of the network, or nothing that trains lies behind it
 */
export function unfrozen(
  model: Model,
  said: string | readonly string[],
  inspection: Inspection = inspectModel(model),
): Unfrozen {
  const wiring = wiringOf(model.graph, inspection.facts);
  const words = [said].flat();
  const all = trainableWeights(wiring).map(({ name }) => name);
  if (all.length === 0) throw errors.UNFREEZE({ found: words[0]!, wanted: 'a network that has float weights' });
  if (words.length === 1 && words[0] === 'all') return { names: all, isNamed: false };
  const known = new Set(model.graph.initializers.keys());
  if (words.every(word => known.has(word))) return { names: words, isNamed: true };
  if (words.length > 1)
    throw errors.UNFREEZE({ found: words.find(word => !known.has(word))!, wanted: 'names of weights' });
  const cut = cutOf(words[0]!, inspection);
  if (cut === undefined) return { names: all, isNamed: false };
  if (!inspection.facts.has(cut) && !inspection.cuts.some(({ values }) => values.includes(cut)))
    throw errors.UNFREEZE({
      found: words[0]!,
      wanted: `all, last:2, ${namesOf(inspection)} or the name of a value or weight`,
    });
  const names = trainableWeights(wiring, cut).map(({ name }) => name);
  if (names.length === 0) throw errors.UNFREEZE({ found: words[0]!, wanted: 'a cut with weights behind it' });
  return { names, cut, isNamed: false };
}

/** The value that a cut's name stands for; undefined where everything trains. */
function cutOf(word: string, inspection: Inspection): string | undefined {
  const last = /^last:(\d+)$/.exec(word);
  if (!last) return valueOf(inspection, word);
  const blocks = [...inspection.names.keys()].filter(name => /^block\d+$/.test(name));
  const count = Number(last[1]);
  if (count < 1 || blocks.length === 0)
    throw errors.UNFREEZE({ found: word, wanted: `a number of blocks; the network has ${blocks.length}` });
  // block k ends at the value block k: what trains lies behind the block before the first of them.
  const before = blocks.length - count;
  return before < 1 ? undefined : inspection.names.get(`block${before}`);
}

function namesOf({ names }: Inspection): string {
  const list = [...names.keys()].filter(name => name !== 'logits');
  return list.length > 8 ? `${list.slice(0, 8).join(', ')}, …` : list.join(', ');
}
