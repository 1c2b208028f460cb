// Every rule of training artifacts: a good folder has no fault, and each way of spoiling it has its own. What comes of each
// was seen in ONNX Runtime's own training; that a graph without accumulators learns nothing is in
// test/artifacts/ort-training.test.ts.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  adamw,
  crossEntropy,
  networkEvaluationModel,
  networkStepsModel,
  networkTrainingModel,
  optimizerModel,
  ortNetworkArtifacts,
  trainableNetwork,
  type OrtOptimizer,
} from '../../src/artifacts/index.js';
import { tensor, type Tensor } from '../../src/base/index.js';
import { encodeModel, encodeOrtCheckpoint, type OrtCheckpoint } from '../../src/codec/index.js';
import type { Graph, Model, Node, ValueInfo } from '../../src/graph/index.js';
import { ortCheckpointOf } from '../../src/workflows/ort-state.js';
import { writePlainArtifacts } from '../../src/workflows/plain-artifacts.js';
import { validateArtifacts } from '../../src/workflows/validate-artifacts.js';
import { smallNetwork } from '../../tools/ort-training/cases.js';

const network = trainableNetwork(smallNetwork(), { trainable: ['fc.weight', 'fc.bias'] });

interface Parts {
  readonly training: Model;
  readonly evaluation: Model;
  readonly optimizer: Model;
  readonly checkpoint: OrtCheckpoint;
}
function parts(optimizer: OrtOptimizer = { name: 'adamw' }): Parts {
  const made = ortNetworkArtifacts(network, { loss: crossEntropy(), optimizer, frozen: ['conv3.bias'] });
  return { ...made, checkpoint: ortCheckpointOf(made) };
}

/** The faults of a folder that is written, looked at and taken away again. */
function within<T>(write: (folder: string) => void, look: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'graft-validate-'));
  try {
    write(folder);
    return look(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const findings = ({ training, evaluation, optimizer, checkpoint }: Parts, prefix = '') =>
  within(folder => {
    writeFileSync(join(folder, `${prefix}training_model.onnx`), encodeModel(training));
    writeFileSync(join(folder, `${prefix}eval_model.onnx`), encodeModel(evaluation));
    writeFileSync(join(folder, `${prefix}optimizer_model.onnx`), encodeModel(optimizer));
    writeFileSync(join(folder, `${prefix}checkpoint`), encodeOrtCheckpoint(checkpoint));
  }, validateArtifacts);

const graph = (model: Model, change: (of: Graph) => Partial<Graph>): Model => ({
  ...model,
  graph: { ...model.graph, ...change(model.graph) },
});
const nodes = (model: Model, change: (node: Node) => Node | undefined): Model =>
  graph(model, of => ({ nodes: of.nodes.map(change).filter(node => node !== undefined) }));
const inputs = (model: Model, change: (inputs: readonly ValueInfo[]) => readonly ValueInfo[]): Model =>
  graph(model, of => ({ inputs: change(of.inputs) }));
const named = (name: string) => (info: ValueInfo) => info.name === name;
const swapped = (name: string) => (list: readonly ValueInfo[]) => {
  const at = list.findIndex(named(name));
  return [...list.slice(0, at), list[at + 1]!, list[at]!, ...list.slice(at + 2)];
};
const accumulator = (node: Node) => node.outputs[0] === 'fc.weight_grad.accumulation.out';

/** How a good folder is spoiled, the rule that is broken, and what is said. */
const spoiled: Readonly<Record<string, readonly [(of: Parts) => Partial<Parts>, string, RegExp]>> = {
  'no flag': [
    // what reads it reads another input, so that the graph stays whole
    ({ training }) => ({
      training: inputs(
        nodes(training, node => ({
          ...node,
          inputs: node.inputs.map(name => (name === 'lazy_reset_grad' ? 'reset' : name)),
        })),
        list => list.map(info => (info.name === 'lazy_reset_grad' ? { ...info, name: 'reset' } : info)),
      ),
    }),
    'reset-flag',
    /no input lazy_reset_grad/,
  ],
  'a flag of another type': [
    ({ training }) => ({
      training: inputs(training, list =>
        list.map(info => (info.name === 'lazy_reset_grad' ? { ...info, shape: [] } : info)),
      ),
    }),
    'reset-flag',
    /must be bool \[1\]/,
  ],
  'a parameter without a buffer': [
    ({ training }) => ({
      training: graph(
        nodes(training, node => (accumulator(node) ? undefined : node)),
        of => ({
          inputs: of.inputs.filter(({ name }) => name !== 'fc.weight_grad.accumulation.buffer'),
          outputs: of.outputs.filter(({ name }) => name !== 'fc.weight_grad.accumulation.out'),
        }),
      ),
    }),
    'buffer',
    /fc\.weight trains and has no input fc\.weight_grad\.accumulation\.buffer/,
  ],
  'a buffer of another shape': [
    ({ training }) => ({
      training: inputs(training, list =>
        list.map(info => (info.name === 'fc.bias_grad.accumulation.buffer' ? { ...info, shape: [5] } : info)),
      ),
    }),
    'buffer',
    /the buffer of fc\.bias is float32 \[5\]/,
  ],
  'a parameter that the graph does not have': [
    ({ checkpoint }) => ({
      checkpoint: {
        ...checkpoint,
        trainable: new Map<string, Tensor>([...checkpoint.trainable, ['more', tensor('float32', [1], [0])]]),
      },
    }),
    'parameter',
    /more trains in the checkpoint and is no input/,
  ],
  'a parameter of another shape': [
    ({ checkpoint }) => ({
      checkpoint: { ...checkpoint, frozen: new Map([['conv3.bias', tensor('float32', [2], [0, 0])]]) },
    }),
    'parameter',
    /the input conv3\.bias is float32 \[12\], in the checkpoint it is float32 \[2\]/,
  ],
  'Add instead of an accumulator': [
    ({ training }) => ({
      training: nodes(training, node =>
        accumulator(node) ? { ...node, op: 'Add', domain: '', inputs: node.inputs.slice(0, 2) } : node,
      ),
    }),
    'accumulator',
    /Add \(node GradientAccumulator0\) stands where InPlaceAccumulatorV2 must.*never learns/,
  ],
  'Where instead of an accumulator': [
    ({ training }) => ({
      training: nodes(training, node =>
        accumulator(node)
          ? { ...node, op: 'Where', domain: '', inputs: ['lazy_reset_grad', 'fc.weight_grad', node.inputs[0]!] }
          : node,
      ),
    }),
    'accumulator',
    /Where .*never learns/,
  ],
  'an accumulator over a copy of the buffer': [
    ({ training }) => ({
      training: graph(training, of => ({
        nodes: of.nodes.flatMap(node => {
          if (!accumulator(node)) return [node];
          const copy = { op: 'Identity', domain: '', name: 'copy', inputs: [node.inputs[0]!], outputs: ['copied'], attributes: new Map<string, never>() }; // prettier-ignore
          return [copy, { ...node, inputs: ['copied', ...node.inputs.slice(1)] }];
        }),
      })),
    }),
    'accumulator',
    /writes copied instead of its buffer.*never learns/,
  ],
  'an accumulator that no output needs': [
    ({ training }) => ({
      training: graph(training, of => ({
        outputs: of.outputs.filter(({ name }) => !name.startsWith('fc.weight_grad')),
      })),
    }),
    'accumulator',
    /no output of the graph needs the accumulator of fc\.weight/,
  ],
  'the gradient itself as an output': [
    ({ training }) => ({
      training: graph(
        nodes(training, node => (accumulator(node) ? undefined : node)),
        of => ({
          outputs: of.outputs.map(info =>
            info.name === 'fc.weight_grad.accumulation.out'
              ? { name: 'fc.weight_grad', type: 'float32' as const, shape: [4, 12] }
              : info,
          ),
          values: new Map([...of.values].filter(([name]) => name !== 'fc.weight_grad')),
        }),
      ),
    }),
    'accumulator',
    /nothing reads its buffer.*never learns/,
  ],
  'an accumulator that is never reset': [
    ({ training }) => ({
      training: nodes(training, node => (accumulator(node) ? { ...node, inputs: node.inputs.slice(0, 2) } : node)),
    }),
    'accumulator',
    /does not read lazy_reset_grad/,
  ],
  'a gradient of nothing that is fed': [
    ({ training }) => ({
      training: graph(
        nodes(training, node =>
          accumulator(node) ? { ...node, inputs: [node.inputs[0]!, 'nothing', node.inputs[2]!] } : node,
        ),
        of => ({
          initializers: new Map([...of.initializers, ['nothing', tensor('float32', [4, 12], new Float32Array(48))]]),
        }),
      ),
    }),
    'gradient',
    /depends on nothing that is fed/,
  ],
  'the gradient of another parameter': [
    ({ training }) => ({
      training: nodes(training, node =>
        accumulator(node) ? { ...node, inputs: [node.inputs[0]!, 'fc.bias_grad', node.inputs[2]!] } : node,
      ),
    }),
    'gradient',
    /the gradient of fc\.weight is float32 \[4\]/,
  ],
  'an input of the user that ends in _grad': [
    ({ training }) => ({
      training: inputs(training, list => [...list, { name: 'x_grad', type: 'float32', shape: [1] }]),
    }),
    'user-input',
    /x_grad is taken for a gradient/,
  ],
  'another output before the loss': [
    ({ training }) => ({
      training: graph(training, ({ outputs: [loss, logits, ...rest] }) => ({ outputs: [logits!, loss!, ...rest] })),
    }),
    'loss',
    /the first output, logits/,
  ],
  'evaluation with its parameters in another order': [
    ({ evaluation }) => ({ evaluation: inputs(evaluation, swapped('fc.weight')) }),
    'eval-order',
    /by their place/,
  ],
  'an optimizer with inputs in another order': [
    ({ optimizer }) => ({ optimizer: inputs(optimizer, swapped('params')) }),
    'optimizer-inputs',
    /in this order/,
  ],
  'an optimizer that takes tensors': [
    ({ optimizer }) => ({
      optimizer: inputs(optimizer, list =>
        list.map(info => (info.name === 'params' ? { name: 'params', type: 'float32', shape: [4, 12] } : info)),
      ),
    }),
    'optimizer-inputs',
    /params is float32, it must be a sequence/,
  ],
  'a step that is no int64': [
    ({ optimizer }) => ({
      optimizer: inputs(optimizer, list =>
        list.map(info => (info.name === 'step' ? { ...info, type: 'float32' } : info)),
      ),
    }),
    'optimizer-inputs',
    /must be int64 \[1\]/,
  ],
  'two optimizers': [
    ({ optimizer }) => ({
      optimizer: graph(optimizer, of => ({
        nodes: [...of.nodes, { ...of.nodes[0]!, name: 'second', outputs: ['second'] }],
      })),
    }),
    'optimizer-node',
    /2 optimizer nodes/,
  ],
  'no optimizer': [
    ({ optimizer }) => ({ optimizer: nodes(optimizer, node => ({ ...node, op: 'LambOptimizer' })) }),
    'optimizer-node',
    /no AdamWOptimizer/,
  ],
  'gradients where parameters must be': [
    ({ optimizer }) => ({
      optimizer: nodes(optimizer, node => ({
        ...node,
        inputs: node.inputs.map(name => (name === 'params' ? 'gradients' : name)),
      })),
    }),
    'optimizer-wiring',
    /input 3 of AdamWOptimizer, gradients, does not come from params/,
  ],
  "SGD's flag as a vector": [
    () => {
      const sgd = parts({ name: 'sgd' });
      return {
        optimizer: graph(sgd.optimizer, of => ({ outputs: of.outputs.map(info => ({ ...info, shape: [1] })) })),
      };
    },
    'optimizer-output',
    /must be a scalar/,
  ],
  'moments of another optimizer': [
    ({ checkpoint }) => ({
      checkpoint: {
        ...checkpoint,
        groups: [
          {
            name: 'group0',
            step: 1,
            initialLearningRate: 0,
            states: new Map([...checkpoint.trainable].map(([name, at]) => [name, new Map([['momentum0', at]])])),
          },
        ],
      },
    }),
    'moments',
    /AdamWOptimizer keeps momentum0, momentum1/,
  ],
  'a state for some parameters only': [
    ({ checkpoint }) => {
      const bias = checkpoint.trainable.get('fc.bias')!;
      const states = new Map([['fc.bias', new Map([['momentum0', bias], ['momentum1', bias]])]]); // prettier-ignore
      return { checkpoint: { ...checkpoint, groups: [{ name: 'group0', step: 1, initialLearningRate: 0, states }] } };
    },
    'moments',
    /fc\.weight trains and has no state/,
  ],
  'a dialect that no release with training loads': [
    ({ training }) => ({ training: { ...training, opsets: new Map([...training.opsets, ['', 22]]) } }),
    'runtime',
    /opset 22/,
  ],
};

const rulesOf = ({ faults }: ReturnType<typeof validateArtifacts>) => faults.map(({ rule }) => rule);

test('good folders have no fault, and say which releases load them', t => {
  const found = findings(parts());
  t.deepEqual(found.faults, []);
  t.is(found.target, 'ort-training');
  t.deepEqual(found.trainable, ['fc.weight', 'fc.bias']);
  t.deepEqual(found.frozen, ['conv3.bias']);
  t.deepEqual(found.runtimes, ['1.18', '1.19']);
  t.deepEqual(findings(parts({ name: 'sgd' })).faults, []);
  const older = parts();
  t.deepEqual(findings({ ...older, checkpoint: { ...older.checkpoint, version: 1 } }, 'net_').runtimes, ['1.17']);
});

for (const [name, [spoil, rule, message]] of Object.entries(spoiled))
  test(`spoiled: ${name}`, t => {
    const good = parts();
    const found = findings({ ...good, ...spoil(good) });
    const fault = found.faults.find(one => one.rule === rule);
    t.truthy(fault, `found ${JSON.stringify(found.faults)}`);
    t.regex(fault!.message, message);
  });

test('a parameter that is moved to the frozen ones is no fault', t => {
  const { checkpoint, ...rest } = parts();
  const [[name, weights], ...others] = [...checkpoint.trainable] as [[string, Tensor], ...[string, Tensor][]];
  const moved = {
    ...checkpoint,
    trainable: new Map(others),
    frozen: new Map([...checkpoint.frozen, [name, weights]]),
  };
  t.deepEqual(findings({ ...rest, checkpoint: moved }).faults, []);
});

test('evaluation takes the parameters that training takes', t => {
  const good = parts();
  const without = ortNetworkArtifacts(network, { loss: crossEntropy(), optimizer: { name: 'adamw' } });
  t.deepEqual(rulesOf(findings({ ...good, evaluation: without.evaluation })), ['eval-parameters']);
});

test('files that cannot be read are faults with their code', t => {
  const { training, checkpoint } = parts();
  const look = (bytes: Uint8Array | undefined) =>
    within(folder => {
      writeFileSync(join(folder, 'training_model.onnx'), encodeModel(training));
      if (bytes) writeFileSync(join(folder, 'checkpoint'), bytes);
    }, validateArtifacts).faults.map(({ file, name }) => `${file} ${name}`);
  t.deepEqual(look(encodeOrtCheckpoint(checkpoint)), []);
  t.deepEqual(look(encodeOrtCheckpoint(checkpoint).slice(0, 200)), ['checkpoint CHECKPOINT_MALFORMED']);
  t.deepEqual(look(undefined), ['checkpoint checkpoint']);
});

test('folders without artifacts are refused', t => {
  t.throws(() => validateArtifacts(join(tmpdir(), 'graft-no-such-folder')), { code: 'VALIDATE_NO_FOLDER' });
  t.throws(() => within(folder => writeFileSync(join(folder, 'a.txt'), ''), validateArtifacts), {
    code: 'VALIDATE_NO_ARTIFACTS',
    message: /found a\.txt/,
  });
});

/** A plain folder, as it is written, and what is done to it. */
async function plain(t: ExecutionContext, spoil: (folder: string) => void = () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-validate-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const optimizer = adamw();
  const loss = crossEntropy();
  const { parameters } = network;
  const state = new Map(
    parameters.flatMap(({ name, shape, initial }) => [
      [name, initial] as const,
      ...['m', 'v', 'average'].map(
        slot => [`${name}.${slot}`, tensor('float32', shape, new Float32Array(initial.bytes.length / 4))] as const,
      ),
    ]),
  );
  await writePlainArtifacts(
    folder,
    {
      training: networkTrainingModel(network, loss),
      evaluation: networkEvaluationModel(network, loss),
      optimizer: optimizerModel({ optimizer }, parameters, ['m', 'v', 'average']),
      epoch: networkStepsModel(network, { loss, optimizer, batch: 4 }),
      state,
      parameters,
      loss: 'cross-entropy',
      optimizerName: 'adamw',
    },
    { force: true },
  );
  spoil(folder);
  return validateArtifacts(folder);
}
const edited = (change: (said: Record<string, unknown>) => unknown) => (folder: string) => {
  const path = join(folder, 'artifacts.json');
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)));
};

test('a plain folder as it is written has no fault', async t => {
  const found = await plain(t);
  t.deepEqual(found.faults, []);
  t.is(found.target, 'plain');
  t.deepEqual(found.trainable, ['fc.weight', 'fc.bias']);
});

test('plain: files are those that artifacts.json names', async t => {
  const cut = await plain(t, folder => {
    const path = join(folder, 'eval_model.onnx');
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    rmSync(join(folder, 'optimizer_model.onnx'));
  });
  const about = cut.faults.map(({ file, rule }) => `${file} ${rule}`);
  t.true(about.includes('eval_model.onnx hash'));
  t.true(about.includes('optimizer_model.onnx file'));
});

test('plain: graphs and checkpoint agree with artifacts.json', async t => {
  const more = await plain(t, edited(said => ({ ...said, parameters: [...(said['parameters'] as object[]), { name: 'more', shape: [2], trainable: true }] }))); // prettier-ignore
  const messages = more.faults.map(({ file, message }) => `${file}: ${message}`);
  for (const wanted of [
    'training_model.onnx: there is no input more',
    'training_model.onnx: there is no output more_grad',
    'optimizer_model.onnx: there is no output next.more',
    'epoch_model.onnx: there is no input more',
    'checkpoint.safetensors: the graphs carry more, which the checkpoint does not hold',
  ])
    t.true(messages.includes(wanted), `${wanted}\n${messages.join('\n')}`);
});

test('plain: an artifacts.json that is not in its form', async t => {
  const rules = async (change: (said: Record<string, unknown>) => unknown, message: RegExp) => {
    const { faults } = await plain(t, edited(change));
    t.true(
      faults.some(fault => fault.file === 'artifacts.json' && message.test(fault.message)),
      JSON.stringify(faults),
    );
  };
  await rules(said => ({ ...said, version: 2 }), /version 2, this program knows 1/);
  await rules(said => ({ ...said, target: 'other' }), /its target is "other"/);
  await rules(() => [], /no JSON object/);
  await rules(
    said => ({ ...said, files: [{ name: '../x', bytes: 1, sha256: '' }] }),
    /each a name in the folder itself/,
  );
  await rules(said => ({ ...said, parameters: [{ name: 'w' }] }), /its parameters/);
});
