// The rows of an ensemble's table: every member and every combination judged on the same pictures, each beside the best
// single member, all differences from the same drawings. And what the table says in a sentence, the same on the
// terminal and in the report: whether averaging helped, whether one can tell, or that it hurt.

import { pairedDifferences, type BootstrapOptions, type PairedDifference } from './bootstrap.js';
import { errors } from './errors.js';
import { evaluate } from './evaluate.js';
import { metrics, type MetricName } from './metrics.js';
import type { Predictions } from './predictions.js';
import { decimal, percent, signed } from './wording.js';

/** A member or a combination, before it is judged. */
export interface EnsembleCandidate {
  readonly name: string;
  readonly kind: 'member' | 'combination';
  /** On the pictures that the table is of; the same ones for each. */
  readonly predictions: Predictions;
  /** What one picture costs, in the unit of the report. @default not known */
  readonly cost?: number;
}

/** A member or a combination as the table has it. */
export interface EnsembleRow {
  readonly name: string;
  readonly kind: 'member' | 'combination';
  readonly accuracy: number;
  /** Wilson, 95 %. */
  readonly accuracyInterval: readonly [low: number, high: number];
  readonly negativeLogLikelihood: number;
  readonly brierScore: number;
  readonly expectedCalibrationError: number;
  /** Against the reference, one for each metric; none of the reference itself. */
  readonly differences: readonly PairedDifference[];
  /** What one picture costs, in the unit of the report. */
  readonly cost?: number;
}

/** The table of an ensemble. */
export interface EnsembleTable {
  readonly rows: readonly EnsembleRow[];
  /** The row that the others are compared with: the best single member. */
  readonly reference: number;
  /** The row that ships. */
  readonly chosen: number;
}

export interface EnsembleRowsOptions extends BootstrapOptions {
  /** The row that ships. */
  readonly chosen: number;
  /** The best single member, as it was found where the choice was made. @default the member of lowest likelihood loss here */
  readonly reference?: number;
  /** What differences are of; the first is what the sentence is about. @default ['negativeLogLikelihood', 'accuracy'] */
  readonly metrics?: readonly MetricName[];
}

const compared: readonly MetricName[] = ['negativeLogLikelihood', 'accuracy'];

/**
 * Judges members and combinations on the same pictures.
 * Throws EVALUATION_OPTION where `chosen` or `reference` is no row or no member is there, and what `pairedDifferences`
 * and `evaluate` throw.
 *
 * @example
 * const table = ensembleRows([{name: 'seed 1', kind: 'member', predictions}, {name: 'mean', kind: 'combination', predictions: pool}], {chosen: 1});
 * console.log(ensembleVerdict(table));
 */
export function ensembleRows(candidates: readonly EnsembleCandidate[], options: EnsembleRowsOptions): EnsembleTable {
  const { chosen, metrics: names = compared, ...bootstrap } = options;
  const figures = candidates.map(({ predictions }) => evaluate(predictions));
  const reference =
    options.reference ??
    bestMember(
      candidates,
      figures.map(one => one.negativeLogLikelihood),
    );
  for (const [option, found] of [
    ['chosen', chosen],
    ['reference', reference],
  ] as const)
    if (!candidates[found]) throw errors.OPTION({ option, found, wanted: `a row of ${candidates.length}` });
  if (candidates[reference]!.kind !== 'member')
    throw errors.OPTION({ option: 'reference', found: candidates[reference]!.name, wanted: 'a member' });
  const others = candidates.flatMap((_, i) => (i === reference ? [] : [i]));
  const differences = pairedDifferences(
    others.map(i => candidates[i]!.predictions),
    candidates[reference]!.predictions,
    names,
    bootstrap,
  );
  const rows = candidates.map(({ name, kind, cost }, i): EnsembleRow => {
    const { accuracy, accuracyInterval, negativeLogLikelihood, brierScore, expectedCalibrationError } = figures[i]!;
    return {
      name,
      kind,
      accuracy,
      accuracyInterval,
      negativeLogLikelihood,
      brierScore,
      expectedCalibrationError,
      differences: differences[others.indexOf(i)] ?? [],
      ...(cost === undefined ? {} : { cost }),
    };
  });
  return { rows, reference, chosen };
}

function bestMember(candidates: readonly EnsembleCandidate[], losses: readonly number[]): number {
  const members = candidates.flatMap(({ kind }, i) => (kind === 'member' ? [i] : []));
  if (members.length === 0) throw errors.OPTION({ option: 'candidates', found: 'no member', wanted: 'one or more' });
  return members.reduce((best, i) => (losses[i]! < losses[best]! ? i : best));
}

/**
 * What the table says, in plain words: whether averaging helped, that one cannot tell, or that it hurt.
 *
 * @example ensembleVerdict(table) // 'Averaging helped: mean has a negative log-likelihood of 0.201, seed 1, the best single member, 0.232 (−0.031, 95% interval −0.047 to −0.016).'
 */
export function ensembleVerdict({ rows, reference, chosen }: EnsembleTable): string {
  const single = rows[reference]!;
  const row = rows[chosen]!;
  if (row.kind === 'combination') return outcome(row, single, said);
  const combinations = rows.filter(({ kind, differences }) => kind === 'combination' && differences.length > 0);
  if (combinations.length === 0) return `${row.name} ships alone: there is no combination to compare it with.`;
  const best = combinations.reduce((a, b) => (goodness(b.differences[0]!) > goodness(a.differences[0]!) ? b : a));
  return `${row.name} ships alone. ${outcome(best, single, unsaid)}`;
}

/** What averaging did, where a combination ships; what it would have done, where it does not. */
type Words = Readonly<Record<'helped' | 'hurt' | 'mayHave' | 'didNot' | 'nothing', string>>;
const said: Words = {
  helped: 'Averaging helped',
  hurt: 'Averaging hurt',
  mayHave: 'Averaging may have helped',
  didNot: 'Averaging did not help',
  nothing: 'Averaging changed nothing',
};
const unsaid: Words = {
  helped: 'Averaging would have helped',
  hurt: 'Averaging would have hurt',
  mayHave: 'Averaging might have helped',
  didNot: 'Averaging would not have helped',
  nothing: 'Averaging would have changed nothing',
};

/** How much better the first is, in the metric's own direction. */
const goodness = ({ metric, difference }: PairedDifference): number =>
  metrics[metric].better === 'higher' ? difference : -difference;

function outcome(row: EnsembleRow, single: EnsembleRow, words: Words): string {
  const [first, ...rest] = row.differences;
  if (!first) return `${row.name} was compared with nothing.`;
  const beside = `${row.name} has ${article(first)} of ${figure(first, first.first)}, ${single.name}, the best single member, ${figure(first, first.second)} (${intervalText(first)})`;
  const against = rest.filter(one => goodness(one) < 0).map(one => `${metrics[one.metric].title} ${difference(one)}`);
  const but = against.length > 0 && goodness(first) > 0 ? ` Not better in everything: ${against.join(', ')}.` : '';
  if (first.verdict === 'better') return `${words.helped}: ${beside}.${but}`;
  if (first.verdict === 'worse') return `${words.hurt}: ${beside}.`;
  if (first.difference === 0) return `${words.nothing}: ${beside}.`;
  const clear = rest
    .filter(({ verdict }) => verdict === 'better')
    .map(one => ` Better in ${metrics[one.metric].title}: ${intervalText(one)}.`);
  const leaning = goodness(first) > 0 ? words.mayHave : words.didNot;
  return `${leaning}, and these pictures are too few to be sure: ${beside}; the interval holds 0.${clear.join('')}${but}`;
}

const article = ({ metric }: PairedDifference): string =>
  `${/^[aeiouA]/.test(metrics[metric].title) ? 'an' : 'a'} ${metrics[metric].title}`;

const figure = ({ metric }: PairedDifference, value: number): string =>
  metrics[metric].share ? percent(value) : decimal(value);

const difference = ({ metric, difference: by }: PairedDifference): string => signed(by, metrics[metric].share);

/** `−0.031, 95% interval −0.047 to −0.016`. */
export function intervalText(at: PairedDifference): string {
  const { share } = metrics[at.metric];
  const end = (value: number) => signed(value, share).replace(' points', '');
  return `${difference(at)}, ${Math.round(1000 * at.level) / 10}% interval ${end(at.low)} to ${end(at.high)}`;
}
