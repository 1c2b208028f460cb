// What graft export ray writes. tools/check-ray.ts runs the script on Ray and holds it to graft predict.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { sha256 } from '../../src/base/node.js';
import { exportRay, rayScript } from '../../src/workflows/export-ray.js';
import { filters } from '../../src/pictures/index.js';
import { codeOf } from '../code-of.js';
import { awkwardLabels, writeExportBundle } from './export-bundles.js';

const scratch = mkdtempSync(join(tmpdir(), 'graft-export-'));
test.after.always(() => rmSync(scratch, { recursive: true }));

test('a folder with the script, the network, and what differs from bundle to bundle as JSON', async t => {
  const bundle = join(scratch, 'run', 'bundle');
  const out = join(scratch, 'ray');
  await writeExportBundle(bundle, { members: 2 });
  const { name, files } = await exportRay(join(scratch, 'run'), { out });
  t.is(name, 'run');
  t.deepEqual(files, ['model.onnx', 'recipe.json', 'requirements.txt', 'README.md', 'predict.py']);
  const model = readFileSync(join(out, 'model.onnx'));
  t.true(model.equals(readFileSync(join(bundle, 'model.onnx'))));
  t.like(JSON.parse(readFileSync(join(out, 'recipe.json'), 'utf8')), {
    labels: awkwardLabels,
    task: 'single',
    preprocessing: { width: 4, height: 4, resize: 'shorter-side', cropFraction: 0.8, filter: 'bicubic', background: [255, 0, 9] },
    model: { file: 'model.onnx', sha256: sha256(model) },
  }); // prettier-ignore
  t.is(readFileSync(join(out, 'predict.py'), 'utf8'), rayScript);
  t.regex(readFileSync(join(out, 'README.md'), 'utf8'), /`outlier_score`/);
  t.is(await codeOf(exportRay(bundle, { out })), 'EXPORT_FOLDER');
  t.is(await codeOf(exportRay(join(bundle, 'model.onnx'), { out: join(scratch, 'none') })), 'EXPORT_BUNDLE');
  t.false(existsSync(join(scratch, 'none')));
});

test('the script knows every filter, imports nothing but what its requirements name, and keeps to 100 columns', t => {
  for (const filter of filters)
    t.true(rayScript.includes(`    "${filter}": Image.Resampling.${filter.toUpperCase()},`));
  const imported = [...rayScript.matchAll(/^\s*(?:import|from) (\w+)/gm)].map(([, name]) => name!);
  const standard = 'argparse csv glob hashlib io json math os sys time concurrent dataclasses typing __future__'.split(' '); // prettier-ignore
  const foreign = new Set(imported.filter(name => !standard.includes(name)));
  t.deepEqual([...foreign].sort(), ['PIL', 'numpy', 'onnxruntime', 'pyarrow', 'ray']);
  for (const line of rayScript.split('\n')) t.true(line.length <= 100, line);
});
