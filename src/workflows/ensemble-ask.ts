// Asking members about the pictures that choose. Out of fold, a picture is answered by the member that did not see it, and
// that answer stands for every member.

import { errors } from './errors.js';
import type { Asked } from './ensemble-answers.js';
import type { Ask } from './ensemble-networks.js';
import type { ChoosingPictures } from './ensemble-pictures.js';
import { memberLogits, type MemberLogitsOptions } from './member-logits.js';
import type { OpenedMember } from './members.js';
import type { Runtime } from '../runtime/index.js';

/** How networks are asked about pictures. */
export function askingOf(
  runtime: Runtime,
  networks: readonly OpenedMember[],
  { files, hashes, owners }: ChoosingPictures,
  { classes }: Pick<Asked, 'classes'>,
  options: MemberLogitsOptions,
): Ask {
  const K = classes.length;
  if (!owners) return remembering(async (members, preprocessing) => memberLogits(runtime, members, preprocessing, { files, hashes, classes: K }, options)); // prettier-ignore
  return async (members, preprocessing) => {
    const composed: Float32Array[] = [];
    for (const member of members) {
      const owner = networks.findIndex(({ sha256 }) => sha256 === member.sha256);
      if (owner < 0) throw errors.OUT_OF_FOLD({ what: member.name });
      const rows = owners.flatMap((of, row) => (of === owner ? [row] : []));
      const own = { files: rows.map(row => files[row]!), hashes: rows.map(row => hashes[row]!), classes: K };
      const [views] = await memberLogits(runtime, [member], preprocessing, own, options);
      views!.forEach((logits, v) => {
        const all = (composed[v] ??= new Float32Array(files.length * K));
        rows.forEach((row, i) => all.set(logits.subarray(i * K, (i + 1) * K), row * K));
      });
    }
    return members.map(({ views }) => views.map((_, v) => composed[v]!));
  };
}

/** Asks nobody twice. */
function remembering(ask: Ask): Ask {
  const known = new Map<string, Float32Array[]>();
  return async (members, preprocessing) => {
    const keys = members.map(({ sha256, crop, views }) =>
      JSON.stringify([sha256, crop, views.map(({ map }) => map), preprocessing]),
    );
    const missing = members.filter((_, i) => !known.has(keys[i]!));
    const places = keys.filter(key => !known.has(key));
    (await ask(missing, preprocessing)).forEach((said, i) => known.set(places[i]!, said));
    return keys.map(key => known.get(key)!);
  };
}
