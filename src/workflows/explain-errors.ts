import { defineErrors, printable } from '../base/index.js';

const some = (names: readonly string[]) =>
  names.slice(0, 8).map(printable).join(', ') + (names.length > 8 ? `, … (${names.length})` : '');

/** What is refused of an explanation. */
export const explainErrors = defineErrors('EXPLAIN', {
  NO_MAP: {
    kind: 'unsupported',
    message: (at: { bundle: string }) =>
      `${printable(at.bundle)}: its network knows no places behind the pixels, so that no part of a picture can be named`,
    hint: 'Networks with convolutions or tokens of patches do, up to where they pool; train with one, or cut it earlier with --at.',
  },
  LABEL: {
    kind: 'usage',
    message: (at: { found: string; labels: readonly string[] }) =>
      `no label ${printable(at.found)}; there are ${some(at.labels)}`,
  },
  MEMBER: {
    kind: 'usage',
    message: (at: { found: string; members: readonly string[] }) =>
      at.members.length === 0
        ? `no member ${printable(at.found)}: this is no ensemble`
        : `no member ${printable(at.found)}; there are ${some(at.members)}`,
    hint: 'Say a name, or a number from 1 on in the order of the members.',
  },
  TOO_MANY: {
    kind: 'limit',
    message: (at: { pictures: number; most: number }) =>
      `${at.pictures} pictures on one sheet, the limit is ${at.most}`,
    hint: 'Give a folder to --out (a name without .png): one file a picture.',
  },
});
