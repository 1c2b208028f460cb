// Side door of the codec for Node: models on disk. External data is opened so that no path leads out of the model's
// folder: O_NOFOLLOW and O_NONBLOCK, then fstat of the handle, then reads from that handle only.

import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { freemem } from 'node:os';
import { verify, type Model } from '../graph/index.js';
import { decodeModel, type ExternalReader, type Limits } from './decode.js';
import { errors } from './errors.js';

/** How a model file is read. */
export interface ReadOptions {
  readonly limits?: Partial<Limits>;
  /** Folders in which external data may lie behind symbolic links (the Hugging Face cache). @default none */
  readonly allowSymlinks?: readonly string[];
}

/** A model read from disk, with the hash of its file. */
export interface ModelFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly model: Model;
}

/** The largest protobuf: 2 GiB − 1. */
const maxFileBytes = 2 ** 31 - 1;

/**
 * Reads and verifies an `.onnx` file, with its external data.
 *
 * @throws ONNX_FILE_MISSING, ONNX_FILE_UNREADABLE; every PROTO_… and ONNX_… of {@link decodeModel} and `verify`
 * @example
 * const { model, sha256 } = readModel('squeezenet1.1.onnx');
 */
export function readModel(path: string, { limits, allowSymlinks = [] }: ReadOptions = {}): ModelFile {
  const bytes = readWhole(path);
  const budget = Math.min(8 * 2 ** 30, Math.max(2 ** 30, freemem() / 2));
  const external = externalReader(path, allowSymlinks);
  try {
    const model = verify(
      decodeModel(bytes, { limits: { maxTensorBytes: budget, ...limits }, external: external.read }),
    );
    return { path, bytes, sha256: createHash('sha256').update(bytes).digest('hex'), model };
  } finally {
    external.close();
  }
}

function readWhole(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) throw errors.LIMIT_BYTES({ found: size, limit: maxFileBytes });
    const buffer = readFileSync(path);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw errors.FILE_MISSING({ path }, error);
    if (code === 'EISDIR') throw errors.FILE_UNREADABLE({ path, reason: 'it is a folder' }, error);
    if (code === 'EACCES' || code === 'EPERM')
      throw errors.FILE_UNREADABLE({ path, reason: 'permission denied' }, error);
    throw error;
  }
}

/** Opens each data file once. */
function externalReader(model: string, allowed: readonly string[]): { read: ExternalReader; close: () => void } {
  const folder = resolve(dirname(model));
  const handles = new Map<string, number>();
  const real = (path: string) => {
    try {
      return realpathSync(path);
    } catch {
      return path;
    }
  };
  const roots = [real(folder), ...allowed.map(path => real(resolve(path)))];

  function open(tensor: string, path: string): number {
    const known = handles.get(path);
    if (known !== undefined) return known;
    const refuse = (reason: string, cause?: unknown) => errors.EXTERNAL_PATH({ tensor, path, reason }, cause);
    if (path === basename(model)) throw refuse('it is the model itself');
    const full = join(folder, ...path.split('/'));
    let handle: number;
    try {
      const follow = allowed.length > 0 ? 0 : constants.O_NOFOLLOW;
      handle = openSync(full, constants.O_RDONLY | follow | constants.O_NONBLOCK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw errors.EXTERNAL_MISSING({ tensor, path }, error);
      if (code === 'ELOOP') throw refuse('it is a symbolic link', error);
      throw refuse(`it cannot be opened (${code})`, error);
    }
    try {
      const stat = fstatSync(handle);
      if (!stat.isFile()) throw refuse('it is no ordinary file');
      if (stat.nlink !== 1 && allowed.length === 0) throw refuse('another name leads to the same file (a hard link)');
      const target = realpathSync(full);
      const inside = roots.slice(0, allowed.length > 0 ? undefined : 1).some(root => target.startsWith(root + sep));
      if (!inside) throw refuse('it leads out of the folder of the model');
      const there = statSync(target);
      if (there.ino !== stat.ino || there.dev !== stat.dev) throw refuse('it changed while it was opened');
    } catch (error) {
      closeSync(handle);
      throw error;
    }
    handles.set(path, handle);
    return handle;
  }

  return {
    read(tensor, path, offset, length, checksum) {
      const handle = open(tensor, path);
      const { size } = fstatSync(handle);
      const bytes = length ?? size - offset;
      if (offset + bytes > size || bytes < 0)
        throw errors.EXTERNAL_RANGE({ tensor, found: `${offset} + ${bytes} bytes of a file of ${size}` });
      const held = new Uint8Array(bytes);
      for (let at = 0; at < bytes;) {
        const n = readSync(handle, held, at, Math.min(bytes - at, 2 ** 30), offset + at);
        if (n === 0) throw errors.EXTERNAL_RANGE({ tensor, found: `the file ended at byte ${offset + at}` });
        at += n;
      }
      if (checksum !== undefined) checkSum(tensor, path, handle, size, checksum);
      return held;
    },
    close() {
      for (const handle of handles.values()) closeSync(handle);
    },
  };
}

/** The SHA-1 of the whole data file, as ONNX's external data specifies it. */
function checkSum(tensor: string, path: string, handle: number, size: number, wanted: string): void {
  const hash = createHash('sha1');
  const chunk = new Uint8Array(Math.min(size, 2 ** 22));
  for (let at = 0; at < size;) {
    const n = readSync(handle, chunk, 0, chunk.length, at);
    if (n === 0) break;
    hash.update(chunk.subarray(0, n));
    at += n;
  }
  if (hash.digest('hex') !== wanted.toLowerCase()) throw errors.EXTERNAL_CHECKSUM({ tensor, path });
}
