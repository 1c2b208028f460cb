import test from 'ava';
import { mostConfused, topLosses } from '../../src/evaluation/index.js';

test('pairs come by pictures, then by share, then in label order', t => {
  const labels = ['a', 'b', 'c'];
  const confusion = [
    [5, 2, 3],
    [2, 2, 0],
    [0, 1, 9],
  ];
  t.deepEqual(mostConfused({ labels, confusion }), [
    { label: 'a', predicted: 'c', count: 3, share: 0.3 },
    { label: 'b', predicted: 'a', count: 2, share: 0.5 },
    { label: 'a', predicted: 'b', count: 2, share: 0.2 },
    { label: 'c', predicted: 'b', count: 1, share: 0.1 },
  ]);
  t.is(mostConfused({ labels, confusion }, 2).length, 2);
});

test('a perfect evaluation has no pairs', t => {
  t.deepEqual(mostConfused({ labels: ['a'], confusion: [[7]] }), []);
});

test('top losses of one label: worst first, right ones too, ties in the order of pictures', t => {
  const found = topLosses({
    probabilities: Float32Array.of(0.75, 0.25, 0.25, 0.75, 0.5, 0.5, 0.75, 0.25),
    labels: [0, 0, 1, 1],
    classes: ['ants', 'bees'],
  });
  t.deepEqual(
    found.map(({ index }) => index),
    [1, 3, 2, 0],
  );
  t.deepEqual(found[0], { index: 1, label: 'ants', predicted: 'bees', probability: 0.75, loss: Math.log(4) });
  t.deepEqual(found[3], { index: 0, label: 'ants', predicted: 'ants', probability: 0.75, loss: -Math.log(0.75) });
});

test('top losses of several labels: one for each picture and label', t => {
  const found = topLosses({
    probabilities: Float32Array.of(0.75, 0.125, 0.5, 0.25),
    targets: [0, 1, 1, 0],
    classes: ['beach', 'sea'],
  });
  t.deepEqual(found, [
    { index: 0, label: 'sea', predicted: 'not sea', probability: 0.875, loss: Math.log(8) },
    { index: 0, label: 'not beach', predicted: 'beach', probability: 0.75, loss: Math.log(4) },
    { index: 1, label: 'beach', predicted: 'beach', probability: 0.5, loss: Math.log(2) },
    { index: 1, label: 'not sea', predicted: 'not sea', probability: 0.75, loss: -Math.log(0.75) },
  ]);
});

test('no more than asked for', t => {
  const at = {
    probabilities: new Float32Array(100).fill(0.5),
    labels: new Array<number>(50).fill(0),
    classes: ['a', 'b'],
  };
  t.is(topLosses(at).length, 24);
  t.is(topLosses(at, 3).length, 3);
});
