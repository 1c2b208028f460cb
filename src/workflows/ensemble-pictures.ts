// The pictures that choose and calibrate an ensemble: those that every member was validated on and none was trained on.
// Members of a cross-validation have no such pictures in common; each picture is then answered by the one member that
// did not see it, and these out-of-fold answers calibrate the pool.

import { checkDisjoint } from '../evaluation/index.js';
import type { OpenedMember } from './members.js';
import { memberPictures } from './members.js';
import { errors } from './errors.js';

/** The pictures that choose. */
export interface ChoosingPictures {
  readonly files: readonly string[];
  /** Relative to the source. */
  readonly names: readonly string[];
  readonly hashes: readonly string[];
  readonly labels: readonly (number | readonly number[])[];
  /** Of folds: the place in `networks` of the member that answers each picture. */
  readonly owners?: readonly number[];
}

export interface WhereOptions {
  /** Where the pictures are. @default where the runs had them */
  readonly pictures?: string;
  readonly onWarning?: (text: string) => void;
}

/**
 * Finds the pictures that choose.
 *
 * @param pictures where they are. @default where the runs had them
 * @throws GRAFT_NOTHING_COMMON where members saw each other's validation pictures; GRAFT_PICTURES_MISSING
 */
export async function choosingPictures(
  networks: readonly OpenedMember[],
  options: WhereOptions = {},
): Promise<ChoosingPictures> {
  const trained = new Set(networks.flatMap(({ bundle }) => bundle.manifest.data.train));
  const sets = networks.map(({ bundle }) => new Set(bundle.manifest.data.validation));
  const common = [...sets[0]!].filter(hash => !trained.has(hash) && sets.every(set => set.has(hash)));
  if (common.length > 0) {
    const smallest = Math.min(...sets.map(set => set.size));
    if (common.length < smallest)
      options.onWarning?.(
        `${common.length} pictures choose: of the ${smallest} and more that members were validated on, the others trained some member or were not shown to all`,
      );
    tellChosen(networks, new Set(common), options);
    const wanted = new Set(common);
    const own = await memberPictures(withRun(networks), options);
    const rows = own.hashes.flatMap((hash, row) => (wanted.has(hash) ? [row] : []));
    return {
      files: rows.map(row => own.items[row]!.file),
      names: rows.map(row => own.items[row]!.name),
      hashes: rows.map(row => own.hashes[row]!),
      labels: rows.map(row => own.labels[row]!),
    };
  }
  return outOfFold(networks, options);
}

/** A member that knows where its pictures are. */
const withRun = (networks: readonly OpenedMember[]): OpenedMember =>
  networks.find(({ run }) => run !== undefined) ?? networks[0]!;

/** An ensemble that was chosen by the same pictures looks better on them than it is. */
function tellChosen(networks: readonly OpenedMember[], common: ReadonlySet<string>, { onWarning }: WhereOptions): void {
  for (const { name, bundle } of networks)
    if (bundle.manifest.ensemble && bundle.manifest.data.validation.some(hash => common.has(hash)))
      onWarning?.(`${name} is an ensemble that these pictures chose and calibrated: its figures flatter it`);
}

async function outOfFold(networks: readonly OpenedMember[], options: WhereOptions): Promise<ChoosingPictures> {
  const owners = new Map<string, number>();
  for (const [place, { name, bundle }] of networks.entries()) {
    const { train, validation } = bundle.manifest.data;
    checkDisjoint(new Map([['train', train], ['validation', validation]])); // prettier-ignore
    for (const hash of validation) {
      if (owners.has(hash)) {
        const first = networks[owners.get(hash)!]!.name;
        throw errors.NOTHING_COMMON({ first, second: name });
      }
      owners.set(hash, place);
    }
  }
  const parts = await Promise.all(networks.map(async member => memberPictures(member, options)));
  const rows = parts.flatMap((part, owner) => part.hashes.map((hash, row) => ({ part, row, hash, owner })));
  return {
    files: rows.map(({ part, row }) => part.items[row]!.file),
    names: rows.map(({ part, row }) => part.items[row]!.name),
    hashes: rows.map(({ hash }) => hash),
    labels: rows.map(({ part, row }) => part.labels[row]!),
    owners: rows.map(({ owner }) => owner),
  };
}
