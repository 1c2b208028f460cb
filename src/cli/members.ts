// graft train of several members: its flags, and what it tells.

import { printable, type MembersOptions, type TrainedMember, type TrainMembersResult } from '../index.js';
import type { FlagsOf } from './command.js';
import type { Output } from './output.js';
import { warnAbout } from './shared.js';
import { percent, seconds, table } from './text.js';

export const membersFlags = {
  folds: {
    type: 'integer',
    value: 'parts',
    help: 'several members, each trained without one part of the pictures; without a validation folder that part judges it',
  },
  runs: {
    type: 'integer',
    value: 'count',
    help: 'several members that differ by seed: first weights, dropout, order (mlp, other optimizers, --unfreeze)',
  },
  bagging: {
    type: 'integer',
    value: 'count',
    help: 'several members, each trained on as many pictures drawn with replacement',
  },
} satisfies FlagsOf<MembersOptions>;

/** Whether several members are asked for. */
export const asksForMembers = (given: MembersOptions): boolean =>
  [given.folds, given.runs, given.bagging].some(count => count !== undefined);

/** A line as soon as a member is complete. */
export const memberLine = ({ folder, metrics }: TrainedMember): string =>
  `${printable(folder)}  accuracy ${percent(metrics['accuracy'] as number)}, negative log-likelihood ${(metrics['negativeLogLikelihood'] as number).toFixed(3)}`;

/** The members as a table, what they are worth together, and what comes next. */
export function printMembers(output: Output, result: TrainMembersResult, began: number): void {
  const { members, classes, out, errors, stray, duplicates } = result;
  warnAbout(output, { errors, stray, duplicates });
  output.print(`${classes.length} classes: ${classes.map(printable).join(', ')}`);
  const rows = members.map(member => {
    const { folder, kind, seed, fold, counts, metrics } = member;
    const sees = { fold: `without part ${fold}`, run: 'all pictures', bag: 'a bootstrap' }[kind];
    return [
      folder,
      sees,
      String(seed),
      String(counts.train),
      String(counts.validation),
      percent(metrics['accuracy'] as number),
      (metrics['negativeLogLikelihood'] as number).toFixed(3),
    ];
  });
  const head = ['member', 'trained on', 'seed', 'pictures', 'held out', 'accuracy', 'NLL'];
  for (const line of table(head, rows, output, [2, 3, 4, 5, 6])) output.print(line);
  const [accuracy, low, high] = spreadOf(members, 'accuracy');
  output.print(
    `accuracy on the held-out pictures: ${output.bold(percent(accuracy))} on average (${percent(low)} to ${percent(high)}), negative log-likelihood ${spreadOf(members, 'negativeLogLikelihood')[0].toFixed(3)}`,
  );
  output.print(
    `${output.green('saved')} ${members.length} members in ${out}  ${output.dim(seconds((performance.now() - began) / 1000))}`,
  );
  output.say(`\nNext:\n  graft ensemble ${out} --out ${out}/ensemble`);
  output.data({ out, classes, members, errors, stray, duplicates });
}

/** Mean, least and most of a figure. */
function spreadOf(members: readonly TrainedMember[], figure: string): readonly [number, number, number] {
  const values = members.map(({ metrics }) => metrics[figure] as number);
  return [values.reduce((a, b) => a + b, 0) / values.length, Math.min(...values), Math.max(...values)];
}
