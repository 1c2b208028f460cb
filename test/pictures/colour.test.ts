import test from 'ava';
import { Random } from '../../src/base/index.js';
import { checkPreprocessing, grey, erase, jitter, lighting, plainView, type View } from '../../src/pictures/index.js';
import { brightened, contrasted, relit, saturated, turnedHue } from '../../src/pictures/colour.js';
import { colours, golden } from './torchvision-golden.js';

const noise = (): Float32Array =>
  Float32Array.from({ length: golden.width * golden.height * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
const size = { width: golden.width, height: golden.height };
const recipe = checkPreprocessing({
  ...size,
  resize: 'stretch',
  cropFraction: 1,
  filter: 'bilinear',
  background: [0, 0, 0],
});
const plain: View = plainView(size, recipe);
const paintedBy = (view: View): Float32Array => {
  const levels = noise();
  for (const paint of view.paints) paint(levels, size);
  return levels;
};

test('brightness, contrast, saturation and hue are torchvision’s', t => {
  const changes = { brightened, contrasted, saturated, turnedHue };
  for (const { change, factor, levels } of colours) {
    const found = noise();
    changes[change](factor)(found, size);
    const wanted = Buffer.from(levels, 'base64');
    const worst = Math.max(...found.map((level, i) => Math.abs(level - wanted[i]!)));
    t.true(worst < 0.51, `${change} ${factor}: ${worst}`);
  }
});

test('factors of 1 and turns of 0 and 1 change nothing', t => {
  for (const paint of [brightened(1), contrasted(1), saturated(1), turnedHue(0), turnedHue(1), relit(0, 1)]) {
    const levels = noise();
    paint(levels, size);
    const worst = Math.max(...levels.map((level, i) => Math.abs(level - noise()[i]!)));
    t.true(worst < 1e-3, String(worst));
  }
});

test('lighting is σ(logit(x) · contrast + brightness), also between whole levels', t => {
  const levels = Float32Array.from({ length: 300 }, (_, i) => Math.min((i * 255) / 299, 254.9));
  const found = levels.slice();
  relit(0.4, 1.3)(found, size);
  for (const [i, level] of levels.entries()) {
    const share = Math.max(level / 255, 1e-7);
    const wanted = 255 / (1 + Math.exp(-(Math.log(share / (1 - share)) * 1.3 + 0.4)));
    t.true(Math.abs(found[i]! - wanted) < 0.3, `${level}`);
  }
});

test('grey pictures are grey, and grey ones have no hue to turn', t => {
  const levels = paintedBy(grey(1).apply(plain, new Random(0)));
  for (let i = 0; i < levels.length; i += 3) {
    t.true(Math.abs(levels[i]! - levels[i + 1]!) < 1e-3 && Math.abs(levels[i]! - levels[i + 2]!) < 1e-3);
  }
  const level = levels.map((_, i) => Math.round(levels[i - (i % 3)]!));
  const turned = level.slice();
  turnedHue(0.3)(turned, size);
  t.deepEqual(turned, level);
});

test('jitter draws within its strength, in every order', t => {
  const only = { brightness: 0.3, contrast: 0, saturation: 0, hue: 0 };
  const factors = Array.from({ length: 200 }, (_, i) => {
    const levels = Float32Array.of(100, 100, 100);
    for (const paint of jitter(only).apply(plain, new Random(i)).paints) paint(levels, size);
    return levels[0]! / 100;
  });
  t.true(Math.min(...factors) >= 0.7 && Math.max(...factors) <= 1.3);
  t.true(Math.min(...factors) < 0.74 && Math.max(...factors) > 1.26);
  // brightness after contrast is not contrast after brightness: both must be seen
  const both = { brightness: 0.9, contrast: 0.9, saturation: 0, hue: 0 };
  t.is(jitter(both).apply(plain, new Random(1)).paints.length, 2);
  t.is(lighting(0.2).apply(plain, new Random(1)).paints.length, 1);
});

test('erasing covers a part of the area within its range', t => {
  for (let seed = 0; seed < 100; seed++) {
    const levels = paintedBy(erase([0.1, 0.2], 1).apply(plain, new Random(seed)));
    const part = levels.filter(level => level === 127.5).length / levels.length;
    t.true(part > 0.07 && part < 0.24, String(part));
  }
  t.is(erase([0.1, 0.2], 1e-9).apply(plain, new Random(0)).paints.length, 0);
});
