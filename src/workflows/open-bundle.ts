// A bundle that is going to be run: its files are those of the manifest, and its network has passed our own reader.

import { readBundle, type Bundle } from '../bundle/node.js';
import { decodeModel } from '../codec/index.js';
import { verify } from '../graph/index.js';
import { check } from '../inspect/index.js';

/**
 * Reads a bundle and checks its network as a network from anywhere would be.
 *
 * @throws BUNDLE_…, STATE_CORRUPT, PROTO_…, ONNX_…
 */
export async function openBundle(folder: string): Promise<Bundle> {
  const bundle = await readBundle(folder);
  check(verify(decodeModel(bundle.model)));
  return bundle;
}
