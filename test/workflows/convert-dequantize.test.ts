// graft convert --dequantize: the float file that trains, with what it changed.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import { convert, convertPasses } from '../../src/index.js';
import { Conv, DequantizeLinear, Flatten, GlobalAveragePool, QuantizeLinear } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { temporary } from '../walks/small-network.js';

/** Two quantised convolutions; the first has its Relu in its range only, as TensorFlow Lite has it. */
function network() {
  const b = new Builder('small');
  const random = new Random('small');
  const constant = (value: number, type: 'float32' | 'uint8') => b.constant(tensor(type, [], [value]));
  const pair = (x: Value, scale: number, zero: number) => {
    const given = [constant(scale, 'float32'), constant(zero, 'uint8')] as const;
    return DequantizeLinear(QuantizeLinear(x, ...given), ...given);
  };
  const weight = (shape: readonly number[], scale: number) => {
    const count = shape.reduce((x, y) => x * y, 1);
    const q = Array.from({ length: count }, () => random.integer(256));
    return DequantizeLinear(b.constant(tensor('uint8', shape, q)), constant(scale, 'float32'), constant(128, 'uint8'));
  };
  const x = pair(b.input('x', 'float32', ['batch', 3, 16, 16]), 1 / 32, 128);
  const y = pair(Conv(x, weight([8, 3, 3, 3], 1 / 300), { strides: [2, 2] }), 6 / 255, 0);
  const z = pair(Conv(y, weight([5, 8, 3, 3], 1 / 300)), 1 / 32, 128);
  b.output(Flatten(GlobalAveragePool(z)), 'logits');
  return modelOf(b.finish());
}

test('a quantised network is written float, and what that changed is told', async t => {
  const folder = temporary();
  const [path, out] = [join(folder, 'quantized.onnx'), join(folder, 'float.onnx')];
  writeFileSync(path, encodeModel(network()));
  try {
    const { changes, difference, agreement, tolerance } = await convert(path, { out, dequantize: true }, nodeRuntime());
    const { graph } = decodeModel(readFileSync(out));
    t.deepEqual(
      graph.nodes.map(({ op }) => op),
      ['Clip', 'Conv', 'Clip', 'Conv', 'Clip', 'GlobalAveragePool', 'Flatten'],
    );
    t.deepEqual(
      changes.filter(({ pass }) => pass === 'dequantize').map(({ what }) => what),
      [
        'made 2 quantized weights float',
        'took 3 roundings out; 0 of them are a Relu now and 3 a Clip, as saturation was',
      ],
    );
    t.true(difference.random > 0 && difference.random < 0.05, String(difference.random));
    t.true(difference.real < 0.05, String(difference.real));
    t.deepEqual([agreement!.of, tolerance], [8, 0.5]);
    t.true(agreement!.same >= 7);
    const wanted = { code: 'GRAFT_DIFFERENT' };
    await t.throwsAsync(
      convert(path, { out: join(folder, 'strict.onnx'), dequantize: true, tolerance: 1e-9 }, nodeRuntime()),
      wanted,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the passes are listed with it', t => {
  const names = convertPasses().map(({ name }) => name);
  t.true(names.includes('dequantize'));
  t.is(convertPasses().find(({ name }) => name === 'upgrade')?.summary, 'writes models of an older opset than 20 in its words'); // prettier-ignore
});
