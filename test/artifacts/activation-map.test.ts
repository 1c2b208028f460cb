// Class activation maps against what they promise: their mean is the logit but for a constant, Grad-CAM of a linear head
// is CAM, and α of Selvaraju's formula is the sum of gradients, by hand for a head of two layers.

import test from 'ava';
import { elements, floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { activationMapModel, linear, mlp, servingModel, standardised, type Head } from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Graph, type Model, type Value } from '../../src/graph/index.js';
import { inspectModel, spatialMapsOf, wiringOf } from '../../src/inspect/index.js';
import { Add, Conv, Flatten, GlobalMaxPool, ReduceSum, Relu } from '../../src/operators/index.js';
import { inferShapes } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { codeOf } from '../code-of.js';

const runtime = nodeRuntime();
const random = new Random('activation');
const drawn = (shape: readonly number[]): Tensor =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
const [F, K, height, width] = [4, 3, 6, 10];

/** x [N, 3, 6, 10] → Conv, Relu [N, 4, 3, 5], and what lies behind. */
function backbone(behind: (map: Value) => Value = x => x): Graph {
  const builder = new Builder('backbone');
  const x = builder.input('x', 'float32', ['N', 3, height, width]);
  const kernel = builder.parameter('kernel', drawn([F, 3, 3, 3]));
  builder.output(behind(Relu(Conv(x, kernel, undefined, { strides: [2, 2], pads: [1, 1, 1, 1] }))), 'y');
  return builder.finish();
}

const trained = new Map<string, Tensor>([
  ['head.weight', drawn([K, F])],
  ['head.bias', drawn([K])],
]);
const hidden = new Map<string, Tensor>([
  ['head.0.weight', drawn([5, F])],
  ['head.0.bias', drawn([5])],
  ['head.weight', drawn([K, 5])],
  ['head.bias', drawn([K])],
]);
const pixels = { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0.5], std: [0.5] } as const;
const serve = (head: Head, graph = backbone(), weights: ReadonlyMap<string, Tensor> = trained): Model =>
  inferShapes(
    servingModel({ backbone: graph, width, height, pixels, head, trained: weights, classes: K, task: 'single', temperature: 2 }),
  ); // prettier-ignore

const mapsOf = (model: Model, target = 'logits') =>
  spatialMapsOf(wiringOf(model.graph, inspectModel(model).facts), target);
const pictures = Uint8Array.from({ length: 2 * height * width * 3 }, () => random.integer(256));

/** Runs it for the same class of two pictures. */
async function run(model: Model, seed: number): Promise<(name: string) => Float32Array> {
  const session = await runtime.open(encodeModel(model));
  const seeds = Float32Array.from({ length: 2 * K }, (_, i) => (i % K === seed ? 1 : 0));
  const all = new Map([
    ['pictures', runtime.tensor(tensor('uint8', [2, height, width, 3], pictures))],
    ['seeds', runtime.tensor(tensor('float32', [2, K], seeds))],
  ]);
  const feeds = new Map([...all].filter(([name]) => session.inputs.includes(name)));
  const results = await session.run(feeds, [...session.outputs]);
  const read = new Map<string, Float32Array>();
  for (const [name, held] of results) read.set(name, floats(await held.read()).slice());
  await session.close();
  return name => read.get(name)!;
}
const mean = (list: Float32Array) => list.reduce((a, b) => a + b, 0) / list.length;
const near = (a: number, b: number, size = 1) => Math.abs(a - b) < 2e-5 * (1 + Math.abs(b) + size);

test('CAM of a linear head: its mean is the logit but for the bias', async t => {
  const model = serve(linear);
  const [map, ...more] = mapsOf(model);
  t.is(more.length, 0);
  const { model: explaining, method } = activationMapModel(model, { maps: [map!], target: 'logits' });
  t.is(method, 'cam');
  const bias = elements(trained.get('head.bias')!) as Float32Array;
  for (let k = 0; k < K; k++) {
    const got = await run(explaining, k);
    for (let n = 0; n < 2; n++)
      t.true(near(mean(got('heat0').slice(n * 15, (n + 1) * 15)), got('scores')[n * K + k]! - bias[k]!));
  }
});

test('CAM is map times head weights, with the standardisation before the head inside', async t => {
  const [means, deviations] = [[0.3, 1, 2, 0.1], [0.5, 2, 1, 4]]; // prettier-ignore
  const model = serve(standardised(linear, means, deviations));
  const [map] = mapsOf(model);
  const { model: explaining, method } = activationMapModel(model, { maps: [map!], target: 'logits' });
  t.is(method, 'cam');
  const served = {
    ...model,
    graph: { ...model.graph, outputs: [...model.graph.outputs, model.graph.values.get(map!.value)!] },
  };
  const plain = await run(served, 0);
  const got = await run(explaining, 1);
  const weights = elements(trained.get('head.weight')!) as Float32Array;
  for (let n = 0; n < 2; n++)
    for (let p = 0; p < 15; p++) {
      let sum = 0;
      for (let c = 0; c < F; c++) sum += (plain(map!.value)[(n * F + c) * 15 + p]! * weights[F + c]!) / deviations[c]!;
      t.true(near(got('heat0')[n * 15 + p]!, sum));
    }
  // what is explained is what is served
  t.deepEqual(got('scores'), plain('logits'));
});

test('a map that is kept whole is read place by place, and still adds up', async t => {
  const graph = backbone(Flatten);
  const weights = new Map([['head.weight', drawn([K, F * 15])], ['head.bias', drawn([K])]]); // prettier-ignore
  const model = serve(linear, graph, weights);
  const { model: explaining, method } = activationMapModel(model, { maps: mapsOf(model), target: 'logits' });
  t.is(method, 'cam');
  const got = await run(explaining, 2);
  const bias = elements(weights.get('head.bias')!) as Float32Array;
  for (let n = 0; n < 2; n++)
    t.true(near(mean(got('heat0').slice(n * 15, (n + 1) * 15)), got('scores')[n * K + 2]! - bias[2]!, 10));
});

test('Grad-CAM of a linear head on averaged maps is CAM', async t => {
  const graph = backbone();
  // far above 0 a Relu changes no gradient, but what lies behind the map is linear no more
  const heads: Head[] = [linear, (features, at) => Relu(Add(linear(features, at), 100))];
  const both = heads.map(head => {
    const model = serve(head, graph);
    return activationMapModel(model, { maps: mapsOf(model), target: 'logits' });
  });
  t.deepEqual(
    both.map(({ method }) => method),
    ['cam', 'grad-cam'],
  );
  const [cam, gradCam] = [await run(both[0]!.model, 1), await run(both[1]!.model, 1)];
  t.true(gradCam('heat0').every((value, i) => near(value, cam('heat0')[i]!)));
  t.true(cam('heat0').some(value => Math.abs(value) > 0.1));
});

test('Grad-CAM of two layers, by hand', async t => {
  const model = serve(mlp({ hidden: [5] }), backbone(), hidden);
  const [map] = mapsOf(model);
  const { model: explaining, method } = activationMapModel(model, { maps: [map!], target: 'logits' });
  t.is(method, 'grad-cam');
  const info = model.graph.values.get(map!.value)!;
  const plain = await run({ ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, info] } }, 0);
  const got = await run(explaining, 0);
  const [w, w0, b0] = ['head.weight', 'head.0.weight', 'head.0.bias'].map(
    name => elements(hidden.get(name)!) as Float32Array,
  ) as [Float32Array, Float32Array, Float32Array];
  for (let n = 0; n < 2; n++) {
    const a = plain(map!.value).slice(n * F * 15, (n + 1) * F * 15);
    const f = Array.from({ length: F }, (_, c) => mean(a.slice(c * 15, (c + 1) * 15)));
    // α_c = Σ_p dz / dA_cp = dz / df_c = Σ_j w_0j · [hidden_j > 0] · w0_jc
    const isOn = Array.from(
      { length: 5 },
      (_, j) => f.reduce((sum, value, c) => sum + value * w0[j * F + c]!, b0[j]!) > 0,
    );
    const alpha = f.map((_, c) => isOn.reduce((sum, on, j) => sum + (on ? w[j]! * w0[j * F + c]! : 0), 0));
    for (let p = 0; p < 15; p++) {
      const heat = alpha.reduce((sum, value, c) => sum + value * a[c * 15 + p]!, 0);
      t.true(near(got('heat0')[n * 15 + p]!, heat));
    }
  }
});

test('a maximum over the map gives all its heat to one place', async t => {
  const model = serve(linear, backbone(GlobalMaxPool));
  const { model: explaining, method } = activationMapModel(model, { maps: mapsOf(model), target: 'logits' });
  t.is(method, 'grad-cam');
  const heat = (await run(explaining, 0))('heat0');
  t.true(heat.some(value => value !== 0));
});

test('refused: a value of no scores, and one that lies before the maps', async t => {
  const model = serve(linear);
  const maps = mapsOf(model);
  const code = (target: string) => codeOf(Promise.resolve().then(() => activationMapModel(model, { maps, target })));
  t.is(await code('logits'), 'done');
  t.is(await code(model.metadata.get('entrance')!), 'ARTIFACTS_NO_PATH');
  const graph = builderOf(model).finish();
  t.is(await codeOf(Promise.resolve().then(() => activationMapModel(inferShapes(modelOf(graph)), { maps, target: 'sum' }))), 'ARTIFACTS_LOGITS'); // prettier-ignore
});

/** The model with the sum of its logits, [N], as an output. */
function builderOf(model: Model): Builder {
  const builder = Builder.from(model.graph);
  builder.output(ReduceSum(builder.value('logits'), [1], { keepdims: 0 }), 'sum');
  return builder;
}
