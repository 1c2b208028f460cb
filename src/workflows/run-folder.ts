// The folder of a run: run.json with every option resolved, history.jsonl with one event a line, and the lock that
// keeps a second writer out.

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { appendLine, cleanLeftovers, lock, writeAtomically } from '../base/node.js';
import { errors } from './errors.js';

/** A run's folder, locked. Release it in `finally`. */
export interface RunFolder {
  readonly path: string;
  /** Adds an event to `history.jsonl`. */
  record(event: Readonly<Record<string, unknown>>): Promise<void>;
  release(): Promise<void>;
}

/** What is in a run folder that a new run would write over. */
const ours = [
  'run.json',
  'history.jsonl',
  'bundle',
  'report.html',
  'checkpoints',
  'predictions',
  'artifacts',
  'members',
];

export interface RunFolderOptions {
  /** Write over a run that is there. @default false */
  readonly force?: boolean;
  /** Go on with the run that is there. @default false */
  readonly resume?: boolean;
}

/**
 * Opens a folder for a run.
 *
 * @param said what decides the run; a resumed one must have been begun with the same
 * @throws GRAFT_OUT_EXISTS where it holds a run and neither `force` nor `resume` is set; GRAFT_NO_RUN, GRAFT_OTHER_OPTIONS;
 *   LOCKED where another process writes it
 */
export async function openRunFolder(
  path: string,
  said: object,
  { force = false, resume = false }: RunFolderOptions = {},
): Promise<RunFolder> {
  const there = await readdir(path).catch(() => [] as string[]);
  if (resume && !there.includes('run.json')) throw errors.NO_RUN({ path });
  if (!force && !resume && there.some(name => ours.includes(name))) throw errors.OUT_EXISTS({ path });
  const held = await lock(path);
  try {
    await cleanLeftovers(path);
    if (resume) await sameRun(path, said);
    else {
      await rm(join(path, 'checkpoints'), { recursive: true, force: true });
      await writeAtomically(join(path, 'run.json'), `${JSON.stringify(said, null, 2)}\n`, { force });
      await writeAtomically(join(path, 'history.jsonl'), '', { force });
    }
  } catch (error) {
    await held.release();
    throw error;
  }
  return {
    path,
    record: event => appendLine(join(path, 'history.jsonl'), JSON.stringify(event)),
    release: () => held.release(),
  };
}

/** Holds a run that is resumed to the options it was begun with. */
async function sameRun(path: string, said: object): Promise<void> {
  const begun = JSON.parse(await readFile(join(path, 'run.json'), 'utf8')) as Record<string, unknown>;
  const now = JSON.parse(JSON.stringify(said)) as Record<string, unknown>;
  const flat = (value: unknown, at = ''): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, inner]) => flat(inner, at ? `${at}.${key}` : key))
      : [[at, JSON.stringify(value)]];
  const before = new Map(flat(begun));
  const after = new Map(flat(now));
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    const [wanted, found] = [before.get(field) ?? 'nothing', after.get(field) ?? 'nothing'];
    if (wanted !== found) throw errors.OTHER_OPTIONS({ path, field, found, wanted });
  }
}
