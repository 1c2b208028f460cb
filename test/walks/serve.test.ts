// From pictures to answers over HTTP: train, serve, predict; a better version put beside it is taken up; the end is in order.

import { execFile } from 'node:child_process';
import { cpSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { until } from '../until.js';
import { startProcess } from '../server/process.js';
import { temporary, writeNetwork, writePictures } from './small-network.js';

const graft = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
const run = (...args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [graft, ...args], (error, out, err) => {
      if (error) reject(new Error(`${out}${err}`, { cause: error }));
      else resolve(out);
    });
  });

interface Labelled {
  readonly label: string;
  readonly probabilities: readonly number[];
}

test('train, serve, predict, replace, drain', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 8, 'pictures');
  const backbone = writeNetwork(folder);
  const train = async (seed: string): Promise<string> => {
    const out = join(folder, `run-${seed}`);
    const said = await run('train', pictures, '--backbone', backbone, '--out', out, '--cache', join(folder, 'cache'), '--head', 'mlp', '--hidden', '6', '--epochs', '3', '--seed', seed, '--json'); // prettier-ignore
    return (JSON.parse(said) as { bundle: string }).bundle;
  };
  const picture = join(pictures, 'red', '0.png');
  const predicted = async (bundle: string) => (JSON.parse(await run('predict', bundle, picture, '--json')) as Labelled[])[0]!; // prettier-ignore
  const repository = join(folder, 'models');
  const bundles = [await train('1'), await train('2')] as const;
  const wanted = [await predicted(bundles[0]), await predicted(bundles[1])] as const;
  t.notDeepEqual(wanted[0].probabilities, wanted[1].probabilities);

  /** A version is written under another name and moved in when it is whole. */
  const put = (bundle: string, version: string): void => {
    const half = join(repository, 'colours', `.${version}.tmp`);
    cpSync(bundle, half, { recursive: true });
    renameSync(half, join(repository, 'colours', version));
  };
  put(bundles[0], '1');
  const server = await startProcess(t, ['--repository', repository, '--watch', '--poll', '200', '--limit-drain-accept', '100']); // prettier-ignore
  const ask = async () => {
    const answer = await fetch(`${server.url}/v1/models/colours/predict`, { method: 'POST', headers: { 'content-type': 'image/png' }, body: new Uint8Array(readFileSync(picture)) }); // prettier-ignore
    t.is(answer.status, 200);
    const { model_version, predictions } = (await answer.json()) as { model_version: string; predictions: { labels: { index: number; label: string; score: number }[] }[] }; // prettier-ignore
    const { labels } = predictions[0]!;
    const probabilities = [...labels].sort((a, b) => a.index - b.index).map(({ score }) => score);
    return { version: model_version, label: labels[0]!.label, probabilities };
  };
  const said = () => `${server.out()}${server.err()}`;
  await until(async () => (await fetch(`${server.url}/v2/health/ready`)).ok, said);
  t.deepEqual(await ask(), { version: '1', label: wanted[0].label, probabilities: [...wanted[0].probabilities] });

  // answers come all along while the second is taken up
  put(bundles[1], '2');
  const versions = new Set<string>();
  await until(async () => {
    const { version, probabilities } = await ask();
    t.deepEqual(probabilities, [...wanted[Number(version) - 1]!.probabilities]);
    versions.add(version);
    return version === '2';
  }, said);
  t.deepEqual([...versions], ['1', '2']);
  server.child.kill('SIGTERM');
  t.is(await server.ended, 0);
});
