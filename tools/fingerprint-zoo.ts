// Writes the fingerprint of each network's weights into its entry of graphs/zoo, by which it is recognised in other files.
// Usage: node dist/tools/fingerprint-zoo.js FOLDER   (a folder that holds the networks, perhaps in sub-folders)

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModel } from '../src/codec/node.js';
import { weightsFingerprint } from '../src/workflows/fingerprint.js';

const zoo = fileURLToPath(new URL('../../graphs/zoo/', import.meta.url));
const [, , from] = process.argv;
if (!from || !existsSync(from)) throw new Error('usage: fingerprint-zoo FOLDER');
const networks = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.onnx'));
for (const name of readdirSync(zoo).filter(file => file.endsWith('.json'))) {
  const text = readFileSync(join(zoo, name), 'utf8');
  const entry = JSON.parse(text) as { sha256: string };
  const found = networks.map(path => readModel(join(from, path))).find(({ sha256 }) => sha256 === entry.sha256);
  const weights = found && weightsFingerprint(found.model);
  if (!weights) console.error(`${name}: its network is not in ${from}`);
  else
    writeFileSync(
      join(zoo, name),
      text
        .replace(/\n {2}"weights": "[^"]*",/, '')
        .replace(/(\n {2}"sha256": "[^"]*",)/, `$1\n  "weights": "${weights}",`),
    );
}
