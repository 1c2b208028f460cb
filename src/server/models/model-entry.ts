// A model by its name: what of it lies on disk, what is loaded, and why something is not.

import { errors } from '../errors.js';
import type { IndexEntry, ModelStateName } from '../served.js';
import { byVersion } from './folder.js';
import type { Instance } from './instance.js';
import { Lane } from './lane.js';
import type { FoundVersion } from './opened-model.js';
import type { LoadConfig } from './load-config.js';

/** A version that was loaded, or was to be. */
export interface Slot {
  instance?: Instance | undefined;
  state: ModelStateName;
  reason: string;
  /** Of what was opened. */
  mark?: string | undefined;
  /** Of what could not be opened: it is not tried again until this changes. */
  failedMark?: string | undefined;
  /** The end of what was replaced. */
  retiring?: Promise<void> | undefined;
  /** What is ending. */
  replaced?: Instance | undefined;
}

export interface ModelEntry {
  readonly name: string;
  /** Given on the command line, in place of the repository. */
  readonly path?: string;
  readonly lane: Lane;
  readonly slots: Map<string, Slot>;
  /** As it lay on disk when it was last looked at, ascending. */
  found: readonly FoundVersion[];
  /** Whether it should answer. */
  isWanted: boolean;
  /** Whether it was unloaded by a request: only a request loads it again. */
  isHeldBack: boolean;
  config: LoadConfig;
}

export const newEntry = (name: string, path?: string): ModelEntry => ({
  name,
  ...(path === undefined ? {} : { path }),
  lane: new Lane(),
  slots: new Map(),
  found: [],
  isWanted: false,
  isHeldBack: false,
  config: { settings: {} },
});

export function slotOf({ slots }: ModelEntry, version: string): Slot {
  const held = slots.get(version) ?? { state: 'UNAVAILABLE', reason: '' };
  slots.set(version, held);
  return held;
}

/** Loaded versions, ascending. */
export const loadedIn = ({ slots }: ModelEntry): readonly (readonly [version: string, instance: Instance])[] =>
  [...slots]
    .flatMap(([version, { instance }]) => (instance ? [[version, instance] as const] : []))
    .sort(([a], [b]) => byVersion(a, b));

/** Whether somebody knows of it: on disk, on the command line, loaded, or to be. */
export const isThere = ({ path, found, slots, isWanted }: ModelEntry): boolean =>
  path !== undefined || found.length > 0 || slots.size > 0 || isWanted;

/** The highest loaded version that answers; where none does, the highest. */
export function bestOf(entry: ModelEntry): Instance | undefined {
  const loaded = loadedIn(entry).map(([, instance]) => instance);
  return loaded.findLast(({ state }) => state.isReady) ?? loaded.at(-1);
}

/**
 * A loaded version that answers.
 *
 * @throws MODEL_NOT_FOUND, VERSION_NOT_FOUND, MODEL_NOT_READY
 */
export function answering(entry: ModelEntry, version: string | undefined): Instance {
  const { name, slots, isWanted } = entry;
  const known = version === undefined ? bestOf(entry) : slots.get(version)?.instance;
  if (known?.state.isReady) return known;
  const notReady = (reason: string) => errors.MODEL_NOT_READY({ reason: `model ${name} is not ready: ${reason}` });
  if (known) throw notReady(known.state.reason);
  const slot = version === undefined ? undefined : slots.get(version);
  const isComing = [...slots.values()].find(({ state }) => state === 'LOADING');
  if (slot && isWanted) throw notReady(slot.state === 'LOADING' ? 'it is being loaded' : slot.reason);
  if (version !== undefined && loadedIn(entry).length > 0)
    throw errors.VERSION_NOT_FOUND({ reason: `model ${name} has no version ${version}` });
  if (isComing) throw notReady('it is being loaded');
  if (isWanted) throw notReady([...slots.values()].find(({ reason }) => reason !== '')?.reason ?? 'not loaded yet');
  throw errors.MODEL_NOT_FOUND({ reason: `model ${name} is not loaded` });
}

/** Rows of the index, by version. */
export function indexOf(entry: ModelEntry): IndexEntry[] {
  const { name, slots, found } = entry;
  const versions = new Set([...slots.keys(), ...found.map(({ version }) => version)]);
  if (versions.size === 0) return [{ name, state: 'UNAVAILABLE', reason: 'no version is there' }];
  return [...versions].sort(byVersion).map((version): IndexEntry => {
    const slot = slots.get(version);
    const fault = found.find(one => one.version === version)?.fault;
    if (!slot) return { name, version, state: 'UNAVAILABLE', reason: fault ?? 'not loaded' };
    const { instance, state, reason } = slot;
    if (!instance || instance.state.isReady) return { name, version, state, reason };
    return { name, version, state: 'UNAVAILABLE', reason: instance.state.reason };
  });
}
