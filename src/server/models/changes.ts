// What a look at the disk asks for: versions that came or changed, versions that went, versions that others took the place of.

import type { VersionPolicy } from '../options.js';
import { loadedIn, type ModelEntry } from './model-entry.js';
import type { FoundVersion } from './opened-model.js';
import { chosenVersions } from './version-policy.js';

export interface Changes {
  /** What is to answer. */
  readonly chosen: readonly FoundVersion[];
  /** What of it is to be opened, or opened anew. */
  readonly toOpen: readonly FoundVersion[];
  /** Versions that are no longer there. */
  readonly gone: readonly string[];
  /** Whether there is something to do. */
  readonly isNews: boolean;
  /** Whether something has to stand still first. */
  readonly again: boolean;
}

/** @param before what was found by the look before this one */
export function changesOf(entry: ModelEntry, before: readonly FoundVersion[], policy: VersionPolicy): Changes {
  const { found, slots } = entry;
  const chosen = chosenVersions(found, policy);
  const isNew = ({ version, mark, whole }: FoundVersion): boolean => {
    const slot = slots.get(version);
    return slot?.failedMark !== whole && (!slot?.instance || slot.mark !== mark);
  };
  const fresh = chosen.filter(isNew);
  // a network has no marker that comes last: it is taken when it has stood still between two looks
  const isStill = ({ version, kind, whole }: FoundVersion): boolean =>
    kind !== 'network' || before.some(one => one.version === version && one.whole === whole);
  const toOpen = fresh.filter(isStill);
  const isIn = (version: string, those: readonly FoundVersion[]) => those.some(one => one.version === version);
  const missing = [...slots.keys()].filter(version => !isIn(version, found));
  // gone in two looks: a folder that is being replaced is away for a moment
  const gone = missing.filter(version => !isIn(version, before));
  const isAnswered = chosen.length > 0 && chosen.every(({ version }) => slots.get(version)?.instance);
  const isPassed = isAnswered && loadedIn(entry).some(([version]) => isIn(version, found) && !isIn(version, chosen));
  return {
    chosen,
    toOpen,
    gone,
    isNews: toOpen.length > 0 || gone.length > 0 || isPassed,
    again: fresh.length > toOpen.length || missing.length > gone.length,
  };
}
