// Many members measured in one run: what they have in common is computed once, and every member's raw logits come out.

import { Builder, type Model } from '../graph/index.js';
import { errors } from './errors.js';
import { finished, noViews } from './fuse.js';
import { Views } from './fusion.js';
import { checkView, type PictureView } from './picture-views.js';
import { Scope } from './scope.js';
import { Terms } from './terms.js';

/** A network to be measured. */
export interface MeasuredLeaf {
  readonly name: string;
  readonly model: Model;
  /** As {@link FusedMember} has it. @default 1 */
  readonly crop?: number;
  /** @default the picture as it is */
  readonly views?: readonly PictureView[];
}

/**
 * `pictures` uint8 [N, H, W, 3] → `memberLogits` [N, L, K], a row for each view of each leaf, in that order.
 *
 * @throws ENSEMBLE_MEMBER_UNFIT, ENSEMBLE_VIEW, ENSEMBLE_TREE
 */
export function membersModel(
  leaves: readonly MeasuredLeaf[],
  { width, height }: { readonly width: number; readonly height: number },
): Model {
  const terms = new Terms();
  const views = new Views();
  const rows = leaves.flatMap(({ name, model, crop, views: seen = noViews }) => {
    const member = terms.member(name, model, { width, height }, crop);
    return seen.map(view => {
      checkView(view, member.frame);
      return { name, term: member.logits, view: views.placeOf(view) };
    });
  });
  const [first] = rows;
  if (!first) throw errors.TREE({ node: 'members', reason: 'there are none' });
  const classes = first.term.shape![1] as number;
  for (const { name, term } of rows)
    if (term.shape![1] !== classes)
      throw errors.MEMBER_UNFIT({
        member: name,
        reason: `it tells ${term.shape![1]} classes, ${first.name} ${classes}`,
      });
  const builder = new Builder('members');
  const pictures = builder.input('pictures', 'uint8', ['N', height, width, 3]);
  builder.fresh('memberLogits');
  const scope = new Scope(builder, pictures, views.all);
  scope.compute(rows.map(({ term, view }) => ({ term, views: [view] })));
  builder.output(scope.block(rows), 'memberLogits');
  return finished(builder, terms, new Map(), new Map([['memberLogits', ['N', rows.length, classes]]]));
}
