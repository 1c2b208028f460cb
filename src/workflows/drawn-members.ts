// Members drawn from one network, so that noise of training is averaged at test: dropout masks that are drawn once and
// folded into the weights behind them (Gal and Ghahramani 2016), each draw an ordinary network that is the same every run.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floats, Random, tensor, type Tensor } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { parametersKey, withWeights } from '../artifacts/index.js';
import { errors } from './errors.js';
import type { OpenedMember } from './members.js';

/**
 * Members with dropout masks of their own, of a run whose head has hidden layers with dropout.
 *
 * @param count how many, from 1 on
 * @throws GRAFT_NOTHING_DRAWN where the head has no dropout, or the run that tells its rate is not there
 */
export async function dropoutMembers(member: OpenedMember, count: number, seed = 0): Promise<OpenedMember[]> {
  const rate = await dropoutOf(member);
  const names = new Map(
    Object.entries(JSON.parse(member.model.metadata.get(parametersKey) ?? '{}') as Record<string, string>),
  );
  // the weights that read a hidden layer: those of the next one, and of the last
  const hidden = [...names.keys()].filter(name => /^head\.\d+\.weight$/.test(name)).length;
  if (hidden === 0) throw errors.NOTHING_DRAWN({ member: member.name, reason: 'its head has no hidden layer' });
  const readers = Array.from({ length: hidden }, (_, i) => (i + 1 < hidden ? `head.${i + 1}.weight` : 'head.weight'));
  return Array.from({ length: count }, (_, draw) => {
    const masked = new Map<string, Tensor>();
    for (const reader of readers) {
      const name = names.get(reader)!;
      const weight = member.model.graph.initializers.get(name)!;
      masked.set(name, maskedColumns(weight, rate, new Random(seed).at('dropout', draw, reader)));
    }
    return {
      ...member,
      name: `${member.name}#${draw + 1}`,
      model: withWeights(member.model, masked),
      sha256: sha256(member.sha256, `dropout ${rate} ${seed} ${draw}`),
    };
  });
}

/** The rate with which the run's head dropped hidden elements. */
async function dropoutOf({ name, run }: OpenedMember): Promise<number> {
  const text = run === undefined ? undefined : await readFile(join(run, 'run.json'), 'utf8').catch(() => undefined);
  if (text === undefined) throw errors.NOTHING_DRAWN({ member: name, reason: 'its run is not there' });
  const { options } = JSON.parse(text) as { options?: { dropout?: unknown } };
  const rate = options?.dropout;
  if (typeof rate !== 'number' || !(rate > 0 && rate < 1))
    throw errors.NOTHING_DRAWN({ member: name, reason: 'its head trained without dropout' });
  return rate;
}

/** W [outputs, inputs] behind a mask of its inputs: 0 with probability `rate`, or else 1 / (1 − rate). */
function maskedColumns(weight: { readonly shape: readonly number[] } & Tensor, rate: number, random: Random): Tensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const values = Float32Array.from(floats(weight));
  const mask = Float64Array.from({ length: inputs }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate)));
  for (let row = 0; row < outputs; row++) for (let i = 0; i < inputs; i++) values[row * inputs + i]! *= mask[i]!;
  return tensor('float32', [outputs, inputs], values);
}
