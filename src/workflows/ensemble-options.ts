// What may be asked of graft ensemble.

import type { CalibratorKind, SelectionMetric } from '../evaluation/index.js';
import type { AllowedFormat } from '../pictures/node.js';
import type { Progress } from './progress.js';

/** How members may be combined, where no recipe says it. */
export const combinations = ['auto', 'average', 'logit', 'vote', 'rank', 'learned', 'greedy', 'stack', 'soup', 'best'] as const; // prettier-ignore
export type Combination = (typeof combinations)[number];

/** Options of `ensemble`. */
export interface EnsembleOptions {
  /** The folder of the bundle. */
  readonly out: string;
  /** A recipe as one line, or the path of a JSON or YAML file; then no members are named beside it. */
  readonly recipe?: string;
  /** @default 'auto': what is best on pictures that did not fit it, never worse there than the best member */
  readonly combine?: Combination;
  /** Test-time views of every member: hflip, five_crop, ten_crop, scale=1.1, rotate=5, augment:TEXT*N. @default none */
  readonly views?: readonly string[];
  /** Only the so many best members are combined. @default all */
  readonly top?: number;
  /** Cheap members first, the others only for pictures that these are not sure of; the share of pictures that may be lost. */
  readonly cascade?: number;
  /** @default 'auto': the simplest that none beats by more than a standard error */
  readonly calibrate?: 'auto' | CalibratorKind;
  /** What chooses. @default 'negativeLogLikelihood' */
  readonly metric?: SelectionMetric;
  /** Prediction sets that hold the true label for this share of pictures, above 0 and below 1. @default none */
  readonly coverage?: number;
  /** `threshold`: the smallest sets; `adaptive`: larger where the picture is hard. @default 'threshold' */
  readonly sets?: 'threshold' | 'adaptive';
  /** Pictures of unknown kinds are marked: the share of known ones that may be marked wrongly. @default none */
  readonly reject?: number;
  /** What a picture is strange by. @default 'energy' */
  readonly rejectBy?: 'energy' | 'max-logit';
  /** Most operations (multiplications and additions) a picture may take. @default no limit */
  readonly budgetFlops?: number;
  /** Most milliseconds a picture may take here, alone in its run. @default no limit */
  readonly budgetMs?: number;
  /** Where the validation pictures are. @default where the runs had them */
  readonly pictures?: string;
  /** Where predictions are kept, or false for nowhere. @default $XDG_CACHE_HOME/onnx-graft */
  readonly cache?: string | false;
  /** Formats beside JPEG, PNG, WebP and GIF. @default [] */
  readonly allowFormats?: readonly AllowedFormat[];
  /** Write over a bundle that is there. @default false */
  readonly force?: boolean;
  /** Of folds, drawn members and views. @default 0 */
  readonly seed?: number;
  readonly onProgress?: (at: Progress) => void;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}
