// One recipe for the pictures of several members. A member of side s that keeps the share c of the resized picture looks
// at a centre part of it, resized at s / c pixels a side; the common picture keeps the largest share any member or view
// looks at, at the largest of these densities, so that members of one size see the very pixels they would see alone.

import { testViews, type Preprocessing, type TestView } from '../pictures/index.js';
import { errors } from './errors.js';

/** A member's own recipe, and the views it is asked for. */
export interface Framed {
  readonly name: string;
  readonly preprocessing: Preprocessing;
  /** As `--views` has them. @default none */
  readonly views?: readonly string[];
}

/** The recipe of the pictures that all members see. */
export interface CommonFrame {
  readonly preprocessing: Preprocessing;
  /** For each member the share of the common picture's sides that it looks at, 0 to 1. */
  readonly crops: readonly number[];
  /** For each member its views, the picture as it is first. */
  readonly views: readonly (readonly TestView[])[];
}

/**
 * The common recipe of members.
 *
 * @param seed of views that are drawn
 * @throws GRAFT_MEMBERS_DIFFER where one is stretched and another cropped, or filters or backgrounds differ; AUGMENT_VIEW
 */
export function commonFrame(members: readonly Framed[], seed = 0): CommonFrame {
  const [first] = members;
  const seen = members.map(({ preprocessing, views = [] }) => testViews(views, preprocessing, seed));
  for (const { name, preprocessing } of members) checkAlike(first!, { name, preprocessing });
  // widened by the margins that crops of a view look into
  const wide = seen.map(({ preprocessing }) => preprocessing);
  const cropFraction = Math.max(...wide.map(one => one.cropFraction));
  const isDenser = (a: Preprocessing, b: Preprocessing) =>
    densityOf(a) > densityOf(b) * (1 + 1e-9) ||
    (densityOf(a) > densityOf(b) * (1 - 1e-9) && a.cropFraction > b.cropFraction);
  const densest = wide.reduce((a, b) => (isDenser(b, a) ? b : a));
  const grown = cropFraction / densest.cropFraction;
  const common = grown === 1 ? densest : enlarged(densest, grown);
  const crops = members.map(({ preprocessing }) =>
    Math.min(1, (preprocessing.width / densityOf(preprocessing)) * (densityOf(common) / common.width)),
  );
  return { preprocessing: common, crops, views: seen.map(({ views }) => views) };
}

/** Pixels a side of the resized picture. */
const densityOf = ({ width, cropFraction }: Preprocessing): number => width / cropFraction;

/** The same density with more of the picture around. */
function enlarged(preprocessing: Preprocessing, factor: number): Preprocessing {
  // an even number more on each side, so that halves round alike
  const more = (side: number) => 4 * Math.floor((side * (factor - 1)) / 4 + 1e-9);
  const { width, height, cropFraction } = preprocessing;
  const wide = width + more(width);
  return { ...preprocessing, width: wide, height: height + more(height), cropFraction: Math.min(1, (cropFraction * wide) / width) }; // prettier-ignore
}

function checkAlike(first: Framed, other: Framed): void {
  const [a, b] = [first.preprocessing, other.preprocessing];
  const differ = (what: string, found: unknown, wanted: unknown) =>
    errors.MEMBERS_DIFFER({
      what,
      first: first.name,
      firstHas: String(wanted),
      second: other.name,
      secondHas: String(found),
    });
  if (a.resize !== b.resize) throw differ('resize', b.resize, a.resize);
  if (a.filter !== b.filter) throw differ('filter', b.filter, a.filter);
  if (a.background.join() !== b.background.join()) throw differ('background', b.background, a.background);
  if (a.width * b.height !== a.height * b.width)
    throw differ('aspect ratio', `${b.width}:${b.height}`, `${a.width}:${a.height}`);
}
