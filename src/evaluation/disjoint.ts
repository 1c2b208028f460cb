// Splits that must not share a picture: what chooses and calibrates must not judge. Pictures are told by their content,
// sha256 of the file, whatever they are called.

import { errors } from './errors.js';

/**
 * Throws EVALUATION_SPLITS_OVERLAP where two splits share a picture, naming both, how many they share, and one of those.
 * A picture that is twice in one split is not looked at.
 *
 * @param splits sha256 of the pictures of each split, by its name
 * @example checkDisjoint(new Map([['selection', chosenWith], ['test', judgedOn]]));
 */
export function checkDisjoint(splits: ReadonlyMap<string, readonly string[]>): void {
  const held = new Map<string, string>();
  for (const [second, hashes] of splits) {
    const shared = new Map<string, string[]>();
    for (const hash of new Set(hashes)) {
      const first = held.get(hash);
      if (first === undefined) held.set(hash, second);
      else if (shared.has(first)) shared.get(first)!.push(hash);
      else shared.set(first, [hash]);
    }
    for (const [first, found] of shared)
      throw errors.SPLITS_OVERLAP({ first, second, count: found.length, example: found[0]! });
  }
}
