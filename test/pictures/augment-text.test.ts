import test from 'ava';
import { fc, testProp } from '@fast-check/ava';
import { Random } from '../../src/base/index.js';
import {
  augmentationsOf,
  augmentWords,
  defaultAugment,
  drawView,
  flip,
  parseAugment,
  printAugment,
  rotate,
  type Augmentation,
  type Preprocessing,
} from '../../src/pictures/index.js';

const recipe: Preprocessing = {
  width: 32,
  height: 24,
  resize: 'stretch',
  cropFraction: 1,
  filter: 'bilinear',
  background: [0, 0, 0],
};
/** What augmentations draw, as text: paints by their number. */
const drawn = (augmentations: readonly Augmentation[], seed: number) =>
  JSON.stringify(drawView({ width: 50, height: 40 }, recipe, augmentations, new Random(seed)));

const number = (low: number, high: number) => fc.double({ min: low, max: high, noNaN: true });
const range = (low: number, high: number) =>
  fc.tuple(number(low, high), number(low, high)).map(ends => ends.sort((a, b) => a - b).join('..'));
const values: ReadonlyMap<string, fc.Arbitrary<string>> = new Map([
  ['flip', fc.constant('')],
  ['flip-vertical', fc.constant('')],
  ['quarter-turn', fc.constant('')],
  ['shift', number(0.001, 1).map(n => `=${n}`)],
  ['rotate', number(1, 180).map(n => `=${n}`)],
  ['zoom', fc.oneof(number(0.01, 0.9), range(0.05, 20)).map(n => `=${n}`)],
  ['stretch', fc.oneof(number(1.01, 10), range(0.1, 10)).map(n => `=${n}`)],
  ['shear', number(1, 60).map(n => `=${n}`)],
  ['perspective', number(0.001, 0.45).map(n => `=${n}`)],
  ['lens', number(0.001, 0.3).map(n => `=${n}`)],
  ['crop', fc.tuple(range(0.01, 1), fc.option(range(0.1, 10))).map(([a, r]) => `=${a}${r === null ? '' : `/${r}`}`)],
  [
    'jitter',
    fc
      .oneof(
        number(0.001, 1).map(String),
        fc.tuple(number(0.1, 1), number(0, 1), number(0, 1), number(0, 0.5)).map(p => p.join('/')),
      )
      .map(n => `=${n}`),
  ],
  ['grey', fc.constant('')],
  ['lighting', number(0.001, 0.9).map(n => `=${n}`)],
  ['erase', fc.option(range(0, 1)).map(r => (r === null ? '' : `=${r}`))],
  ['fill', fc.constantFrom('=nearest', '=reflect', '=wrap', '=constant', '=constant/128')],
]);

test('every word has an example here', t => {
  t.deepEqual([...values.keys()], [...augmentWords]);
});

const list = fc
  .shuffledSubarray([...augmentWords])
  .chain(words => fc.tuple(...words.map(word => fc.tuple(values.get(word)!, fc.option(number(0.01, 1))).map(([value, p]) => `${word}${value}${p === null || word === 'fill' ? '' : `@${p}`}`)))); // prettier-ignore

testProp('what is printed is read as the same, and drawn the same', [list, fc.nat()], (t, items, seed) => {
  const first = parseAugment(items.join(',') || 'none');
  const text = printAugment(first);
  const second = parseAugment(text);
  t.is(printAugment(second), text);
  t.is(drawn(second, seed), drawn(first, seed));
  t.is(first.length, items.length);
});

test('default and none', t => {
  t.deepEqual(parseAugment('none'), []);
  t.is(printAugment([]), 'none');
  t.is(printAugment(parseAugment('default')), printAugment(parseAugment(defaultAugment)));
  t.is(
    printAugment(parseAugment(' default , crop = 0.5 ')),
    'flip@0.5,rotate=10@0.75,zoom=1..1.1@0.75,perspective=0.2@0.75,lighting=0.2@0.75,fill=reflect,crop=0.5..1',
  );
  t.is(
    printAugment(parseAugment('flip,grey,erase,jitter=0.2,rotate=15@1')),
    'flip@0.5,grey@0.1,erase=0.02..0.33@0.5,jitter=0.2,rotate=15',
  );
});

test('what makes no sense is refused, naming the word, what was found and what is wanted', t => {
  for (const [text, code, words] of [
    ['flop', 'AUGMENT_UNKNOWN', ['flop', 'none', 'default', 'flip-vertical']],
    ['', 'AUGMENT_UNKNOWN', ['none']],
    ['flip,,crop=1', 'AUGMENT_UNKNOWN', ['none']],
    ['none,flip', 'AUGMENT_UNKNOWN', ['none']],
    ['shift', 'AUGMENT_VALUE', ['shift', 'part of the side']],
    ['shift=0', 'AUGMENT_VALUE', ['shift=0']],
    ['shift=1.5', 'AUGMENT_VALUE', ['shift=1.5']],
    ['shift=-0.1', 'AUGMENT_VALUE', ['shift=-0.1']],
    // Keras' famous 0.2, in degrees
    ['shear=0.2', 'AUGMENT_VALUE', ['degrees from 1 to 60']],
    ['rotate=0.5', 'AUGMENT_VALUE', ['degrees']],
    ['zoom=1.2', 'AUGMENT_VALUE', ['0.8..1.2']],
    ['zoom=2..1', 'AUGMENT_VALUE', ['range']],
    ['crop=0..1', 'AUGMENT_VALUE', ['above 0']],
    ['crop=0.5..1/0.01..3', 'AUGMENT_VALUE', ['ratios']],
    ['crop=0.5..1..2', 'AUGMENT_VALUE', ['range']],
    ['jitter=0.1/0.2', 'AUGMENT_VALUE', ['brightness/contrast']],
    ['jitter=0.1/0.1/0.1/0.6', 'AUGMENT_VALUE', ['0.5']],
    ['jitter=0', 'AUGMENT_VALUE', ['jitter']],
    ['flip=1', 'AUGMENT_VALUE', ['no value']],
    ['flip@0', 'AUGMENT_VALUE', ['@0', 'probability']],
    ['flip@often', 'AUGMENT_VALUE', ['often']],
    ['fill=black', 'AUGMENT_VALUE', ['constant/128']],
    ['fill=wrap@0.5', 'AUGMENT_VALUE', ['no probability']],
    ['fill=constant/256', 'AUGMENT_VALUE', ['255']],
    ['flip,rotate=3,flip', 'AUGMENT_TWICE', ['flip']],
  ] as const) {
    const error = t.throws(() => parseAugment(text), { code }, text);
    for (const word of words) t.true(error.message.includes(word), `${text}: ${error.message}`);
  }
});

test('words of your own stand beside the others, under names of their own', t => {
  const invert: Augmentation = { name: 'invert', apply: view => view };
  t.is(printAugment(parseAugment('flip,invert@0.5', [invert])), 'flip@0.5,invert@0.5');
  t.throws(() => parseAugment('invert=3', [invert]), { code: 'AUGMENT_VALUE' });
  t.throws(() => parseAugment('flip', [{ ...invert, name: 'flip' }]), { code: 'AUGMENT_TWICE' });
  t.throws(() => augmentationsOf([invert, flip(), invert]), { code: 'AUGMENT_TWICE' });
  t.is(printAugment(augmentationsOf([flip(1), rotate(20)])), 'flip@1,rotate=20');
});
