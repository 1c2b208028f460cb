// Members drawn by chance, each draw an ordinary network that is the same every run:
//   dropout     masks folded into the weights behind them (Gal and Ghahramani 2016)
//   batchnorm   statistics of one random mini-batch of training pictures (Teye et al. 2018)
//   swag        weights from the normal distribution around those of several checkpoints (Maddox et al. 2019)

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floats, Random, tensor, type Tensor } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { parametersKey, withWeights } from '../artifacts/index.js';
import { batchStatistics, sampleSwag, swagOf, whyNotAveraged } from '../ensembles/index.js';
import type { Runtime } from '../runtime/index.js';
import { errors } from './errors.js';
import type { OpenedMember } from './members.js';
import { randomBatchStatistics } from './re-estimate.js';
import { statisticsIdentity, trainingSample, type Restate, type SampleOptions } from './training-sample.js';

/** What drawing needs where networks have BatchNormalization. */
export interface DrawOptions extends Omit<SampleOptions, 'seed'> {
  readonly runtime: Runtime;
  /** Statistics of BatchNormalization of weights that were drawn. */
  readonly restate: Restate;
}

/** Training pictures that mini-batches are drawn from, and the size of these. */
const [sampled, batch] = [1024, 32];

/**
 * Members with statistics of BatchNormalization of one random mini-batch each.
 *
 * @throws GRAFT_NOTHING_DRAWN where the network has no BatchNormalization; GRAFT_PICTURES_MISSING
 */
export async function batchMembers(
  member: OpenedMember,
  count: number,
  seed: number,
  drawing: DrawOptions | undefined,
): Promise<OpenedMember[]> {
  const refused = (reason: string) => errors.NOTHING_DRAWN({ member: member.name, reason });
  if (!drawing) throw refused('its training pictures are not at hand');
  const { runtime, signal } = drawing;
  if (batchStatistics(member.model.graph).length === 0) throw refused('its network has no BatchNormalization');
  const rows = await trainingSample(member, sampled, { ...drawing, seed });
  const { members } = await randomBatchStatistics(
    member.model,
    rows,
    { sets: count, batch, seed, ...(signal ? { signal } : {}) },
    runtime,
  );
  return members.map((model, draw) => ({
    ...member,
    name: `${member.name}#${draw + 1}`,
    model,
    sha256: sha256(member.sha256, `batchnorm ${rows.count} ${batch} ${seed} ${draw}`),
  }));
}

/**
 * Members with weights drawn from the distribution of those of several networks, in their order.
 *
 * @throws GRAFT_NOTHING_DRAWN where there are fewer than two networks, or all are the same; GRAFT_NO_SOUP
 */
export async function swagMembers(
  networks: readonly OpenedMember[],
  count: number,
  seed: number,
  drawing: DrawOptions | undefined,
): Promise<OpenedMember[]> {
  const [first] = networks;
  const refused = (reason: string) => errors.NOTHING_DRAWN({ member: first?.name ?? 'swag', reason });
  if (!first || networks.length < 2) throw refused('swag is over two checkpoints or more');
  const models = networks.map(({ model }) => model);
  const fault = whyNotAveraged(models, { outputs: ['logits'] });
  if (fault) throw errors.NO_SOUP({ member: networks[fault.member]!.name, at: fault.name, reason: fault.reason });
  const { graph } = first.model;
  const swag = swagOf(
    models.map(({ graph: { initializers } }) => initializers),
    { graph },
  );
  if (swag.moved.size === 0) throw refused('its checkpoints are all the same');
  if (swag.statistics.length > 0 && !drawing) throw refused('its training pictures are not at hand');
  const identity = sha256(...networks.map(one => one.sha256));
  const random = new Random(seed).at('swag');
  const members: OpenedMember[] = [];
  for (let draw = 0; draw < count; draw++) {
    const model = withWeights(first.model, sampleSwag(swag, random.at(draw)));
    const drawn = swag.statistics.length > 0 && drawing ? await drawing.restate(model, first, swag.statistics) : model;
    members.push({
      ...first,
      name: `swag of ${networks.length} from ${first.name}#${draw + 1}`,
      model: drawn,
      sha256: sha256(identity, `swag ${seed} ${draw}`, statisticsIdentity(drawn)),
    });
  }
  return members;
}

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
