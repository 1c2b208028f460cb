// The predictions that cost most, with the pictures as the caller made them small: data URLs, nothing is loaded.

import { errors } from './errors.js';
import { markup, name, nothing, type Markup } from './markup.js';
import type { Loss } from './mistakes.js';
import { decimal, percent } from './wording.js';

/** One of the top losses with its picture. */
export interface Mistake extends Omit<Loss, 'index'> {
  readonly file: string;
  /** A `data:image/jpeg;base64,…` URL (or png, webp, gif) of about 160 pixels. @default a blank */
  readonly thumbnail?: string;
}

/** The section with one card for each; nothing where there is none. Throws EVALUATION_THUMBNAIL. */
export function lossesSection(mistakes: readonly Mistake[]): Markup {
  if (mistakes.length === 0) return nothing;
  return markup`<section class="long">
<h2>Top losses</h2>
<p class="note">The predictions that cost most, worst first: look here for wrong labels, odd pictures and what the network cannot see.</p>
<ol class="cards">${mistakes.map(card)}</ol>
</section>`;
}

function card({ file, label, predicted, probability, loss, thumbnail }: Mistake): Markup {
  const right = label === predicted;
  const truth = right ? nothing : markup`<p>is ${name(label)}</p>`;
  return markup`<li>${picture(file, thumbnail)}<p class="given${right ? ' right' : ''}">${name(predicted)} ${percent(probability)}</p>${truth}<p class="soft">loss ${decimal(loss)}</p><p class="file" title="${file}">${name(lastOf(file))}</p></li>`;
}

/** The file without its folders; the whole path is shown on hovering. */
const lastOf = (file: string): string => file.split(/[\\/]/).at(-1)!;

const isPicture = /^data:image\/(?:jpeg|png|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/;

function picture(file: string, thumbnail: string | undefined): Markup {
  if (thumbnail === undefined) return markup`<div class="blank">no picture</div>`;
  if (!isPicture.test(thumbnail)) throw errors.THUMBNAIL({ file });
  return markup`<img src="${thumbnail}" alt="${file}" loading="lazy">`;
}
