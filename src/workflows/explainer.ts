// A bundle that explains: the model that gives heat beside its scores, opened once, for one picture at a time. Of an
// ensemble the scores are those of every member, [N, M, K]; a member's heat is that of the maps and views it reads.

import { elementCount, floats, tensor } from '../base/index.js';
import { activationMapModel, type MapMethod } from '../artifacts/index.js';
import type { Manifest } from '../bundle/index.js';
import type { Bundle } from '../bundle/node.js';
import { decodeModel, encodeModel } from '../codec/index.js';
import { withGraph, type Model } from '../graph/index.js';
import { inspectModel, spatialMapsOf, wiringOf, type SpatialMap, type Wiring } from '../inspect/index.js';
import { inferShapes } from '../passes/index.js';
import type { HeatMap } from '../pictures/index.js';
import type { Runtime } from '../runtime/index.js';
import { explainErrors as errors } from './explain-errors.js';
import { sharesOf } from './recipe-shares.js';
import { parseRecipe } from './recipe.js';

/** The heat of a map, and which one it is. */
export interface NamedHeat extends HeatMap {
  readonly value: string;
  readonly values: Float32Array;
}

/** The heat of a member; of a single network, of it. */
export interface MemberHeat {
  /** Its place among the members; 0 for a single network. */
  readonly member: number;
  readonly name: string | undefined;
  /** What it has to say, of sum 1. */
  readonly share: number;
  readonly maps: readonly NamedHeat[];
}

/** An opened explanation. Close it in `finally`. */
export interface Explainer {
  /** Of an ensemble, the names of the members that it can explain: of a cascade those of its first stage. */
  readonly members: readonly string[];
  /** Whether other members are asked after these, where they are not sure. */
  readonly isFirstStage: boolean;
  readonly method: MapMethod;
  /**
   * @param picture uint8 [height, width, 3] of the preprocessing's size
   * @param label its place among the labels
   * @param members which of them @default all
   */
  explain(picture: Uint8Array, label: number, members?: readonly number[]): Promise<MemberHeat[]>;
  close(): Promise<void>;
}

/**
 * Opens a bundle for explanation.
 *
 * @throws EXPLAIN_NO_MAP where its network knows no places; AUTODIFF_… where what lies behind has no gradient
 */
export async function openExplainer({ manifest, model: bytes, folder }: Bundle, runtime: Runtime): Promise<Explainer> {
  const model = inferShapes(decodeModel(bytes));
  const wiring = wiringOf(model.graph, inspectModel(model).facts);
  const { target, isFirstStage } = targetOf(model, wiring);
  const maps = spatialMapsOf(wiring, target);
  if (maps.length === 0) throw errors.NO_MAP({ bundle: folder });
  const { model: explaining, method } = activationMapModel(withTarget(model, target), { maps, target });
  const session = await runtime.open(encodeModel(explaining));
  const [, height, width] = explaining.graph.inputs[0]!.shape as readonly number[];
  const K = manifest.labels.length;
  const M = elementCount(wiring.shape(target)!.slice(1) as number[]) / K;
  const names = manifest.ensemble?.members.slice(0, M).map(({ name }) => name) ?? [];
  const shares = isFirstStage ? equal(M) : sharesIn(manifest, M);
  const shape = (wiring.shape(target) as (number | string)[]).map((dim, i) => (i === 0 ? 1 : (dim as number)));

  const heatOf = async (picture: Uint8Array, label: number, member: number): Promise<NamedHeat[]> => {
    const seeds = new Float32Array(M * K);
    seeds[member * K + label] = 1;
    const feeds = new Map([
      ['pictures', runtime.tensor(tensor('uint8', [1, height!, width!, 3], picture))],
      ['seeds', runtime.tensor(tensor('float32', shape, seeds))],
    ]);
    const results = await session.run(feeds, maps.map((_, i) => `heat${i}`)); // prettier-ignore
    const found: NamedHeat[] = [];
    for (const [i, map] of maps.entries()) found.push(...views(map, floats(await results.get(`heat${i}`)!.read())));
    for (const held of [...feeds.values(), ...results.values()]) held.dispose();
    // the maps that the member reads; of one that reads none with a say, all of them, cold
    const warm = found.filter(({ values }) => values.some(value => value !== 0));
    return warm.length > 0 ? warm : found.slice(0, 1);
  };

  return {
    members: names,
    isFirstStage,
    method,
    async explain(picture, label, members = Array.from({ length: M }, (_, m) => m)) {
      const heats: MemberHeat[] = [];
      for (const member of members) {
        const found = await heatOf(picture, label, member);
        heats.push({ member, name: names[member], share: shares[member]!, maps: found });
      }
      return heats;
    },
    close: () => session.close(),
  };
}

/** One map for each view of the picture that lies behind the others in the batch. */
function views(map: SpatialMap, heat: Float32Array): NamedHeat[] {
  const { height, width, value } = map;
  const cells = height * width;
  return Array.from({ length: heat.length / cells }, (_, view) => ({
    value,
    values: heat.slice(view * cells, (view + 1) * cells),
    height,
    width,
    ...map.alignment(view),
  }));
}

const equal = (count: number): number[] => Array.from({ length: count }, () => 1 / count);

/** Of the recipe; all alike where it counts its members another way, as where some were drawn. */
function sharesIn({ ensemble }: Manifest, count: number): number[] {
  if (!ensemble) return equal(count);
  const shares = sharesOf(parseRecipe(JSON.stringify(ensemble.recipe)).root);
  return shares.length === count ? shares : equal(count);
}

/**
 * What is explained: the logits; of an ensemble those behind `memberProbabilities`, or these themselves. Of a cascade the
 * members of the first stage: whether others are asked is decided picture by picture, and no gradient passes an If.
 */
function targetOf({ graph }: Model, wiring: Wiring): { readonly target: string; readonly isFirstStage: boolean } {
  const members = graph.outputs.find(({ name }) => name === 'memberProbabilities')?.name;
  if (members === undefined) return { target: 'logits', isFirstStage: false };
  let [name, isFirstStage] = [members, false];
  for (let node = wiring.producer(name); node; node = wiring.producer(name)) {
    const isIf = node.op === 'Concat' && node.inputs.slice(1).some(input => wiring.producer(input)?.op === 'If');
    if (!isIf && !['Identity', 'Softmax', 'Sigmoid'].includes(node.op)) break;
    name = node.inputs[0]!;
    if (isIf) isFirstStage = true;
    else if (node.op !== 'Identity') break;
  }
  return { target: name, isFirstStage };
}

/** The model with this value among its outputs. */
function withTarget(model: Model, target: string): Model {
  const { graph } = model;
  if (graph.outputs.some(({ name }) => name === target)) return model;
  return withGraph(model, { ...graph, outputs: [...graph.outputs, graph.values.get(target) ?? { name: target }] });
}
