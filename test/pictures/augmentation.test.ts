import test from 'ava';
import { Random } from '../../src/base/index.js';
import {
  augmentWords,
  chanceOf,
  checkAugmentation,
  checkPreprocessing,
  crop,
  drawView,
  moved,
  painted,
  parseAugment,
  plainView,
  rotate,
  scaling,
  shift,
  sometimes,
  zoom,
  type Augmentation,
  type View,
} from '../../src/pictures/index.js';

const recipe = checkPreprocessing({
  width: 40,
  height: 30,
  resize: 'stretch',
  cropFraction: 1,
  filter: 'bilinear',
  background: [0, 0, 0],
});
const size = { width: 400, height: 300 };
const draw = (augmentation: Augmentation, seed: number, of = size): View =>
  drawView(of, recipe, [augmentation], new Random(seed));
const seeds = Array.from({ length: 400 }, (_, seed) => seed);

const examples = new Map([
  ['shift', '=0.2'], ['rotate', '=30'], ['zoom', '=0.3'], ['stretch', '=1.4'], ['shear', '=15'], ['perspective', '=0.45'],
  ['lens', '=0.3'], ['crop', '=0.1..1'], ['jitter', '=0.4/0.4/0.4/0.2'], ['lighting', '=0.4'], ['fill', '=wrap'],
]); // prettier-ignore

test('every augmentation keeps the laws', t => {
  for (const word of augmentWords) {
    const [augmentation] = parseAugment(`${word}${examples.get(word) ?? ''}`);
    t.notThrows(() => checkAugmentation(augmentation!, { showings: 6 }), word);
  }
});

test('the laws find what breaks them', t => {
  let calls = 0;
  const broken: readonly (readonly [Augmentation, RegExp])[] = [
    [{ name: 'No Word', apply: view => view }, /name/],
    [{ name: 'a', text: 'b=3', apply: view => view }, /text/],
    [{ name: 'a', apply: view => moved(view, scaling(1 + ++calls / 10, 1)) }, /same chance/],
    [{ name: 'a', apply: view => Object.assign(view, { fill: 'wrap' }) }, /changes the view/],
    [{ name: 'a', apply: view => ({ ...view, target: { width: 3, height: 3 } }) }, /changes target/],
    [{ name: 'a', apply: view => moved(view, scaling(0, 0)) }, /nowhere/],
    [{ name: 'a', apply: view => ({ ...view, map: [1, 0, 0, 0, 1, 0, -0.1, 0, 1] }) }, /horizon/],
    [{ name: 'a', apply: view => painted(view, levels => void levels.fill(NaN)) }, /finite/],
    [{ name: 'a', apply: view => painted(view, levels => levels.map(level => level / 2)) }, /in place/],
  ];
  for (const [augmentation, law] of broken)
    t.throws(() => checkAugmentation(augmentation), { code: 'AUGMENT_LAW', message: law });
});

test('a random resized crop is torchvision’s: area and ratio within their ranges, whole pixels inside the picture', t => {
  const ratios: number[] = [];
  for (const seed of seeds) {
    const { map } = draw(crop([0.2, 0.6]), seed);
    // from the result back to the picture: 40 × 30 shows 400 × 300
    const [width, height] = [map[0] * 400, map[4] * 300];
    const [left, top] = [map[2] * 10, map[5] * 10];
    for (const whole of [width, height, left, top]) t.true(Math.abs(whole - Math.round(whole)) < 1e-9);
    t.true(left > -1e-9 && top > -1e-9 && left + width < 400 + 1e-9 && top + height < 300 + 1e-9);
    const area = (width * height) / 120000;
    t.true(area > 0.195 && area < 0.605, String(area));
    ratios.push(width / height);
  }
  t.true(Math.min(...ratios) > 0.74 && Math.max(...ratios) < 1.35);
  // no such rectangle in a long strip: the middle, of the nearest ratio
  const { map } = draw(crop([0.9, 1]), 0, { width: 1000, height: 30 });
  t.true(Math.abs(map[0] * 1000 - 40) < 1e-9 && Math.abs(map[4] * 30 - 30) < 1e-9);
  t.true(Math.abs(map[2] * 25 - 480) < 1e-9);
});

test('amounts fill their ranges and keep to them', t => {
  const spread = (values: readonly number[], low: number, high: number) => {
    t.true(
      Math.min(...values) >= low - 1e-9 && Math.max(...values) <= high + 1e-9,
      `${Math.min(...values)} ${Math.max(...values)}`,
    );
    t.true(Math.min(...values) < low + (high - low) / 20 && Math.max(...values) > high - (high - low) / 20);
  };
  spread(seeds.map(seed => draw(shift(0.1), seed).map[2]), -4, 4); // prettier-ignore
  spread(seeds.map(seed => draw(shift(0.1), seed).map[5]), -3, 3); // prettier-ignore
  spread(seeds.map(seed => 1 / draw(zoom([0.5, 2]), seed).map[0]), 0.5, 2); // prettier-ignore
  spread(seeds.map(seed => (Math.asin(draw(rotate(30), seed).map[1]) * 180) / Math.PI), -30, 30); // prettier-ignore
  const often = seeds.filter(seed => draw(sometimes(0.3, rotate(30)), seed).map[1] !== 0).length / seeds.length;
  t.true(often > 0.22 && often < 0.38, String(often));
});

test('chance is of seed, epoch and content; one augmentation more changes no other', t => {
  const view = (seed: number, epoch: number, sha256: string, text: string) =>
    JSON.stringify(drawView(size, recipe, parseAugment(text), chanceOf(new Random(seed), epoch, sha256)).map);
  const first = view(1, 1, 'a', 'rotate=30');
  t.is(view(1, 1, 'a', 'rotate=30'), first);
  for (const other of [view(2, 1, 'a', 'rotate=30'), view(1, 2, 'a', 'rotate=30'), view(1, 1, 'b', 'rotate=30')])
    t.not(other, first);
  t.is(view(1, 1, 'a', 'jitter=0.2,rotate=30,grey'), first);
});

test('motions act in the order of the list, a crop before all of them', t => {
  const stretchThenTurn = drawView(size, recipe, parseAugment('stretch=2..2,quarter-turn'), new Random(3));
  const half = plainView(size, recipe);
  t.not(JSON.stringify(stretchThenTurn.map), JSON.stringify(half.map));
  const map = (text: string) => drawView(size, recipe, parseAugment(text), new Random(5)).map.map(n => n.toFixed(9));
  t.deepEqual(map('rotate=30,crop=0.3'), map('crop=0.3,rotate=30'));
  t.notDeepEqual(map('rotate=30,stretch=2..2'), map('stretch=2..2,rotate=30'));
});
