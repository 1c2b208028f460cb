// Bundles: what is written is read back; what was changed by hand, or is newer, is refused by name.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { modelCard } from '../../src/bundle/index.js';
import { readBundle, writeBundle } from '../../src/bundle/node.js';
import { manifest } from './manifest.js';

const model = Uint8Array.of(1, 2, 3);
const fresh = () => mkdtempSync(join(tmpdir(), 'graft-bundle-'));

test('read∘write is the same bundle, and the same bytes twice', async t => {
  const [a, b] = [fresh(), fresh()];
  await writeBundle(a, model, manifest);
  await writeBundle(b, model, manifest);
  const read = await readBundle(a);
  t.deepEqual([...read.model], [...model]);
  t.deepEqual(read.manifest.labels, manifest.labels);
  t.is(read.sha256, (await readBundle(b)).sha256);
  for (const folder of [a, b]) rmSync(folder, { recursive: true });
});

test('a changed file, a missing one and a missing bundle are told apart', async t => {
  const folder = fresh();
  await t.throwsAsync(readBundle(folder), { code: 'BUNDLE_MISSING' });
  await writeBundle(folder, model, manifest);
  await t.throwsAsync(writeBundle(folder, model, manifest), { code: 'DISK_EXISTS' });
  appendFileSync(join(folder, 'model.onnx'), 'x');
  await t.throwsAsync(readBundle(folder), { code: 'STATE_CORRUPT' });
  writeFileSync(join(folder, 'model.onnx'), Uint8Array.of(1, 2, 4));
  await t.throwsAsync(readBundle(folder), { code: 'STATE_CORRUPT' });
  rmSync(join(folder, 'model.onnx'));
  await t.throwsAsync(readBundle(folder), { code: 'STATE_CORRUPT' });
  rmSync(folder, { recursive: true });
});

test('a manifest that is none, or a newer one, is refused with the field', async t => {
  const folder = fresh();
  await writeBundle(folder, model, manifest);
  const path = join(folder, 'manifest.json');
  const text = readFileSync(path, 'utf8');
  const changed = (change: (held: Record<string, unknown>) => unknown) => {
    const held = JSON.parse(text) as Record<string, unknown>;
    change(held);
    writeFileSync(path, JSON.stringify(held));
  };
  changed(held => (held['version'] = 2));
  await t.throwsAsync(readBundle(folder), { code: 'BUNDLE_VERSION', message: /version 2/ });
  for (const field of ['format', 'task', 'labels', 'preprocessing', 'files', 'inputs', 'backbone']) {
    changed(held => (held[field] = 7));
    await t.throwsAsync(readBundle(folder), { code: 'BUNDLE_MANIFEST', message: new RegExp(field) });
  }
  changed(held => (held['files'] = [{ name: '../model.onnx', bytes: 3, sha256: '' }]));
  await t.throwsAsync(readBundle(folder), { code: 'BUNDLE_MANIFEST' });
  writeFileSync(path, '{');
  await t.throwsAsync(readBundle(folder), { code: 'BUNDLE_MANIFEST' });
  rmSync(folder, { recursive: true });
});

test('names cannot bring markup into the card', t => {
  const card = modelCard({ ...manifest, labels: ['<b>'], data: { ...manifest.data, classes: { '<b>|x': 1 } } });
  t.false(card.includes('<b>|'));
  t.true(card.includes('\\<b\\>\\|x'));
});

test('the card tells the figures that were measured, and no others', t => {
  t.false(modelCard(manifest).includes('Of all classes alike'));
  const metrics = { ...manifest.metrics, balancedAccuracy: 0.5, macroF1: 0.25, auroc: null };
  t.true(
    modelCard({ ...manifest, metrics }).includes('Of all classes alike: balanced accuracy 0.500, macro F1 0.250.'),
  );
});
