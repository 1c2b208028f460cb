// Where several heads that train at once go on: each has its own checkpoints, written one after the other, so that a kill
// in between leaves some of them an epoch ahead.

import { hasEnded } from './early-stopping.js';
import type { Checkpoint } from './checkpoint.js';
import type { Checkpoints, Damaged } from './run-files.js';

/**
 * The newest checkpoints that fit together: those of members that have ended by patience, and of all others the newest
 * epoch that each of them has.
 *
 * @returns no checkpoints where some member has none: all begin anew
 */
export async function newestOfAll(
  files: readonly Checkpoints[],
  patience: number,
): Promise<{ readonly checkpoints?: readonly Checkpoint[]; readonly damaged: readonly Damaged[] }> {
  const damaged: Damaged[] = [];
  const newest = async (of: Checkpoints, most?: number): Promise<Checkpoint | undefined> => {
    const found = await of.newest(most);
    damaged.push(...(found?.damaged ?? []));
    return found?.checkpoint;
  };
  const found: (Checkpoint | undefined)[] = [];
  for (const of of files) found.push(await newest(of));
  const going = found.filter(at => at && !hasEnded(at, patience));
  const common = Math.min(...going.map(at => at!.epoch));
  for (const [member, at] of found.entries())
    if (at && !hasEnded(at, patience) && at.epoch > common) found[member] = await newest(files[member]!, common);
  const all = found.filter(at => at !== undefined);
  const fits = all.length === files.length && all.every(at => at.epoch === common || hasEnded(at, patience));
  return fits ? { checkpoints: all, damaged } : { damaged };
}
