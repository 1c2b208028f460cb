import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { GraftError } from '../../src/base/index.js';
import {
  readSidecar,
  settlePreprocessing,
  zooEntries,
  zooEntry,
  type PreprocessingFlags,
} from '../../src/pictures/node.js';
import { fill, folder } from './folders.js';

const network = { inputSize: { width: 224, height: 224 }, layout: 'NCHW', channels: 3 } as const;
const unknown = { sha256: 'none', modelPath: '/nowhere/net.onnx', ...network };
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

test('the catalogue holds checked entries, each found by its hash', t => {
  const entries = zooEntries();
  t.true(entries.length >= 13);
  t.is(new Set(entries.map(({ sha256 }) => sha256)).size, entries.length);
  for (const entry of entries) {
    t.regex(entry.sha256, /^[0-9a-f]{64}$/);
    t.deepEqual(zooEntry(entry.sha256), entry);
  }
  t.is(zooEntry('0'.repeat(64)), undefined);
});

test('a published network is known by its hash', t => {
  const entry = zooEntries().find(({ name }) => name === 'squeezenet1.1-fp32')!;
  const settled = settlePreprocessing({ ...unknown, sha256: entry.sha256 });
  t.is(settled.from, 'catalogue');
  t.deepEqual(settled.preprocessing, entry.preprocessing);
  t.deepEqual(settled.pixels, { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, ...imagenet });
});

test('nothing is guessed: an unknown network is refused with what is missing', t => {
  const refused = (flags: PreprocessingFlags, missing: readonly string[], more = {}) => {
    const error = t.throws(() => settlePreprocessing({ ...unknown, flags, ...more }), {
      instanceOf: GraftError,
      code: 'PREPROCESSING_UNKNOWN',
    });
    t.deepEqual(error.details['missing'], missing);
  };
  refused({}, ['mean', 'std', 'scale']);
  refused({ crop: 1, filter: 'bicubic', channels: 'BGR' }, ['mean', 'std', 'scale']);
  refused({ mean: [0.5] }, ['std', 'scale']);
  // means of 0…255: the factor cannot be told from them
  refused({ mean: [123, 117, 104], std: [58, 57, 57] }, ['scale']);
  refused(imagenet, ['size'], { inputSize: undefined });
  refused(imagenet, ['layout'], { layout: undefined });
});

test('flags say everything, with the usual geometry where they do not', t => {
  const { preprocessing, pixels, from } = settlePreprocessing({ ...unknown, flags: imagenet });
  t.is(from, 'flags');
  t.deepEqual(preprocessing, {
    width: 224,
    height: 224,
    resize: 'shorter-side',
    cropFraction: 0.875,
    filter: 'bilinear',
    background: [255, 255, 255],
  });
  t.is(pixels.scale, 1 / 255);
  const all = settlePreprocessing({
    sha256: 'none',
    modelPath: 'net.onnx',
    flags: {
      scale: 1,
      mean: [104, 117, 123],
      std: [1],
      channels: 'BGR',
      layout: 'NHWC',
      size: { width: 320, height: 240 },
      resize: 'stretch',
      filter: 'lanczos',
      background: [0, 0, 0],
    },
  });
  t.deepEqual(all.preprocessing, {
    width: 320,
    height: 240,
    resize: 'stretch',
    cropFraction: 1,
    filter: 'lanczos',
    background: [0, 0, 0],
  });
  t.deepEqual(all.pixels, { channels: 'BGR', layout: 'NHWC', scale: 1, mean: [104, 117, 123], std: [1, 1, 1] });
  t.deepEqual(settlePreprocessing({ ...unknown, flags: { scale: 1 / 255 } }).pixels.mean, [0, 0, 0]);
  const grey = settlePreprocessing({ ...unknown, channels: 1, flags: { mean: [0.1307], std: [0.3081] } });
  t.deepEqual(grey.pixels, { channels: 'grey', layout: 'NCHW', scale: 1 / 255, mean: [0.1307], std: [0.3081] });
});

test('flags override a known network part by part; mean, std and scale go together', t => {
  const { sha256 } = zooEntries().find(({ name }) => name === 'mobilenetv1-0.25-224-fp32')!;
  const cropped = settlePreprocessing({ ...unknown, sha256, flags: { crop: 1 } });
  t.is(cropped.from, 'flags');
  t.is(cropped.preprocessing.cropFraction, 1);
  t.is(cropped.pixels.scale, 1 / 127.5);
  t.is(settlePreprocessing({ ...unknown, sha256, flags: imagenet }).pixels.scale, 1 / 255);
});

test('what does not fit the network is refused', t => {
  const refused = (key: string, flags: PreprocessingFlags, more = {}) => {
    const error = t.throws(() => settlePreprocessing({ ...unknown, flags: { ...imagenet, ...flags }, ...more }), {
      code: 'PREPROCESSING_INVALID',
    });
    t.true(error.message.includes(key), error.message);
  };
  refused('size', { size: 256 });
  refused('layout', { layout: 'NHWC' });
  refused('channels', { channels: 'grey', mean: [0], std: [1] });
  refused('channels', {}, { channels: 1, flags: { ...imagenet, channels: 'RGB' } });
  refused('std', { std: [0] });
  refused('mean', { mean: [1, 2], std: [1], scale: 1 });
  refused('filter', { filter: 'hamming' as 'box' });
  refused('width', { size: 0 }, { inputSize: undefined });
});

const beside = (t: Parameters<typeof folder>[0], files: Record<string, unknown>) => {
  const root = folder(t);
  mkdirSync(join(root, 'empty'));
  fill(root, new Map(Object.entries(files).map(([name, json]) => [name, JSON.stringify(json)])));
  return { ...unknown, modelPath: join(root, 'net.onnx') };
};

test('a file beside the model: the keys of a bundle, or those of the flags', t => {
  const preprocessing = {
    width: 224,
    height: 224,
    resize: 'stretch',
    cropFraction: 1,
    filter: 'bicubic',
    background: [0, 0, 0],
  };
  const pixels = { channels: 'BGR', layout: 'NCHW', scale: 1, mean: [1, 2, 3], std: [4, 5, 6] };
  const settled = settlePreprocessing(beside(t, { 'net.json': { preprocessing, pixels } }));
  t.is(settled.from, 'sidecar');
  t.regex(settled.sidecar!, /net\.json$/);
  t.deepEqual(settled.preprocessing, preprocessing as never);
  t.deepEqual(settled.pixels, pixels as never);
  const flat = settlePreprocessing(beside(t, { 'net.onnx.json': { ...imagenet, crop: 0.9, size: 224, labels: [] } }));
  t.is(flat.preprocessing.cropFraction, 0.9);
  t.is(flat.pixels.scale, 1 / 255);
});

test('flags go before the file beside the model', t => {
  const options = beside(t, { 'net.json': { ...imagenet, crop: 0.9 } });
  t.is(settlePreprocessing({ ...options, flags: { crop: 0.5 } }).preprocessing.cropFraction, 0.5);
});

// timm 1.0: vit_tiny_patch16_224.augreg_in21k_ft_in1k/config.json
test('timm: config.json', t => {
  const cfg = {
    input_size: [3, 224, 224],
    fixed_input_size: true,
    interpolation: 'bicubic',
    crop_pct: 0.9,
    crop_mode: 'center',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    num_classes: 1000,
  };
  for (const json of [{ architecture: 'vit', pretrained_cfg: cfg }, cfg]) {
    const { preprocessing, pixels } = settlePreprocessing(beside(t, { 'config.json': json }));
    t.deepEqual(
      [preprocessing.cropFraction, preprocessing.filter, preprocessing.resize],
      [0.9, 'bicubic', 'shorter-side'],
    );
    t.deepEqual(pixels, {
      channels: 'RGB',
      layout: 'NCHW',
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
  }
});

// the shapes that transformers' image processors of ResNet, ViT, ConvNeXT and EfficientNet write
test('Hugging Face: preprocessor_config.json', t => {
  const common = { do_normalize: true, image_mean: imagenet.mean, image_std: imagenet.std, resample: 3 };
  const of = (json: object) => settlePreprocessing(beside(t, { 'preprocessor_config.json': { ...common, ...json } }));
  const mobilenet = of({ size: { shortest_edge: 256 }, do_center_crop: true, crop_size: { height: 224, width: 224 } });
  t.is(mobilenet.preprocessing.cropFraction, 0.875);
  t.is(mobilenet.preprocessing.filter, 'bicubic');
  t.deepEqual(mobilenet.pixels, { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, ...imagenet });
  const vit = of({ size: { height: 224, width: 224 }, rescale_factor: 1 / 255, resample: 2 });
  t.deepEqual(
    [vit.preprocessing.resize, vit.preprocessing.cropFraction, vit.preprocessing.filter],
    ['stretch', 1, 'bilinear'],
  );
  const old = of({ size: 224 });
  t.is(old.preprocessing.resize, 'stretch');
  const convnext = of({ size: { shortest_edge: 224 }, crop_pct: 0.875 });
  t.deepEqual([convnext.preprocessing.resize, convnext.preprocessing.cropFraction], ['shorter-side', 0.875]);
  const offset = of({ size: 224, rescale_factor: 1 / 127.5, rescale_offset: true, image_mean: [0], image_std: [1] });
  t.deepEqual([offset.pixels.scale, offset.pixels.mean, offset.pixels.std], [1 / 127.5, [1, 1, 1], [1, 1, 1]] as never);
  const raw = of({ size: 224, do_normalize: false, do_rescale: false });
  t.deepEqual([raw.pixels.scale, raw.pixels.mean[0], raw.pixels.std[0]], [1, 0, 1]);
});

test('a file that says nothing of pictures is passed over; a broken one is told', t => {
  t.is(readSidecar(beside(t, { 'net.json': { labels: ['a'] }, 'config.json': { hidden: 3 } }).modelPath), undefined);
  t.is(readSidecar(beside(t, {}).modelPath), undefined);
  const bad = [
    { 'net.json': { mean: 'x', std: [1] } },
    { 'net.json': { ...imagenet, filter: 'hamming' } },
    { 'net.json': { ...imagenet, size: [1, 2, 3] } },
    { 'preprocessor_config.json': { do_normalize: true, image_mean: [0.5], image_std: [0.5], resample: 5 } },
    { 'config.json': { pretrained_cfg: { input_size: [3, 9, 9], crop_mode: 'border' } } },
  ];
  for (const files of bad)
    t.throws(() => readSidecar(beside(t, files).modelPath), { code: 'PREPROCESSING_SIDECAR' }, JSON.stringify(files));
  const root = fill(folder(t), new Map([['net.json', '{']]));
  t.throws(() => readSidecar(join(root, 'net.onnx')), { code: 'PREPROCESSING_SIDECAR' });
  mkdirSync(join(root, 'other.json'));
  t.throws(() => readSidecar(join(root, 'other.onnx')), { code: 'PREPROCESSING_SIDECAR' });
});
