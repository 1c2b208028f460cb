// Asking members about the pictures that choose, each network once. Out of fold, a picture is answered by the member that
// did not see it, and that answer stands for every member that sees the same views.

import { errors } from './errors.js';
import type { Asked } from './ensemble-answers.js';
import type { Ask } from './ensemble-networks.js';
import type { ChoosingPictures } from './ensemble-pictures.js';
import { memberLogits, type AskedPictures, type MeasuredMember, type MemberLogitsOptions } from './member-logits.js';
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
  const told = { memory: new Map<string, Float32Array>(), ...options };
  const askAbout =
    (pictures: AskedPictures): Ask =>
    async (members, preprocessing) =>
      memberLogits(runtime, members, preprocessing, pictures, told);
  if (!owners) return askAbout({ files, hashes, classes: K });
  const rowsOf = (owner: number) => owners.flatMap((of, row) => (of === owner ? [row] : []));
  const parts = networks.map((_, owner) => {
    const rows = rowsOf(owner);
    const pictures = { files: rows.map(row => files[row]!), hashes: rows.map(row => hashes[row]!), classes: K };
    return { rows, ask: askAbout(pictures) };
  });
  return async (members, preprocessing) => {
    const composed = new Map<string, Float32Array[]>();
    const groups = new Map<string, MeasuredMember[]>();
    for (const member of members) groups.set(viewsOf(member), [...(groups.get(viewsOf(member)) ?? []), member]);
    for (const [key, alike] of groups) {
      const all = alike[0]!.views.map(() => new Float32Array(files.length * K));
      for (const [owner, { rows, ask }] of parts.entries()) {
        if (rows.length === 0) continue;
        const member = alike.find(({ sha256 }) => sha256 === networks[owner]!.sha256);
        if (!member) throw errors.OUT_OF_FOLD({ what: alike[0]!.name });
        const [views] = await ask([member], preprocessing);
        views!.forEach((logits, v) =>
          rows.forEach((row, i) => all[v]!.set(logits.subarray(i * K, (i + 1) * K), row * K)),
        );
      }
      composed.set(key, all);
    }
    return members.map(member => composed.get(viewsOf(member))!);
  };
}

const viewsOf = ({ views }: MeasuredMember): string => JSON.stringify(views.map(({ map }) => map));
