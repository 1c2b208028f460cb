// Side door of the bundle for Node: bundles on disk. Data files first, the manifest last: a bundle is there when its
// manifest is. Every file is checked against the size and hash in the manifest when it is read.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GraftError } from '../base/index.js';
import { readChecked, sha256, writeTogether, type DiskOptions } from '../base/node.js';
import { modelCard } from './card.js';
import { errors } from './errors.js';
import { parseManifest, type Manifest } from './manifest.js';

/** A bundle in memory. */
export interface Bundle {
  readonly folder: string;
  readonly manifest: Manifest;
  /** The SHA-256 of `manifest.json`: the identity of the bundle. */
  readonly sha256: string;
  readonly model: Uint8Array;
}

export interface WriteBundleOptions extends DiskOptions {
  /** Write over the bundle that is there. @default false */
  readonly force?: boolean;
  /** Further files, by their names. @default none */
  readonly beside?: ReadonlyMap<string, Uint8Array>;
}

/** Writes a bundle folder; nothing of it is true until `manifest.json` is there. */
export async function writeBundle(
  folder: string,
  model: Uint8Array,
  manifest: Omit<Manifest, 'files'>,
  { beside = new Map(), ...options }: WriteBundleOptions = {},
): Promise<Bundle> {
  const card = new TextEncoder().encode(modelCard(manifest));
  const files = [
    { name: 'model.onnx', content: model },
    ...[...beside].map(([name, content]) => ({ name, content })),
    { name: 'README.md', content: card },
  ];
  const whole: Manifest = {
    ...manifest,
    files: files.map(({ name, content }) => ({ name, bytes: content.length, sha256: sha256(content) })),
  };
  const contents = new Map<string, Uint8Array | string>(files.map(({ name, content }) => [name, content]));
  const text = `${JSON.stringify(whole, null, 2)}\n`;
  contents.set('manifest.json', text);
  await writeTogether(folder, contents, 'manifest.json', options);
  return { folder, manifest: whole, sha256: sha256(text), model };
}

/**
 * Reads a bundle and checks every file that its manifest names. A bundle that is being replaced just now is read once more.
 *
 * @throws BUNDLE_MISSING, BUNDLE_MANIFEST, BUNDLE_VERSION, STATE_CORRUPT where a file is not the one that was written
 */
export async function readBundle(folder: string): Promise<Bundle> {
  try {
    return await readOnce(folder);
  } catch (error) {
    if (error instanceof GraftError && error.code === 'STATE_CORRUPT') return readOnce(folder);
    throw error;
  }
}

async function readOnce(folder: string): Promise<Bundle> {
  const path = join(folder, 'manifest.json');
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw errors.MISSING({ path: folder }, cause);
  }
  const manifest = parseManifest(bytes.toString('utf8'), path);
  let model: Uint8Array | undefined;
  for (const record of manifest.files) {
    const content = await readChecked(folder, record);
    if (record.name === 'model.onnx') model = content;
  }
  return { folder, manifest, sha256: sha256(bytes), model: model! };
}
