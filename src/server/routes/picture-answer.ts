// Outputs of a network as the answer of the easy way: labels, members, uncertainty, sets. Nothing is computed after the
// network: scores are its float32 numbers as they are.

import { errors } from '../errors.js';
import type { ModelFacts, PreparedPicture, RunAnswer, ServedMember } from '../served.js';
import type { WireTensor } from '../tensors.js';
import type { PictureOptions } from './picture-options.js';

interface ScoredLabel {
  readonly index: number;
  readonly label: string;
  readonly score: number;
}

interface PicturePrediction {
  readonly labels: readonly ScoredLabel[];
  readonly width: number;
  readonly height: number;
  readonly members?: readonly { name: string; weight?: number; labels: readonly ScoredLabel[] }[];
  readonly uncertainty?: { readonly entropy: number; readonly mutual_information: number };
  readonly prediction_set?: readonly string[];
  readonly unknown?: boolean;
  readonly outlier_score?: number;
}

const beside = ['uncertainty', 'predictionSet', 'unknown', 'outlierScore'];

/** The outputs that an answer is made of, those that the model has. */
export const pictureOutputs = ({ outputs }: ModelFacts): string[] =>
  ['probabilities', ...beside].filter(name => outputs.some(output => output.name === name));

/** The body, without its `id`. */
export function pictureAnswer(
  facts: ModelFacts,
  pictures: readonly PreparedPicture[],
  answers: readonly RunAnswer[],
  options: Pick<PictureOptions, 'top' | 'members'>,
) {
  const predictions: PicturePrediction[] = [];
  const missing = new Set<string>();
  let reason: string | undefined;
  for (const answer of answers) {
    const rows = answer.outputs.get('probabilities')?.shape[0] ?? 0;
    for (let row = 0; row < rows && predictions.length < pictures.length; row++)
      predictions.push(predictionOf(facts, pictures[predictions.length]!, answer, row, options));
    if (answer.degraded) {
      reason = answer.degraded.reason;
      for (const name of answer.degraded.missing) missing.add(name);
    }
  }
  return {
    model_name: facts.name,
    model_version: facts.version,
    predictions,
    ...(reason === undefined ? {} : { degraded: true, degraded_reason: reason, missing_members: [...missing] }),
  };
}

function predictionOf(
  facts: ModelFacts,
  { width, height }: PreparedPicture,
  answer: RunAnswer,
  row: number,
  { top, members }: Pick<PictureOptions, 'top' | 'members'>,
): PicturePrediction {
  const { outputs } = answer;
  const labelled = (scores: Float32Array) => topOf(facts, scores, top);
  const uncertainty = floatRow(outputs.get('uncertainty'), row);
  const outlierScore = floatRow(outputs.get('outlierScore'), row);
  const set = byteRow(outputs.get('predictionSet'), row);
  const unknown = byteRow(outputs.get('unknown'), row);
  const said = members ? memberScores(answer, row) : undefined;
  return {
    labels: labelled(floatRow(outputs.get('probabilities'), row)!),
    width,
    height,
    ...(said ? { members: said.map(({ scores, ...member }) => ({ ...member, labels: labelled(scores) })) } : {}),
    ...(uncertainty ? { uncertainty: { entropy: uncertainty[0]!, mutual_information: uncertainty[1]! } } : {}),
    ...(set ? { prediction_set: [...set].flatMap((is, k) => (is === 1 ? [labelOf(facts, k)] : [])) } : {}),
    ...(unknown ? { unknown: unknown[0] === 1 } : {}),
    ...(outlierScore ? { outlier_score: outlierScore[0]! } : {}),
  };
}

interface MemberScores extends ServedMember {
  readonly scores: Float32Array;
}

/** What each member said. */
const memberScores = ({ members }: RunAnswer, row: number): MemberScores[] | undefined =>
  members?.flatMap(({ outputs, ...member }) => {
    const scores = floatRow(outputs.get('probabilities'), row);
    return scores ? [{ ...member, scores }] : [];
  });

const labelOf = ({ labels }: ModelFacts, index: number): string => labels?.[index] ?? String(index);

/** The most probable labels, best first; equal ones in label order. */
function topOf(facts: ModelFacts, scores: Float32Array, top: number): ScoredLabel[] {
  const ranked = Array.from(scores, (score, index) => {
    if (!Number.isFinite(score))
      throw errors.RUN_FAILED({ reason: `model ${facts.name} gave a score that is not a number` });
    return { index, label: labelOf(facts, index), score };
  });
  return ranked.sort((a, b) => b.score - a.score).slice(0, top);
}

/** A row of a tensor of bytes or flags. */
function byteRow(tensor: WireTensor | undefined, row: number): Uint8Array | undefined {
  if (!tensor) return undefined;
  const width = tensor.data.length / tensor.shape[0]!;
  return tensor.data.subarray(row * width, (row + 1) * width);
}

/** A row of a float32 tensor, wherever it starts. */
export function floatRow(tensor: WireTensor | undefined, row: number): Float32Array | undefined {
  const bytes = byteRow(tensor, row);
  return bytes ? new Float32Array(bytes.slice().buffer) : undefined;
}
