// The stratified hold-out: each class gives its share to validation, at least one picture to either side. With several
// labels a picture, the rarest label chooses first (Sechidis et al. 2011, made deterministic).

import { Random } from '../base/index.js';

/**
 * Chooses pictures for validation.
 *
 * @param labels the classes of each picture, as numbers below `classes`; none is allowed.
 * @param share of each class, above 0 and below 1.
 * @returns for each picture, whether it is held out.
 */
export function holdOut(
  labels: readonly (readonly number[])[],
  classes: number,
  share: number,
  seed: number | string,
): boolean[] {
  const random = new Random(seed);
  const members: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((own, picture) => {
    for (const label of own) members[label]!.push(picture);
  });
  const held = new Array<boolean | undefined>(labels.length);
  const count = (label: number, side: boolean): number => members[label]!.filter(i => held[i] === side).length;
  const rarestFirst = members.map((_, label) => label).sort((a, b) => members[a]!.length - members[b]!.length || a - b);
  for (const label of rarestFirst) {
    const total = members[label]!.length;
    const wanted = Math.min(Math.max(Math.round(total * share), 1), total - 1);
    const free = members[label]!.filter(i => held[i] === undefined);
    const need = Math.max(wanted - count(label, true), 0);
    random
      .at('validation', label)
      .permutation(free.length)
      .forEach((at, order) => (held[free[at]!] = order < need));
  }
  const bare = labels.flatMap((own, picture) => (own.length === 0 ? [picture] : []));
  const order = random.at('validation', 'none').permutation(bare.length);
  order.forEach((at, place) => (held[bare[at]!] = place < Math.round(bare.length * share)));
  // a label whose every picture a rarer one held out
  for (const label of rarestFirst) {
    if (members[label]!.length > 1 && count(label, false) === 0) held[members[label]![0]!] = false;
  }
  return held.map(side => side === true);
}
