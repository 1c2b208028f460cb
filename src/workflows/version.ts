// The version of the package, from its own package.json.

import { readFileSync } from 'node:fs';

/** The version of onnx-graft, such as `0.1.0`. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** What a run was made by. */
export const versionsOf = (runtime: { readonly name: string }) => ({
  'onnx-graft': version,
  runtime: runtime.name,
  node: process.version,
});
