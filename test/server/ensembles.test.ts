// An ensemble that is one network, as it is served: its members in both kinds of answers, and cheaper ways where time is
// short.

import test from 'ava';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { combine, heads } from '../workflows/ensemble-runs.js';
import { startServer, type Read, type Running } from './running.js';

let at: Running;
const picture = await readFile(join(demoPictures, 'train', 'dots', 'dots-03.jpg'));
test.before(async () => {
  const { bundle } = await combine(await heads([0, 1]), { combine: 'average', calibrate: 'none', views: ['hflip'] });
  at = await startServer(() => undefined, { models: [`ens=${bundle}`], deadlineMs: 60_000 });
  await at.server.started;
});
test.after.always(() => at.close());

interface Labelled {
  readonly labels: readonly { readonly index: number; readonly score: number }[];
}
interface Prediction extends Labelled {
  readonly members: readonly (Labelled & { readonly name: string })[];
}
const predictionOf = ({ json }: Read) => (json['predictions'] as readonly Prediction[])[0]!;
const scoresOf = ({ labels }: Labelled): number[] => [...labels].sort((a, b) => a.index - b.index).map(({ score }) => score); // prettier-ignore
const names = ['1', '1#hflip', '2', '2#hflip'];
/** Names without the folder that the runs lie in. */
const told = (members: readonly { readonly name: string }[]): string[] =>
  members.map(({ name }) => name.split('/').at(-1)!);

function isMean(
  t: { true(is: boolean, why?: string): void },
  whole: readonly number[],
  parts: readonly (readonly number[])[],
): void {
  whole.forEach((score, k) => {
    const mean = parts.reduce((sum, part) => sum + part[k]! / parts.length, 0);
    t.true(Math.abs(score - mean) < 1e-6, `${score}, the mean is ${mean}`);
  });
}

test('pictures: members with names, whose mean is the answer', async t => {
  const { json } = await at.get(t, '/v2/models/ens');
  const { members, rungs } = json['parameters'] as { members: { name: string }[]; rungs: { members: string[] }[] };
  t.deepEqual(told(members), names); // prettier-ignore
  t.deepEqual(rungs.map(one => told(one.members.map(name => ({ name })))), [names, ['1', '2']]); // prettier-ignore
  const answer = await at.post(t, '/v1/models/ens/predict?members=1', new Uint8Array(picture), { 'content-type': 'image/jpeg' }); // prettier-ignore
  t.is(answer.status, 200, answer.text);
  const prediction = predictionOf(answer);
  t.deepEqual(told(prediction.members), names); // prettier-ignore
  isMean(t, scoresOf(prediction), prediction.members.map(scoresOf)); // prettier-ignore
  const plain = await at.post(t, '/v1/models/ens/predict', new Uint8Array(picture), { 'content-type': 'image/jpeg' });
  t.is(predictionOf(plain).members, undefined as never);
});

test('a deadline: fewer members, said, and those that are left by name', async t => {
  // so many that the whole takes more than that
  const images = Array.from({ length: 30 }, () => ({ b64: picture.toString('base64') }));
  const answer = await at.post(t, '/v1/models/ens/predict?members=1&deadline_ms=1', { images });
  t.like(answer.json, { degraded: true, degraded_reason: 'deadline' });
  t.deepEqual(told((answer.json['missing_members'] as string[]).map(name => ({ name }))), ['1#hflip', '2#hflip']);
  const prediction = predictionOf(answer);
  t.deepEqual(told(prediction.members), ['1', '2']); // prettier-ignore
  isMean(t, scoresOf(prediction), prediction.members.map(scoresOf)); // prettier-ignore
});

test('tensors: what each member gave, whatever outputs are asked for', async t => {
  const inputs = [{ name: 'pictures', datatype: 'UINT8', shape: [2, 32, 32, 3], data: Array.from({ length: 6144 }, (_, i) => (i * 7) % 256) }]; // prettier-ignore
  interface Output {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: readonly number[];
  }
  for (const outputs of [undefined, [{ name: 'probabilities' }]]) {
    const { json, text } = await at.infer(t, 'ens', { inputs, outputs, parameters: { graft_members: true } });
    const members = json['graft_members'] as readonly { name: string; outputs: readonly Output[] }[];
    t.truthy(members, text.slice(0, 300));
    t.deepEqual(told(members), names); // prettier-ignore
    const given = json['outputs'] as readonly Output[];
    if (outputs) t.deepEqual(given.map(({ name }) => name), ['probabilities']); // prettier-ignore
    const whole = given.find(({ name }) => name === 'probabilities')!;
    for (const member of members) t.deepEqual(member.outputs.map(({ name, shape }) => [name, shape]), [['probabilities', whole.shape]]); // prettier-ignore
    isMean(t, whole.data, members.map(member => member.outputs[0]!.data)); // prettier-ignore
  }
  const { json } = await at.infer(t, 'ens', { inputs });
  t.is(json['graft_members'], undefined);
  const degraded = await at.infer(t, 'ens', { inputs, parameters: { graft_members: true, graft_deadline_ms: 0.001 } });
  t.like(degraded.json['parameters'], { graft_degraded: 'deadline' });
  t.deepEqual(told(degraded.json['graft_members'] as { name: string }[]), ['1', '2']); // prettier-ignore
});
