// What is known of a network that was opened: its signature, and what the manifest of its bundle says of pictures, labels,
// and of the members where it is an ensemble fused into one network.

import { checkPreprocessing, commonStart, memberWeights, type Manifest } from '../../serving.js';
import type { ModelFacts, ServedMember, ServedRung } from '../served.js';
import type { Signature } from '../tensors.js';

/** The part of an opened network that facts are made of. */
export interface DescribedNetwork {
  readonly sha256: string;
  readonly manifest?: Manifest;
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  /** Whether rows of several requests may be one run. */
  readonly canBatch: boolean;
  readonly rungs?: readonly ServedRung[];
  readonly explains: boolean;
}

/** Under which name it is served, and how. */
export interface FactsOptions {
  readonly name: string;
  readonly version: string;
  /** Most rows of a run, where it takes any number of rows. */
  readonly maxBatch: number;
  readonly config: Readonly<Record<string, unknown>>;
}

/** @throws PREPROCESSING_INVALID */
export function factsOf(network: DescribedNetwork, { name, version, maxBatch, config }: FactsOptions): ModelFacts {
  const { sha256, manifest, inputs, outputs, canBatch, rungs, explains } = network;
  const own = { name, version, inputs, outputs, maxBatch: canBatch ? maxBatch : 0, sha256, config };
  // members are called by the folders of their runs: where these lie is nobody's business
  const names = (manifest?.ensemble?.members ?? []).map(member => member.name);
  const short = names.length > 1 ? commonStart(names) : (text: string) => text.split(/[\\/]/).at(-1)!;
  const told = rungs?.map(rung => ({ ...rung, members: rung.members.map(short) }));
  const ways = { ...(told && told.length > 0 ? { rungs: told } : {}), ...(explains ? { explains } : {}) };
  if (!manifest) return { ...own, ...ways, platform: 'onnx_onnxv1' };
  const { task, labels, ensemble } = manifest;
  const known = { ...own, ...ways, preprocessing: checkPreprocessing(manifest.preprocessing), task, labels };
  if (!ensemble) return { ...known, platform: 'onnx_onnxv1' };
  const { members, calibration, sets } = ensemble;
  const shares = memberWeights(ensemble);
  return {
    ...known,
    platform: 'graft_ensemble',
    members: members.map(({ name: member, weight: given }, m): ServedMember => {
      const weight = given ?? shares?.[m];
      return { name: short(member), ...(weight === undefined ? {} : { weight }) };
    }),
    calibration,
    ...(sets === undefined ? {} : { sets }),
  };
}
