// Asking members about the pictures that choose, each network once. Out of fold, a picture is answered by the member that
// did not see it, and that answer stands for every member that sees the same views: z · T_member / T_owner, T the temperatures
// of the bundles, since logits of members whose heads were fitted by other strengths are of other sizes.

import { errors } from './errors.js';
import type { Asked } from './ensemble-answers.js';
import type { Ask } from './ensemble-networks.js';
import type { ChoosingPictures } from './ensemble-pictures.js';
import { memberLogits, type AskedPictures, type MeasuredMember, type MemberLogitsOptions } from './member-logits.js';
import type { OpenedMember } from './members.js';
import type { Model } from '../graph/index.js';
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
    const composed = new Map<MeasuredMember, Float32Array[]>();
    const temperatures = new Map(networks.map(({ sha256, model }) => [sha256, temperatureOf(model)]));
    const owned = owners.map(owner => temperatures.get(networks[owner]!.sha256)!);
    const groups = new Map<string, MeasuredMember[]>();
    for (const member of members) groups.set(viewsOf(member), [...(groups.get(viewsOf(member)) ?? []), member]);
    for (const alike of groups.values()) {
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
      for (const member of alike) {
        const own = temperatures.get(member.sha256) ?? 1;
        composed.set(
          member,
          all.map(view => view.map((z, i) => (z * own) / owned[Math.floor(i / K)]!)),
        );
      }
    }
    return members.map(member => composed.get(member)!);
  };
}

/** The temperature that a run fitted to the pictures that it held out. */
function temperatureOf({ metadata }: Model): number {
  const said = Number(metadata.get('temperature') ?? 1);
  return said > 0 && said < Infinity ? said : 1;
}

const viewsOf = ({ views }: MeasuredMember): string => JSON.stringify(views.map(({ map }) => map));
