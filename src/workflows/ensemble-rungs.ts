// Cheaper ways to give an ensemble's answer, for a server whose time is short: the tree without its views, and the points of
// the front below it that are made of its members. Each is judged, calibrated and fused as the whole is; its weights
// are those of the whole's file, so that its own file holds little but the graph.

import { sha256 } from '../base/node.js';
import { decodeModel, encodeModel, type ExternalRange } from '../codec/index.js';
import type { Model } from '../graph/index.js';
import type { Asked } from './ensemble-answers.js';
import { judgeWay, settle, type Candidate, type Final, type Judged, type JudgeOptions } from './ensemble-choose.js';
import type { Compared } from './ensemble-compare.js';
import { leavesOf, type LeafNode, type OpenedNode } from './ensemble-leaves.js';
import type { Networks } from './ensemble-networks.js';

/** A cheaper way, settled. */
export interface Rung {
  readonly judged: Judged;
  readonly final: Final;
  readonly networks: Networks;
  /** In the unit of the front. */
  readonly cost: number;
}

export interface RungsSetting {
  readonly asked: Asked;
  readonly compared: Compared;
  readonly final: Final;
  /** The networks of the one that ships. */
  readonly own: Networks;
  readonly judging: Omit<JudgeOptions, 'measured' | 'costOf'>;
  open(leaves: readonly LeafNode[]): Promise<Networks>;
}

/** A way that costs nearly as much is none; and so many are enough to fall back to. */
const [worthwhile, most] = [0.9, 3];

/** The cheaper ways, the dearest first: each better than all that are cheaper. */
export async function rungsOf(at: RungsSetting): Promise<Rung[]> {
  const { compared, own, final, judging, asked } = at;
  const { best, costs } = compared;
  const whole = costs.costOf(final.answer.fusion, own.frame);
  const members = new Set(leavesOf(best.node).flatMap(({ networks }) => networks));
  const isOurs = (node: OpenedNode) => leavesOf(node).every(leaf => leaf.networks.every(one => members.has(one)));
  const plain = withoutViews(best.node);
  const ways: Candidate[] = [
    ...(plain === best.node ? [] : [{ name: `${best.name} without views`, node: plain }]),
    ...compared.front.filter(({ judged }) => isOurs(judged.node)).map(({ judged }) => judged),
  ];
  const found: Rung[] = [];
  for (const way of ways) {
    const networks = await at.open(leavesOf(way.node));
    // all see the same prepared picture
    if (JSON.stringify(networks.frame) !== JSON.stringify(own.frame)) continue;
    const options: JudgeOptions = {
      ...judging,
      measured: networks.measured,
      costOf: fusion => costs.costOf(fusion, own.frame),
    };
    const judged = await judgeWay(way, asked, best.kind === 'none' ? 'none' : 'temperature', false, options);
    const settled = await settle(judged, asked, options);
    found.push({ judged, final: settled, networks, cost: costs.costOf(settled.answer.fusion, own.frame) });
  }
  const cheaper = found.filter(({ cost }) => cost <= whole * worthwhile).sort((a, b) => a.cost - b.cost);
  const loss = ({ judged }: Rung) => judged.evaluation.negativeLogLikelihood;
  const better = cheaper.filter((rung, i) => cheaper.slice(0, i).every(other => loss(other) > loss(rung)));
  // of many, the cheapest and the dearest stay
  const kept = better.length <= most ? better : [better[0]!, ...better.slice(1 - most)];
  return kept.reverse();
}

/** The tree with every network shown the picture as it is; the same object where no network has views. */
function withoutViews(node: OpenedNode): OpenedNode {
  if ('networks' in node) {
    if (!node.views) return node;
    const { views: _, ...rest } = node;
    return rest;
  }
  // the weights of a stack and the thresholds of a cascade are of what they were fitted to
  if (node.op === 'stack' || node.op === 'cascade') return node;
  const members = node.members.map(withoutViews);
  return members.every((member, i) => member === node.members[i]) ? node : { ...node, members };
}

/** Tensors that are not worth a reference. */
const small = 1024;

/**
 * A model whose larger weights are read out of another file beside it: those that are in that file byte for byte.
 *
 * @param file the other file's name
 * @param bytes the other file
 */
export function encodeBeside(model: Model, file: string, bytes: Uint8Array): Uint8Array {
  const places = new Map<string, ExternalRange>();
  for (const { bytes: held } of decodeModel(bytes).graph.initializers.values())
    if (held.length >= small && held.buffer === bytes.buffer)
      places.set(sha256(held), { location: file, offset: held.byteOffset - bytes.byteOffset, length: held.length });
  return encodeModel(model, {
    external: ({ bytes: held }) => (held.length >= small ? places.get(sha256(held)) : undefined),
  });
}
