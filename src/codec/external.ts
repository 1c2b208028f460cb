// External data, the part that needs no file: which paths and ranges are allowed at all (the same on every system).

import { errors } from './errors.js';

/** Checks the entries of a tensor's external data; returns its relative path and range. */
export function checkExternal(
  tensor: string,
  entries: ReadonlyMap<string, string>,
): { path: string; offset: number; length: number | undefined; checksum: string | undefined } {
  const path = entries.get('location') ?? '';
  const reason = badPath(path);
  if (reason) throw errors.EXTERNAL_PATH({ tensor, path, reason });
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^[0-9]{1,16}$/.test(text)) throw errors.EXTERNAL_RANGE({ tensor, found: `${key} ${JSON.stringify(text)}` });
    return Number(text);
  };
  return { path, offset: number('offset') ?? 0, length: number('length'), checksum: entries.get('checksum') };
}

function badPath(path: string): string | undefined {
  if (!path) return 'it is empty';
  if (path.length > 1024) return 'it is longer than 1024 letters';
  if (path.includes('\u0000')) return 'it holds a NUL';
  if (path.includes('\\')) return 'it holds a backslash';
  if (path.startsWith('/')) return 'it is absolute';
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return 'it is a URL or names a drive';
  if (path.includes('_ORT_MEM_ADDR_')) return "it is onnxruntime's mark for memory";
  const parts = path.split('/');
  if (parts.some(part => part === '' || part === '.' || part === '..')) return 'it has an empty, . or .. part';
  return undefined;
}
