// The folder of a run: run.json with every option resolved, history.jsonl with one event a line, and the lock that
// keeps a second writer out.

import { readdir } from 'node:fs/promises';
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
const ours = ['run.json', 'history.jsonl', 'bundle', 'report.html', 'checkpoints', 'predictions', 'artifacts'];

/**
 * Opens a folder for a new run.
 *
 * @throws GRAFT_OUT_EXISTS where it holds a run and `force` is not set; LOCKED where another process writes it
 */
export async function openRunFolder(path: string, said: object, { force = false } = {}): Promise<RunFolder> {
  const there = await readdir(path).catch(() => [] as string[]);
  if (!force && there.some(name => ours.includes(name))) throw errors.OUT_EXISTS({ path });
  const held = await lock(path);
  try {
    await cleanLeftovers(path);
    await writeAtomically(join(path, 'run.json'), `${JSON.stringify(said, null, 2)}\n`, { force });
    await writeAtomically(join(path, 'history.jsonl'), '', { force });
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
