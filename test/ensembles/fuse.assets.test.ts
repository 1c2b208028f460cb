// Published networks with heads, fused, on both runtimes: equal to their members one by one.

import { join } from 'node:path';
import test from 'ava';
import { crossEntropy, linear, mlp, servingModel, sgd, standardised, trainHead, type Head } from '../../src/artifacts/index.js'; // prettier-ignore
import { Random, tensor } from '../../src/base/index.js';
import { fuse, type Fusion } from '../../src/ensembles/index.js';
import { verify, type Model } from '../../src/graph/index.js';
import { check } from '../../src/inspect/index.js';
import type { Runtime } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import { openBackbone } from '../../src/workflows/backbone.js';
import { assets } from '../assets.js';
import { difference, outputsOf, pictures, softmax } from './pictured-members.js';

const runtimes: readonly Runtime[] = [nodeRuntime(), webRuntime()];
const classes = 5;

/** A bundle's model of a network with a random head. */
function served(name: string, head: (features: number) => Head, seed: number): Model {
  const { graph: backbone, opsets, preprocessing, pixels, features } = openBackbone(join(assets!, 'models', name));
  const { width, height } = preprocessing;
  const made = trainHead({ features, classes, head: head(features), loss: crossEntropy(), optimizer: sgd() });
  // heads begin at zero, where every answer is the same
  const random = new Random(`head ${seed}`);
  const trained = new Map(
    [...made.initialState(random)].map(([name, { shape, type }]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return [name, tensor(type as 'float32', shape, Array.from({ length: count }, () => (type === 'float32' ? 0.2 * random.normal() : 0)))]; // prettier-ignore
    }),
  );
  return servingModel({ backbone, opsets, width, height, pixels, head: head(features), trained, classes, task: 'single', temperature: 1.5 }); // prettier-ignore
}

const heads: readonly ((features: number) => Head)[] = [
  () => linear,
  features => standardised(linear, new Float32Array(features).fill(0.4), new Float32Array(features).fill(0.7)),
  () => mlp({ hidden: [8] }),
];
const networks = ['squeezenet1.1-fp32.onnx', 'mobilenetv1-0.25-224-fp32.onnx', 'squeezenet1.0-nhwc-fp32.onnx'];
const mirrored = { name: 'hflip', map: [-1, 0, 224, 0, 1, 0, 0, 0, 1] } as const;
const identity = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] } as const;

for (const runtime of assets ? runtimes : [])
  for (const [i, network] of (runtime === runtimes[0] ? networks : networks.slice(0, 1)).entries())
    test.serial(`${runtime.name}: ${network}: three heads, a mirrored one, another trunk`, async t => {
      const other = networks[(i + 1) % networks.length]!;
      const models = [...heads.map((head, seed) => served(network, head, seed)), served(other, heads[0]!, 9)];
      const members = models.map((model, m): Fusion => ({ kind: 'member', name: `m${m}`, model }));
      const views: Fusion = { kind: 'views', member: members[0]!, views: [mirrored, identity] };
      const root: Fusion = { kind: 'average', rule: 'probability', members: [...members, views] };
      const model = verify(fuse({ root, width: 224, height: 224, classes, task: 'single' }));
      check(model);
      const convolutions = (of: Model) => of.graph.nodes.filter(({ op }) => op === 'Conv').length;
      t.is(convolutions(model), convolutions(models[0]!) + convolutions(models[3]!));
      const input = pictures(2, 224);
      const turned = { ...input, bytes: new Uint8Array(input.bytes.length) };
      for (let row = 0; row < 2 * 224; row++)
        for (let x = 0; x < 224; x++)
          turned.bytes.set(
            input.bytes.subarray((row * 224 + x) * 3, (row * 224 + x) * 3 + 3),
            (row * 224 + 223 - x) * 3,
          );
      const each: Float64Array[] = [];
      for (const one of models) each.push(softmax((await outputsOf(runtime, one, input)).get('logits')!, classes));
      const seen = softmax((await outputsOf(runtime, models[0]!, turned)).get('logits')!, classes);
      const mean = seen.map((p, k) => ((p + each[0]![k]!) / 2 + each.reduce((sum, of) => sum + of[k]!, 0)) / 5);
      t.true(new Set(mean.map(p => Math.round(p * 1e4))).size > classes);
      t.true(difference((await outputsOf(runtime, model, input)).get('probabilities')!, mean) < 1e-5);
    });

test('assets', t => void t.pass(assets ? 'there' : 'not there'));
