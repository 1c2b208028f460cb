// graft validate as a user runs it: sentences, data, exit status.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { crossEntropy, ortNetworkArtifacts, trainableNetwork } from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { ortTrainingFiles } from '../../src/workflows/ort-state.js';
import { smallNetwork } from '../../tools/ort-training/cases.js';

const program = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
const graft = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });

test('graft validate tells faults in sentences and ends with 7 where there are some', t => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-validate-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const network = trainableNetwork(smallNetwork(), { trainable: ['fc.weight'] });
  const artifacts = ortNetworkArtifacts(network, { loss: crossEntropy(), optimizer: { name: 'adamw' } });
  for (const [name, bytes] of ortTrainingFiles(artifacts)) writeFileSync(join(folder, name), bytes);
  const good = graft('validate', folder);
  t.is(good.status, 0, good.stderr);
  t.regex(good.stdout, /loads in ONNX Runtime 1\.18, 1\.19\n.*nothing is wrong/);

  const { graph } = artifacts.training;
  const outputs = graph.outputs.filter(({ name }) => !name.endsWith('.accumulation.out'));
  const spoiled = encodeModel({ ...artifacts.training, graph: { ...graph, outputs } });
  writeFileSync(join(folder, 'training_model.onnx'), spoiled);
  const bad = graft('validate', folder);
  t.is(bad.status, 7);
  t.regex(bad.stdout, /training_model\.onnx: no output of the graph needs the accumulator of fc\.weight.*never learns/);
  const { stdout, status } = graft('validate', folder, '--json');
  t.is(status, 7);
  const { faults, target } = JSON.parse(stdout) as { faults: { rule: string; name: string }[]; target: string };
  t.is(target, 'ort-training');
  t.deepEqual(faults.map(({ rule, name }) => [rule, name]), [['accumulator', 'fc.weight']]); // prettier-ignore

  const none = graft('validate', join(folder, 'none'), '--json');
  t.is(none.status, 3);
  t.is((JSON.parse(none.stdout) as { error: { code: string } }).error.code, 'VALIDATE_NO_FOLDER');
});
