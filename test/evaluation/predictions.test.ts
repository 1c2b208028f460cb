import test from 'ava';
import { argmax, checkPredictions } from '../../src/evaluation/predictions.js';

const classes = ['ants', 'bees'];

test('the number of rows is told', t => {
  t.is(checkPredictions({ probabilities: Float32Array.of(0.5, 0.5, 0, 1), labels: [0, 1], classes }), 2);
  t.is(checkPredictions({ probabilities: Float32Array.of(0.5, 0.9), targets: [0, 1], classes }), 1);
  t.is(checkPredictions({ probabilities: new Float32Array(0), labels: [], classes }), 0);
});

test('sizes that do not fit are refused', t => {
  const code = 'EVALUATION_SHAPE';
  t.throws(() => checkPredictions({ probabilities: Float32Array.of(0.5, 0.5), labels: [0, 1], classes }), { code });
  t.throws(() => checkPredictions({ probabilities: Float32Array.of(0.5), targets: [1], classes }), { code });
  t.throws(() => checkPredictions({ probabilities: new Float32Array(0), labels: [], classes: [] }), { code });
});

test('labels that are no class are refused, with their row', t => {
  const of = (label: number) => () =>
    checkPredictions({ probabilities: Float32Array.of(1, 0, 0, 1), labels: [0, label], classes });
  for (const label of [2, -1, 0.5, Number.NaN])
    t.like(t.throws(of(label)), { code: 'EVALUATION_LABEL', details: { row: 1, found: label, classes: 2 } });
  t.like(
    t.throws(() => checkPredictions({ probabilities: Float32Array.of(1, 0, 0, 1), targets: [0, 1, 2, 0], classes })),
    {
      code: 'EVALUATION_LABEL',
      details: { row: 1, found: 2 },
    },
  );
});

test('what is not a number is refused, with its class', t => {
  for (const found of [Number.NaN, Infinity])
    t.like(
      t.throws(() => checkPredictions({ probabilities: Float32Array.of(0, found), labels: [0], classes })),
      {
        code: 'EVALUATION_NOT_FINITE',
        details: { row: 0, label: 'bees', found },
      },
    );
});

test('logits are not probabilities', t => {
  const code = 'EVALUATION_PROBABILITY';
  t.throws(() => checkPredictions({ probabilities: Float32Array.of(3.2, -1.5), labels: [0], classes }), { code });
  t.throws(() => checkPredictions({ probabilities: Float32Array.of(0.2, 0.3), labels: [0], classes }), { code });
  // of several labels a row may sum to anything
  t.notThrows(() => checkPredictions({ probabilities: Float32Array.of(0.2, 0.3), targets: [0, 1], classes }));
});

test('roundings of float16 networks pass', t => {
  t.notThrows(() => checkPredictions({ probabilities: Float32Array.of(0.9985, 0.0005), labels: [0], classes }));
});

test('argmax takes the first of equals, in its own row', t => {
  t.is(argmax([9, 9, 1, 2, 2, 0], 0, 3), 0);
  t.is(argmax([9, 9, 1, 1, 2, 2], 1, 3), 1);
});
