// Artifacts in ONNX Runtime's form: names and orders as its sources ask for, and its own training, the last build that was
// published (1.19.2, in WebAssembly), takes them and goes the same way as our graphs on the plain runtime.

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { tensor } from '../../src/base/index.js';
import {
  crossEntropy,
  networkTrainingModel,
  ortNetworkArtifacts,
  ortOptimizerModel,
  ortTrainingArtifacts,
  trainableNetwork,
  type OrtTrainingOptions,
} from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Model, type ValueInfo } from '../../src/graph/index.js';
import { microsoft, Mul, ReduceSum } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { ortTrainingFiles } from '../../src/workflows/ort-state.js';
import { cases, smallNetwork } from '../../tools/ort-training/cases.js';
import { ortTraining } from '../../tools/ort-training/runtime.js';

const own = nodeRuntime();
// dist/ lies one folder below the package
const ort = await ortTraining(fileURLToPath(new URL('..', import.meta.resolve('ort-training'))));

for (const [name, run] of cases)
  test.serial(`20 steps as our own: ${name}`, async t => {
    const { loss, parameters, moved } = await run({ ort, own, runtime: '1.19' });
    t.true(loss <= 1e-5, `losses are ${loss} apart`);
    t.true(parameters <= 1e-5, `weights are ${parameters} apart`);
    t.true(moved > 1e-4, 'it trained');
    t.log({ loss, parameters, moved });
  });

test.serial('the runtime tells which models it has no kernels for', async t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [2]);
  b.output(Mul(x, 2), 'y');
  t.is(await ort.opens(encodeModel(modelOf(b.finish()))), undefined);
  const unknown = new Builder();
  unknown.output(microsoft.Gelu(unknown.input('x', 'float32', [2])), 'y');
  const model = modelOf(unknown.finish());
  const opsets = new Map([...model.opsets, ['com.microsoft', 1]]);
  const nodes = model.graph.nodes.map(node => ({ ...node, op: node.op === 'Gelu' ? 'NoSuchOperator' : node.op }));
  t.is(typeof (await ort.opens(encodeModel({ ...model, opsets, graph: { ...model.graph, nodes } }))), 'string');
});

test.serial('a graph that adds outside of its accumulators loads, runs and learns nothing', async t => {
  const network = trainableNetwork(smallNetwork(), { trainable: ['fc.weight', 'fc.bias'] });
  const artifacts = ortNetworkArtifacts(network, { loss: crossEntropy(), optimizer: { name: 'sgd' } });
  const pictures = tensor('float32', [2, 3, 12, 12], new Float32Array(864).fill(1));
  const batch = [new Map([['pictures', pictures], ['labels', tensor('int64', [2], [1, 3])]])]; // prettier-ignore
  const initial = await ort.train(ortTrainingFiles(artifacts), []);
  const learnt = await ort.train(ortTrainingFiles(artifacts), [batch, batch]);
  t.notDeepEqual(learnt.parameters, initial.parameters);
  const { graph } = artifacts.training;
  const nodes = graph.nodes.map(node =>
    node.op === 'InPlaceAccumulatorV2' ? { ...node, op: 'Add', domain: '', inputs: node.inputs.slice(0, 2) } : node,
  );
  const outputs = graph.outputs.map(info =>
    info.name.endsWith('.accumulation.out') ? { name: info.name, type: 'float32' as const } : info,
  );
  const silent = { ...artifacts, training: { ...artifacts.training, graph: { ...graph, nodes, outputs } } };
  const still = await ort.train(ortTrainingFiles(silent), [batch, batch]);
  t.is(still.losses.length, 2);
  t.deepEqual(still.parameters, initial.parameters);
});

const told = (values: readonly ValueInfo[]) =>
  values.map(({ name, type, shape }) => `${name} ${type ?? 'sequence'} [${shape?.join(', ')}]`);

test('names, orders and nodes are those of the runtime', t => {
  const network = trainableNetwork(smallNetwork(), { trainable: ['fc.weight', 'fc.bias'] });
  const loss = crossEntropy();
  const { training, evaluation, optimizer, checkpointVersion, frozen } = ortNetworkArtifacts(network, {
    loss,
    optimizer: { name: 'adamw', form: 'transformers', weightDecay: 0, epsilon: 1e-6 },
    frozen: ['conv3.bias'],
    runtime: '1.17',
  });
  const fed = [
    'pictures float32 [batch, 3, 12, 12]',
    'labels int64 [batch]',
    'fc.weight float32 [4, 12]',
    'fc.bias float32 [4]',
    'conv3.bias float32 [12]',
  ];
  t.deepEqual(told(training.graph.inputs), [
    ...fed,
    'fc.weight_grad.accumulation.buffer float32 [4, 12]',
    'fc.bias_grad.accumulation.buffer float32 [4]',
    'lazy_reset_grad bool [1]',
  ]);
  t.deepEqual(told(training.graph.outputs), [
    'loss float32 []',
    'logits float32 [batch, 4]',
    'fc.weight_grad.accumulation.out bool [1]',
    'fc.bias_grad.accumulation.out bool [1]',
  ]);
  t.deepEqual(told(evaluation.graph.inputs), fed);
  t.false(training.graph.initializers.has('conv3.bias'));
  t.deepEqual([...frozen.keys()], ['conv3.bias']);
  const other = training.graph.nodes.filter(({ domain }) => domain !== '');
  t.deepEqual(
    other.map(({ op, inputs }) => [op, ...inputs]),
    ['fc.weight', 'fc.bias'].map(name => [
      'InPlaceAccumulatorV2',
      `${name}_grad.accumulation.buffer`,
      `${name}_grad`,
      'lazy_reset_grad',
    ]),
  );
  t.deepEqual(told(optimizer.graph.inputs), [
    'learning_rate float32 [1]',
    'step int64 [1]',
    'params sequence [undefined]',
    'gradients sequence [undefined]',
    'first_order_moments sequence [undefined]',
    'second_order_moments sequence [undefined]',
  ]);
  t.deepEqual(told(optimizer.graph.outputs), ['updated_flag bool [1]']);
  const [node] = optimizer.graph.nodes;
  t.deepEqual(
    [...node!.attributes].map(([name, { value }]) => [name, value]),
    [
      ['alpha', 0.9],
      ['beta', 0.999],
      ['epsilon', 1e-6],
      ['weight_decay', 0],
      ['adam_mode', 1],
      ['correct_bias', 1],
    ],
  );
  t.is(checkpointVersion, 1);
  t.is(ortOptimizerModel({ name: 'sgd' }).graph.outputs[0]!.shape!.length, 0, 'declared [1], it is refused');
});

/** y = w · x; the gradient is that of the sum. */
function tiny(input = 'x', weight = 'w'): OrtTrainingOptions {
  const make = (withGradient: boolean): Model => {
    const b = new Builder();
    const x = b.input(input, 'float32', ['batch', 2]);
    const w = b.input(weight, 'float32', [2]);
    b.output(ReduceSum(Mul(x, w), undefined, { keepdims: 0 }), 'loss');
    if (withGradient) b.output(ReduceSum(x, [0], { keepdims: 0 }), `${weight}_grad`);
    return modelOf(b.finish());
  };
  return {
    training: make(true),
    evaluation: make(false),
    parameters: new Map([[weight, tensor('float32', [2], [1, 2])]]),
    optimizer: { name: 'sgd' },
  };
}

test('what the runtime would take for something else is refused', t => {
  t.notThrows(() => ortTrainingArtifacts(tiny()));
  for (const name of ['x_grad', 'x_grad.accumulation.buffer', 'lazy_reset_grad'])
    t.throws(() => ortTrainingArtifacts(tiny(name)), { code: 'ORT_TRAINING_NAME' }, name);
  const { training, ...rest } = tiny();
  const output = (name: string): Model => {
    const { graph } = training;
    return { ...training, graph: { ...graph, outputs: [...graph.outputs, { name, type: 'float32', shape: [] }] } };
  };
  t.throws(() => ortTrainingArtifacts({ ...rest, training: output('y_grad') }), { code: 'ORT_TRAINING_NAME' });
});

test('graphs, weights and names must fit', t => {
  const good = tiny();
  const refused = (change: Partial<OrtTrainingOptions>, message: RegExp) =>
    t.throws(() => ortTrainingArtifacts({ ...good, ...change }), { code: 'ORT_TRAINING_MODEL', message });
  const of = (name: string, shape: readonly number[]) =>
    new Map([[name, tensor('float32', shape, new Float32Array(shape[0]!))]]);
  refused({ parameters: of('v', [2]) }, /v: it is no input/);
  refused({ parameters: of('w', [3]) }, /it is \[3\], the input is \[2\]/);
  refused({ parameters: new Map([['w', tensor('float64', [2], [1, 2])]]) }, /float64/);
  refused({ training: good.evaluation }, /there is no output w_grad/);
  refused({ frozen: ['v'] }, /no weight of the graphs/);
  const { graph } = good.training;
  const last = { ...good.training, graph: { ...graph, outputs: [...graph.outputs].reverse() } };
  t.throws(() => ortTrainingArtifacts({ ...good, training: { ...last, graph: { ...last.graph, outputs: last.graph.outputs.filter(({ name }) => name !== 'loss') } } }), { code: 'ORT_TRAINING_MODEL', message: /must be the loss/ }); // prettier-ignore
});

test('what it cannot do is said: statistics, optimizers, dialects', t => {
  const network = trainableNetwork(smallNetwork(), { trainable: ['fc.weight'] });
  const statistic = { name: 'mean', shape: [1], initial: tensor('float32', [1], [0]), next: 'mean.next' };
  const options = { loss: crossEntropy(), optimizer: { name: 'sgd' } } as const;
  t.throws(() => ortNetworkArtifacts({ ...network, statistics: [statistic] }, options), {
    code: 'ORT_TRAINING_STATISTICS',
    message: /mean/,
  });
  const slowed = network.parameters.map(parameter => ({ ...parameter, factor: 0.5 }));
  t.throws(() => ortNetworkArtifacts({ ...network, parameters: slowed }, options), {
    code: 'ORT_TRAINING_OPTIMIZER',
    message: /a rate of its own for fc\.weight/,
  });
  t.throws(() => ortOptimizerModel({ name: 'adamw', beta1: 1 }), { code: 'ORT_TRAINING_OPTIMIZER', message: /beta1/ });
  t.throws(() => ortOptimizerModel({ name: 'adamw', epsilon: NaN }), { code: 'ORT_TRAINING_OPTIMIZER' });
  t.throws(() => ortOptimizerModel({ name: 'sgd' }, { clip: 0 }), { code: 'ORT_TRAINING_OPTIMIZER' });
  const good = tiny();
  const newer = { ...good, training: { ...good.training, opsets: new Map([['', 21]]) } };
  t.throws(() => ortTrainingArtifacts({ ...newer, runtime: '1.17' }), {
    code: 'ORT_TRAINING_VERSION',
    message: /1\.17 loads opsets up to 20, the graph has 21/,
  });
  t.notThrows(() => ortTrainingArtifacts({ ...newer, runtime: '1.18' }));
  const later = { ...good, training: { ...good.training, irVersion: 11 } };
  t.throws(() => ortTrainingArtifacts(later), { code: 'ORT_TRAINING_VERSION', message: /IR versions up to 10/ });
});

test('the plain graph is left as it was', t => {
  const network = trainableNetwork(smallNetwork(), { trainable: ['fc.weight'] });
  const plain = networkTrainingModel(network, crossEntropy());
  const before = encodeModel(plain);
  const parameters = new Map(network.parameters.map(({ name, initial }) => [name, initial]));
  ortTrainingArtifacts({ training: plain, evaluation: plain, parameters, optimizer: { name: 'sgd' } });
  t.deepEqual(encodeModel(plain), before);
});
