// What may be asked of graft ensemble.

import type { CalibratorKind, SelectionMetric } from '../evaluation/index.js';
import type { AllowedFormat } from '../pictures/node.js';
import { errors } from './errors.js';
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
  /** @default 'auto': a temperature, unless another is better by more than a standard error */
  readonly calibrate?: 'auto' | CalibratorKind;
  /** What chooses. @default 'negativeLogLikelihood' */
  readonly metric?: SelectionMetric;
  /** Prediction sets that hold the true label for this share of pictures, above 0 and below 1. @default none */
  readonly coverage?: number;
  /** `threshold`: the smallest sets; `adaptive`: larger where the picture is hard. @default 'threshold' */
  readonly sets?: 'threshold' | 'adaptive';
  /** Pictures of unknown kinds are marked: the share of known ones that may be marked wrongly. @default none */
  readonly reject?: number;
  /**
   * What a picture is strange by: the logits of the tree's first network, or how far its features lie from those of that
   * network's training pictures. @default 'energy'
   */
  readonly rejectBy?: 'energy' | 'max-logit' | 'mahalanobis';
  /** Most operations (multiplications and additions) a picture may take. @default no limit */
  readonly budgetFlops?: number;
  /** Most milliseconds a picture may take here, alone in its run. @default no limit */
  readonly budgetMs?: number;
  /** Where the pictures of the runs are. @default where the runs had them */
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

/**
 * Refuses what makes no sense before anything is opened.
 *
 * @throws GRAFT_ENSEMBLE_OPTION, GRAFT_RECIPE_AND_MEMBERS
 */
export function checkOptions(members: readonly string[], options: EnsembleOptions): void {
  const { recipe, combine = 'auto', views = [], top, cascade, coverage, reject, budgetFlops, budgetMs } = options;
  const wrong = (option: string, found: unknown, wanted: string) =>
    errors.ENSEMBLE_OPTION({ option, found: String(found), wanted });
  const isShare = (value: number | undefined) => value === undefined || (value > 0 && value < 1);
  if (!isShare(coverage)) throw wrong('--coverage', coverage, 'above 0 and below 1');
  if (!isShare(reject)) throw wrong('--reject', reject, 'above 0 and below 1');
  if (cascade !== undefined && !(cascade >= 0 && cascade < 1))
    throw wrong('--cascade', cascade, 'a share from 0, below 1');
  if (top !== undefined && !(Number.isSafeInteger(top) && top >= 1)) throw wrong('--top', top, 'a whole number from 1');
  for (const [option, budget] of [
    ['--budget-flops', budgetFlops],
    ['--budget-ms', budgetMs],
  ] as const)
    // prettier-ignore
    if (budget !== undefined && !(budget > 0)) throw wrong(option, budget, 'above 0');
  if (budgetFlops !== undefined && budgetMs !== undefined) throw wrong('--budget-ms', budgetMs, 'one of --budget-ms and --budget-flops'); // prettier-ignore
  if (cascade !== undefined && combine !== 'auto')
    throw wrong('--combine', combine, 'a cascade or a combination, not both');
  if (recipe === undefined) return;
  const beside = [
    ...members.slice(0, 1),
    ...(combine === 'auto' ? [] : [`--combine ${combine}`]),
    ...(views.length === 0 ? [] : [`--views ${views.join()}`]),
    ...(top === undefined ? [] : [`--top ${top}`]),
    ...(cascade === undefined ? [] : [`--cascade ${cascade}`]),
  ];
  if (beside.length > 0) throw errors.RECIPE_AND_MEMBERS({ found: beside[0]! });
}
