// A disk in memory that knows what was synced: after a crash the data of files is as of their last fsync, and of the
// names made, renamed and removed since the folder's last fsync any may be lost (LevelDB's fault_injection_test).

import { basename, dirname } from 'node:path';
import type { Disk } from '../src/base/node.js';

interface FileNode {
  readonly kind: 'file';
  data: Uint8Array;
  synced: Uint8Array;
  mode: number;
}
interface FolderNode {
  readonly kind: 'folder';
  readonly names: Map<string, FileNode | FolderNode>;
  readonly synced: Map<string, FileNode | FolderNode>;
  /** Changes since the last sync; a rename is one. */
  changes: ((names: Map<string, FileNode | FolderNode>) => void)[];
}

/** A disk in memory that can crash. */
export interface ForgetfulDisk {
  readonly disk: Disk;
  /**
   * Loses what was not synced. `keeps` says of each change of a name since its folder's last sync whether it reached the
   * disk after all; data that was not synced is lost where `losesData`.
   */
  crash(keeps: () => boolean, losesData: boolean): void;
}

/** An empty disk whose root is `/`. */
export function forgetfulDisk(): ForgetfulDisk {
  const root = makeFolder();
  const find = (path: string): FileNode | FolderNode => {
    let at: FileNode | FolderNode = root;
    for (const part of path.split('/').filter(part => part !== '')) {
      const next: FileNode | FolderNode | undefined = at.kind === 'folder' ? at.names.get(part) : undefined;
      if (!next) throw failure('ENOENT', path);
      at = next;
    }
    return at;
  };
  const folder = (path: string): FolderNode => {
    const at = find(path);
    if (at.kind !== 'folder') throw failure('ENOTDIR', path);
    return at;
  };
  const file = (path: string): FileNode => {
    const at = find(path);
    if (at.kind !== 'file') throw failure('EISDIR', path);
    return at;
  };
  const change = (at: FolderNode, apply: FolderNode['changes'][number]): void => {
    apply(at.names);
    at.changes.push(apply);
  };
  const add = (path: string, node: FileNode | FolderNode): void => {
    const parent = folder(dirname(path));
    if (parent.names.has(basename(path))) throw failure('EEXIST', path);
    change(parent, names => names.set(basename(path), node));
  };

  const disk: Disk = {
    async open(path, how) {
      let node: FileNode;
      if (how === 'read') node = file(path);
      else if (how === 'append' && folder(dirname(path)).names.has(basename(path))) node = file(path);
      else add(path, (node = { kind: 'file', data: new Uint8Array(0), synced: new Uint8Array(0), mode: 0o600 }));
      return {
        async write(bytes) {
          node.data = Uint8Array.from([...node.data, ...bytes]);
          return bytes.length;
        },
        async read(into, position) {
          const part = node.data.subarray(position, position + into.length);
          into.set(part);
          return part.length;
        },
        size: async () => node.data.length,
        async truncate(size) {
          node.data = node.data.slice(0, size);
        },
        async chmod(mode) {
          node.mode = mode;
        },
        async sync() {
          node.synced = node.data;
        },
        close: () => Promise.resolve(),
      };
    },
    readFile: async path => file(path).data.slice(),
    async stat(path) {
      const at = find(path);
      if (at.kind === 'folder') return { isFile: false, isFolder: true, size: 0, mode: 0o755 };
      return { isFile: true, isFolder: false, size: at.data.length, mode: at.mode };
    },
    async rename(from, to) {
      const parent = folder(dirname(from));
      if (dirname(from) !== dirname(to)) throw failure('EXDEV', to);
      const node = file(from);
      if (parent.names.get(basename(to)) === node) return; // two names of one file: POSIX does nothing
      change(parent, names => {
        names.delete(basename(from));
        names.set(basename(to), node);
      });
    },
    link: async (from, to) => add(to, file(from)),
    async unlink(path) {
      file(path);
      change(folder(dirname(path)), names => names.delete(basename(path)));
    },
    mkdir: async path => add(path, makeFolder()),
    readdir: async path => [...folder(path).names.keys()],
    async syncFolder(path) {
      const at = folder(path);
      for (const apply of at.changes) apply(at.synced);
      at.changes = [];
    },
    freeBytes: () => Promise.resolve(Infinity),
  };
  return {
    disk,
    crash(keeps, losesData) {
      const settle = (at: FolderNode): void => {
        for (const apply of at.changes) if (keeps()) apply(at.synced);
        at.changes = [];
        at.names.clear();
        for (const [name, node] of at.synced) {
          at.names.set(name, node);
          if (node.kind === 'folder') settle(node);
          else if (losesData) node.data = node.synced;
        }
      };
      settle(root);
    },
  };
}

const makeFolder = (): FolderNode => ({ kind: 'folder', names: new Map(), synced: new Map(), changes: [] });
const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
