// Looks at a folder again when the system tells of a change in it, and at fixed times beside that, since not every file
// system tells. Several changes at once are one look; looks never overlap.

import { watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

/** Milliseconds that pass between a change and the look. */
const settling = 100;

export interface WatchOptions {
  /** Milliseconds between looks that nobody asked for. */
  readonly pollMs: number;
  /**
   * Looks. It answers with the folders below that are to be watched too, and whether it wants to look again soon.
   */
  readonly look: () => Promise<{ readonly folders: readonly string[]; readonly again: boolean }>;
  /** What a look threw. */
  readonly failed: (error: unknown) => void;
}

/** A watch that goes on. */
export interface Watch {
  /** Ends it; a look that has begun is waited for. */
  close(): Promise<void>;
}

export function watchFolder(folder: string, { pollMs, look, failed }: WatchOptions): Watch {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let at = Infinity;
  let looking: Promise<void> | undefined;
  let isClosed = false;

  /** Whether a folder is watched that was not: what changed in it before was not told. */
  const follow = (wanted: ReadonlySet<string>): boolean => {
    for (const [path, watcher] of watchers)
      if (!wanted.has(path)) {
        watcher.close();
        watchers.delete(path);
      }
    const fresh = [...wanted].filter(path => !watchers.has(path));
    return fresh.map(begin).includes(true);
  };
  const begin = (path: string): boolean => {
    const drop = (): void => {
      watchers.get(path)?.close();
      watchers.delete(path);
    };
    try {
      const watcher = watch(path, { persistent: false }, event => {
        // a folder that was moved away or removed is not the one of this name any more
        if (event === 'rename' && path !== folder) drop();
        plan(settling);
      });
      watcher.on('error', drop);
      watchers.set(path, watcher);
      return true;
    } catch {
      // gone, or no more watchers to be had: looks at fixed times find its changes
      return false;
    }
  };
  const plan = (ms: number): void => {
    const wanted = performance.now() + ms;
    if (isClosed || wanted >= at) return;
    clearTimeout(timer);
    at = wanted;
    timer = setTimeout(start, ms).unref();
  };
  const start = (): void => {
    at = Infinity;
    if (looking) {
      plan(settling);
      return;
    }
    looking = once().finally(() => {
      looking = undefined;
      plan(pollMs);
    });
  };
  const once = async (): Promise<void> => {
    try {
      const { folders, again } = await look();
      if (isClosed) return;
      const isFresh = follow(new Set([folder, ...folders.map(path => join(folder, path))]));
      if (again || isFresh) plan(2 * settling);
    } catch (error) {
      failed(error);
    }
  };

  begin(folder);
  plan(settling);
  return {
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      follow(new Set());
      await looking;
    },
  };
}
