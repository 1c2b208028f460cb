// A network as a backbone: what its featurizer gives for bytes is what the network itself gives at the same value for
// prepared pixels, one picture at a time.

import { floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { split } from '../../src/passes/index.js';
import type { Runtime } from '../../src/runtime/index.js';
import { openBackbone } from '../../src/workflows/backbone.js';
import { randomFeeds, runOnce } from '../../src/workflows/compare.js';
import type { NetworkFile } from '../../src/workflows/network.js';

const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];
const pictures = 3;

/** The width of the features and the largest difference, over the largest feature. */
export interface FeaturesCompared {
  readonly width: number;
  readonly difference: number;
}

export async function compareFeatures(file: NetworkFile, size: number, runtime: Runtime): Promise<FeaturesCompared> {
  const isGrey = file.inspection.picture?.channels === 1;
  const own = typeof file.inspection.picture?.height === 'number' ? {} : { size };
  const recipe = isGrey ? { mean: [0.5], std: [0.5] } : { mean, std, channels: 'RGB' as const };
  const backbone = openBackbone(file.path, { ...recipe, ...own });
  const { width, height } = backbone.preprocessing;
  const random = new Random('pictures');
  const bytes = Array.from({ length: pictures * height * width * 3 }, () => random.integer(256));
  const fed = tensor('uint8', [pictures, height, width, 3], bytes);
  const found = (await runOnce(runtime, backbone.featurizer, new Map([['pictures', fed]]))).get('features')!;
  if (found.shape.join() !== `${pictures},${backbone.features}`)
    throw new Error(`features of shape [${found.shape.join()}], wanted [${pictures},${backbone.features}]`);

  const { network, picture, facts } = file.inspection;
  const at = network.kind === 'classifier' || network.kind === 'headless' ? network.features.value : backbone.at;
  const isOutput = file.model.graph.outputs.some(({ name }) => name === at);
  const upTo = encodeModel(isOutput ? file.model : split(file.model, [[at]], facts)[0]!);
  const wanted: number[] = [];
  for (let n = 0; n < pictures; n++) {
    const of = bytes.slice(n * height * width * 3, (n + 1) * height * width * 3);
    const feeds = new Map<string, Tensor>([
      ...randomFeeds(file.model, new Random('other'), { batch: 1, other: size }),
      [picture!.name, pixels(of, height, width, isGrey, picture!.layout)],
    ]);
    const value = (await runOnce(runtime, upTo, feeds)).get(at)!;
    wanted.push(...averaged(value));
  }
  const got = floats(found);
  const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), Number.MIN_VALUE);
  const apart = wanted.reduce((a, b, i) => Math.max(a, Math.abs(b - got[i]!)), 0);
  if (wanted.length !== got.length) throw new Error(`${got.length} features, the network gives ${wanted.length}`);
  return { width: backbone.features, difference: apart / largest };
}

/** (x / 255 - mean) / std, in the layout that the network wants. */
function pixels(bytes: readonly number[], height: number, width: number, isGrey: boolean, layout: 'NCHW' | 'NHWC') {
  const channels = isGrey ? 1 : 3;
  const data = new Float32Array(channels * height * width);
  for (let i = 0; i < height * width; i++) {
    const rgb = bytes.slice(i * 3, i * 3 + 3);
    const grey = 0.299 * rgb[0]! + 0.587 * rgb[1]! + 0.114 * rgb[2]!;
    for (let c = 0; c < channels; c++) {
      const value = isGrey ? (grey / 255 - 0.5) / 0.5 : (rgb[c]! / 255 - mean[c]!) / std[c]!;
      data[layout === 'NCHW' ? c * height * width + i : i * channels + c] = value;
    }
  }
  return tensor('float32', layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels], data);
}

/** [1, F, ...] as F numbers. */
function averaged(value: Tensor): number[] {
  const data = floats(value);
  const width = value.shape[1] ?? data.length;
  const area = data.length / width;
  return Array.from(
    { length: width },
    (_, i) => data.slice(i * area, (i + 1) * area).reduce((a, b) => a + b, 0) / area,
  );
}
