// A graph as text: what is made, from what, with what, of which type; names from files cannot drive a terminal.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { Builder, modelOf, printGraph, printModel } from '../../src/graph/index.js';
import { Conv, Mul, Relu, Reshape } from '../../src/operators/index.js';

test('one node a line, small constants where they are read, weights with their types', t => {
  const builder = new Builder('tiny');
  const x = builder.input('x', 'float32', ['N', 3, 8, 8]);
  const w = builder.parameter('w', tensor('float32', [4, 3, 3, 3], new Float32Array(108)));
  const y = Mul(Relu(Conv(x, w, undefined, { strides: [2, 2] })), 0.5);
  builder.output(Reshape(y, [0, -1]), 'y');
  t.is(
    printGraph(builder.finish()),
    `tiny (x: float32[N,3,8,8]) → (y: float32[N,36])
weights
  w  float32[4,3,3,3]
  conv    = Conv(x, w)  {strides=[2,2]}  : float32[N,4,3,3]
  relu    = Relu(conv)  : float32[N,4,3,3]
  mul     = Mul(relu, 0.5)  : float32[N,4,3,3]
  reshape = Reshape(mul, [0,-1])  : float32[N,36]
  y       = Identity(reshape)  : float32[N,36]`,
  );
});

test('a model says its dialect and what it carries', t => {
  const builder = new Builder();
  builder.output(Relu(builder.input('x', 'float32', [1])), 'y');
  const text = printModel(modelOf(builder.finish(), new Map([['made\u001b[2J', 'by us']])));
  t.regex(text, /^IR 9, ai\.onnx 20\nby onnx-graft\nmade\\u001b\[2J: by us\n/);
  t.false(text.includes('\u001b'));
});
