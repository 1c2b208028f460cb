// Which of the versions that are there answer: the latest ones, all, or some by number.

import type { VersionPolicy } from '../options.js';

/**
 * The versions that are to answer, ascending.
 *
 * @param versions ascending
 * @example chosenVersions(['1', '2', '10'], { kind: 'latest', count: 2 }) // ['2', '10']
 */
export function chosenVersions<T extends { readonly version: string }>(
  versions: readonly T[],
  policy: VersionPolicy,
): T[] {
  if (policy.kind === 'latest') return versions.slice(-policy.count);
  if (policy.kind === 'all') return [...versions];
  return versions.filter(({ version }) => policy.versions.includes(version));
}
