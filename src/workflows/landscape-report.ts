// What the line between two networks says: its figures, the verdict in words, and its picture as a file.

import { writeAtomically } from '../base/node.js';
import { landscapeHtml, landscapeSvg, type Barrier } from '../evaluation/index.js';
import { errors } from './statistics-errors.js';
import { version } from './version.js';

/** A network on the line. */
export interface LandscapePoint {
  /** 0 is the first network, 1 the second. */
  readonly t: number;
  /** Mean negative log-likelihood. */
  readonly loss: number;
  readonly calibratedLoss: number;
  readonly accuracy: number;
}

/** The line between two networks. */
export interface Landscape {
  readonly from: string;
  readonly to: string;
  readonly split: 'validation' | 'train';
  /** Pictures. */
  readonly count: number;
  /** How many of them the second network was trained on. */
  readonly trainedOn: number;
  /** What became of BatchNormalization: there is none that moved, or its statistics were mixed or estimated anew. */
  readonly statistics: 'none' | 'averaged' | 're-estimated';
  /** Tensors in which the two differ. */
  readonly different: number;
  /** Losses of raw logits, and at the best temperature for these pictures. */
  readonly points: readonly LandscapePoint[];
  /** Of raw logits; `calibrated`: how far the loss at the best temperature rises over its own straight line. */
  readonly barrier: Omit<Barrier, 'means' | 'verdict' | 'unseen'> & { readonly calibrated: number };
  /** By accuracy and the loss at the best temperature: a soup is calibrated before it is served. */
  readonly verdict: Barrier['verdict'];
  /** The verdict in words. */
  readonly words: string;
  /** What else a reader should know, a sentence each. */
  readonly notes: readonly string[];
}

/** The verdict as a sentence. */
export function wordsOf({
  verdict,
  barrier,
  points,
  from,
  to,
}: Pick<Landscape, 'verdict' | 'barrier' | 'points' | 'from' | 'to'>): string {
  const { loss, at, calibrated, accuracy } = barrier;
  if (verdict === 'barrier') {
    const height = `a barrier of ${loss.toFixed(3)} at t = ${at.toFixed(2)}, ${calibrated.toFixed(3)} at the best temperature`;
    const falls = accuracy > 0 ? `; accuracy falls ${(100 * accuracy).toFixed(1)} points below the line` : '';
    return `${height}${falls}: that is why a soup of the two fails; average their predictions instead`;
  }
  if (verdict === 'unclear')
    return `unclear: the loss at the best temperature rises by ${calibrated.toFixed(3)}, which so few pictures cannot tell from none`;
  const [first, last] = [points[0]!, points.at(-1)!];
  const [better, name] = first.calibratedLoss <= last.calibratedLoss ? [first, from] : [last, to];
  const lowest = points.reduce((best, point) => (point.calibratedLoss < best.calibratedLoss ? point : best));
  const told =
    lowest === first || lowest === last
      ? `${name} alone has the lowest loss, ${better.calibratedLoss.toFixed(3)} at the best temperature`
      : `the loss at the best temperature is lowest at t = ${lowest.t.toFixed(2)}, ${lowest.calibratedLoss.toFixed(3)} against ${better.calibratedLoss.toFixed(3)} of ${name}`;
  return `one basin: a soup of the two will work; ${told}`;
}

/** What else a reader should know. */
export function notesOf({
  count,
  split,
  trainedOn,
  to,
  statistics,
  unseen,
}: Pick<Landscape, 'count' | 'split' | 'trainedOn' | 'to' | 'statistics'> & {
  readonly unseen: number | undefined;
}): string[] {
  const kind = {
    none: 'No statistics of BatchNormalization moved: there are none, or they were frozen.',
    averaged:
      'Statistics of BatchNormalization are averaged, which is wrong between networks far apart: ask for re-estimated ones.',
    're-estimated': 'Statistics of BatchNormalization are estimated anew between the ends.',
  }[statistics];
  return [
    kind,
    ...(trainedOn > 0 && split === 'validation'
      ? [`${to} was trained on ${trainedOn} of the ${count} pictures: its end flatters.`]
      : []),
    ...(unseen === undefined ? [] : [`With ${count} pictures a barrier below ${unseen.toFixed(3)} cannot be seen.`]),
  ];
}

/**
 * Writes a line as a picture: `.svg`, `.html`, or its figures as `.json`.
 *
 * @throws GRAFT_PLOT_FILE for another ending; DISK_EXISTS where the file is there and `force` is not set
 */
export async function writeLandscape(
  path: string,
  found: Landscape,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  const made = {
    '.svg': () => landscapeSvg(found),
    '.html': () => landscapeHtml({ ...found, createdWith: `onnx-graft ${version}` }),
    '.json': () => `${JSON.stringify(found, null, 2)}\n`,
  };
  await writeAtomically(path, made[landscapeKind(path)](), { force });
}

/**
 * The kind of file that a path asks for.
 *
 * @throws GRAFT_PLOT_FILE
 */
export function landscapeKind(path: string): '.svg' | '.html' | '.json' {
  const kind = (['.svg', '.html', '.json'] as const).find(ending => path.toLowerCase().endsWith(ending));
  if (!kind) throw errors.PLOT_FILE({ path });
  return kind;
}
