// graft predict: labelled probabilities for files. A picture that cannot be read is an entry of its own.

import type { GraftError } from '../base/index.js';
import { listPictures, type AllowedFormat } from '../pictures/node.js';
import { openPredictor, topOf, type Answers, type Predictor, type TopLabel } from '../prediction/index.js';
import { predictFiles } from '../prediction/node.js';
import type { Runtime } from '../runtime/index.js';
import { openBundle } from './open-bundle.js';
import type { Progress } from './progress.js';

/** What a member of an ensemble says. */
export interface MemberPrediction {
  readonly name: string;
  /** The most probable label. */
  readonly label: string;
  readonly probability: number;
  /** In label order. */
  readonly probabilities: readonly number[];
  /** With `top`: the most probable labels, best first. */
  readonly top?: readonly TopLabel[];
}
/** The answer for a file. */
export interface FilePrediction {
  readonly file: string;
  /** The most probable label. */
  readonly label: string;
  readonly probability: number;
  /** In label order. */
  readonly probabilities: readonly number[];
  /** With `top`: the most probable labels, best first. */
  readonly top?: readonly TopLabel[];
  /** With several labels a picture: those of probability 0.5 or more. */
  readonly labels?: readonly string[];
  /** Of an ensemble: what each member says. */
  readonly members?: readonly MemberPrediction[];
  /** Of an ensemble, in nats: entropy of the answer, and how much of it is members that disagree. */
  readonly uncertainty?: { readonly entropy: number; readonly mutualInformation: number };
  /** Where the bundle gives sets: labels that hold the true one at the coverage it was made for. */
  readonly predictionSet?: readonly string[];
  /** Where the bundle rejects: whether the picture is of an unknown kind, and its score. */
  readonly unknown?: boolean;
  readonly outlierScore?: number;
}
/** A file without an answer. */
export interface UnreadableFile {
  readonly file: string;
  readonly error: GraftError;
}

export interface PredictOptions {
  /** Also give the so many most probable labels. */
  readonly top?: number;
  /** Of an ensemble, also give what each member says. @default false */
  readonly members?: boolean;
  readonly allowFormats?: readonly AllowedFormat[];
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Predicts files and folders with a bundle.
 *
 * @throws BUNDLE_…, DATA_… where a path is not there
 * @example
 * const [first] = await predict('run/bundle', ['holiday.jpg'], {}, nodeRuntime());
 */
export async function predict(
  bundle: string,
  paths: readonly string[],
  { top, members = false, allowFormats = [], onProgress, signal }: PredictOptions,
  runtime: Runtime,
): Promise<(FilePrediction | UnreadableFile)[]> {
  const opened = await openBundle(bundle);
  const files = await listPictures(paths);
  const predictor = await openPredictor(opened, runtime);
  try {
    const answers: (FilePrediction | UnreadableFile)[] = [];
    for await (const answer of predictFiles(predictor, files, { allowFormats, ...(signal ? { signal } : {}) })) {
      if ('error' in answer) answers.push({ file: answer.file, error: answer.error });
      else {
        const probabilities = Array.from(answer.probabilities);
        const [best] = topOf(predictor.labels, probabilities, 1);
        answers.push({
          file: answer.file,
          label: best!.label,
          probability: best!.probability,
          probabilities,
          ...(top === undefined ? {} : { top: topOf(predictor.labels, probabilities, top) }),
          ...(predictor.task === 'multi-label'
            ? { labels: predictor.labels.filter((_, k) => probabilities[k]! >= 0.5) }
            : {}),
          ...ensembleAnswers(answer, predictor, members, top),
        });
      }
      onProgress?.({ what: 'predicting', done: answers.length, total: files.length });
    }
    return answers;
  } finally {
    await predictor.close();
  }
}

/** What an ensemble says beside probabilities. */
function ensembleAnswers(
  { memberProbabilities, uncertainty, predictionSet, unknown, outlierScore }: Answers,
  { labels, members }: Predictor,
  withMembers: boolean,
  top: number | undefined,
): Pick<FilePrediction, 'members' | 'uncertainty' | 'predictionSet' | 'unknown' | 'outlierScore'> {
  const K = labels.length;
  return {
    ...(withMembers && memberProbabilities
      ? {
          members: members.map((name, m): MemberPrediction => {
            const probabilities = Array.from(memberProbabilities.subarray(m * K, (m + 1) * K));
            const [best] = topOf(labels, probabilities, 1);
            const ranked = top === undefined ? {} : { top: topOf(labels, probabilities, top) };
            return { name, label: best!.label, probability: best!.probability, probabilities, ...ranked };
          }),
        }
      : {}),
    ...(uncertainty ? { uncertainty: { entropy: uncertainty[0]!, mutualInformation: uncertainty[1]! } } : {}),
    ...(predictionSet ? { predictionSet: labels.filter((_, k) => predictionSet[k] === 1) } : {}),
    ...(unknown ? { unknown: unknown[0] === 1 } : {}),
    ...(outlierScore ? { outlierScore: outlierScore[0]! } : {}),
  };
}
