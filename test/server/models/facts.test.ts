import { join } from 'node:path';
import test from 'ava';
import { openServable } from '../../../src/serving.js';
import { factsOf } from '../../../src/server/models/facts.js';
import { pictureBundle, temporary } from '../networks.js';

const options = { name: 'ens', version: '3', maxBatch: 16, config: { queue: 4 } };
const signatures = { inputs: [], outputs: [], canBatch: true, explains: false };

test('an ensemble in one network says its members, weights, calibration and sets', async t => {
  const folder = join(temporary(), 'pic');
  await pictureBundle(folder, { classes: 2 });
  const { manifest, sha256 } = await openServable(folder);
  const members = [{ name: 'a', sha256: '0'.repeat(64), weight: 0.75 }, { name: 'b', sha256: '1'.repeat(64) }]; // prettier-ignore
  const ensemble = { recipe: {}, members, calibration: { kind: 'temperature', temperature: 2 }, sets: { kind: 'threshold', coverage: 0.9, threshold: 0.8 }, comparison: [] }; // prettier-ignore
  const rungs = [{ members: ['a'], weights: [1], milliseconds: 2 }];
  const facts = factsOf(
    { ...signatures, sha256, manifest: { ...manifest!, ensemble }, rungs, explains: true },
    options,
  );
  t.like(facts, { name: 'ens', version: '3', platform: 'graft_ensemble', maxBatch: 16, sha256, task: 'single', calibration: ensemble.calibration, sets: ensemble.sets, explains: true, config: { queue: 4 } }); // prettier-ignore
  t.deepEqual(facts.members, [{ name: 'a', weight: 0.75 }, { name: 'b' }]);
  t.deepEqual(facts.rungs, rungs);
  const plain = factsOf({ ...signatures, sha256, canBatch: false }, options);
  t.deepEqual(plain, { ...options, inputs: [], outputs: [], maxBatch: 0, sha256, platform: 'onnx_onnxv1' });
});

test('members without weights of their own have the shares of the recipe', async t => {
  const folder = join(temporary(), 'pic');
  await pictureBundle(folder, { classes: 2 });
  const { manifest, sha256 } = await openServable(folder);
  const names = ['a', 'b', 'c'];
  const members = names.map((name, i) => ({ name, sha256: String(i).repeat(64) }));
  const [a, b, c] = members.map(({ name: member, sha256: hash }) => ({ op: 'member', member, sha256: hash }));
  const weightsOf = (root: unknown) => {
    const ensemble = { recipe: { version: 1, root }, members, calibration: { kind: 'none' }, comparison: [] };
    const facts = factsOf({ ...signatures, sha256, manifest: { ...manifest!, ensemble } }, options);
    t.deepEqual(facts.members!.map(({ name }) => name), names); // prettier-ignore
    return facts.members!.map(({ weight }) => weight);
  };
  t.deepEqual(weightsOf({ op: 'average', members: [a, b, c] }), [1 / 3, 1 / 3, 1 / 3]);
  t.deepEqual(weightsOf({ op: 'average', members: [{ op: 'average', members: [a, b], weights: [3, 1] }, c] }), [0.375, 0.125, 0.5]); // prettier-ignore
  const none = [undefined, undefined, undefined];
  t.deepEqual(weightsOf({ op: 'stack', members: [a, b, c] }), none, 'a stack has no shares');
  t.deepEqual(weightsOf({ op: 'average', members: [a, b] }), none, 'another number of leaves');
  t.deepEqual(weightsOf({ op: 'unheard of' }), none);
});
