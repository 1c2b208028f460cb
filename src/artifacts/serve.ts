// The graph that is shipped: from uint8 pictures to calibrated probabilities, nothing after it.
//   pictures uint8 [N, H, W, 3] (RGB) → channels, layout, (x · scale − mean) / std → backbone → features [N, F]
//   → head → logits (raw) → softmax(logits / T) or sigmoid → probabilities

import { tensor, type Tensor } from '../base/index.js';
import { Builder, embed, modelOf, type Graph, type Model, type Value } from '../graph/index.js';
import {
  Cast,
  Gather,
  Identity,
  Mul,
  ReduceMean,
  ReduceSum,
  Reshape,
  Sigmoid,
  Softmax,
  Sub,
  Transpose,
} from '../operators/index.js';
import { servedContext } from './train-head.js';
import type { Head } from './heads/head.js';

/** What a network expects of its pixels, after size. Values are per channel of the network's own order. */
export interface PixelFormat {
  readonly channels: 'RGB' | 'BGR' | 'grey';
  readonly layout: 'NCHW' | 'NHWC';
  /** x · scale, from 0…255. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Pictures to features, as one graph. */
export interface FeaturizerOptions {
  /** The network up to the cut: one input, one output of features. */
  readonly backbone: Graph;
  readonly width: number;
  readonly height: number;
  readonly pixels: PixelFormat;
  /** Operator sets that the backbone needs beside ONNX's own. @default none */
  readonly opsets?: ReadonlyMap<string, number>;
  /** Maps [N, C, h, w] as features of their channels, averaged; or kept whole, end to end. @default 'averaged' */
  readonly rows?: 'averaged' | 'kept';
}

/** uint8 pictures [N, H, W, 3] to features float32 [N, F]; what is run once over every picture. */
export function featurizerModel(options: FeaturizerOptions): Model {
  const builder = new Builder('featurizer');
  const pictures = builder.input('pictures', 'uint8', ['N', options.height, options.width, 3]);
  builder.output(featuresOf(builder, pictures, options), 'features');
  return withOpsets(modelOf(builder.finish()), options);
}

/** A model that imports what its backbone needs. */
const withOpsets = (model: Model, { opsets = new Map() }: FeaturizerOptions): Model =>
  opsets.size === 0 ? model : { ...model, opsets: new Map([...opsets, ...model.opsets]) };

export interface ServingOptions extends FeaturizerOptions {
  readonly head: Head;
  readonly trained: ReadonlyMap<string, Tensor>;
  readonly classes: number;
  readonly task: 'single' | 'multi-label';
  /** T > 0, fitted on held-out logits. @default 1 */
  readonly temperature?: number;
  readonly metadata?: ReadonlyMap<string, string>;
}

/** The metadata of a bundle's model that names the value by which pictures enter the network itself. */
export const entranceKey = 'entrance';
/** The metadata that names the features [N, F], what the head reads. */
export const featuresKey = 'features';
/** The metadata that names the weights of the head: JSON, from the head's own name to that in the model. */
export const parametersKey = 'parameters';

/** The bundle's `model.onnx`: input `pictures`, outputs `logits` and `probabilities`. */
export function servingModel(options: ServingOptions): Model {
  const { classes, head, trained, task, temperature = 1, metadata = new Map() } = options;
  const builder = new Builder('bundle');
  const pictures = builder.input('pictures', 'uint8', ['N', options.height, options.width, 3]);
  // Values inside the network that have the names of the outputs give way.
  for (const name of ['logits', 'probabilities']) builder.fresh(name);
  // What the network itself reads has a name of its own, so that it can be found again: graft merge cuts there.
  let entrance = '';
  const features = featuresOf(builder, pictures, options, (prepared, name) => {
    const { type, shape } = prepared;
    entrance = builder.isFree(name) ? name : `${name}.prepared`;
    return builder.append({ op: 'Identity', inputs: [prepared], outputs: [{ type, shape }], names: [entrance] })[0]!;
  });
  const names = new Map<string, string>();
  const served = servedContext(builder, classes, trained);
  const logits = head(features, {
    ...served,
    parameter(name, shape, initial) {
      const value = served.parameter(name, shape, initial);
      names.set(name, value.name);
      return value;
    },
  });
  builder.output(logits, 'logits');
  const cooled = temperature === 1 ? logits : Mul(logits, 1 / temperature);
  builder.output(task === 'single' ? Softmax(cooled) : Sigmoid(cooled), 'probabilities');
  const told = new Map([
    ...metadata,
    [entranceKey, entrance],
    [featuresKey, features.name],
    [parametersKey, JSON.stringify(Object.fromEntries(names))],
  ]);
  return withOpsets(modelOf(builder.finish(), told), options);
}

function featuresOf(
  builder: Builder,
  pictures: Value,
  { backbone, pixels, rows }: FeaturizerOptions,
  enters?: (prepared: Value, name: string) => Value,
): Value {
  const input = backbone.inputs.find(({ name }) => !backbone.initializers.has(name))!;
  const half = input.type === 'float16';
  const pure = preparePixels(pictures, pixels);
  const prepared = enters ? enters(pure, input.name) : pure;
  const fed = half ? Cast(prepared, { to: 10 }) : prepared;
  const [value] = embed(builder, backbone, new Map([[input.name, fed]])).values();
  const features = half ? Cast(value, { to: 1 }) : value!;
  return rows === 'kept' ? Reshape(features, [0, -1]) : flatFeatures(features);
}

/** [N, F], [N, F, 1, 1] and the like as [N, F]; a map that is left [N, F, h, w] is averaged. */
export function flatFeatures(features: Value): Value {
  const { shape } = features;
  if (shape.length === 2) return features;
  const rest = shape.slice(2);
  if (rest.every(dim => dim === 1)) return Reshape(features, [0, -1]);
  return ReduceMean(
    features,
    rest.map((_, i) => i + 2),
    { keepdims: 0 },
  );
}

/**
 * Layout, channel order, normalisation. Pictures are turned while they are bytes, and constants of channels meet long
 * runs: four times faster than a vector of three at the end of each pixel, with the same bits.
 */
function preparePixels(pictures: Value, { channels, layout, scale, mean, std }: PixelFormat): Value {
  const { builder } = pictures;
  const planes = layout === 'NCHW';
  const axis = planes ? 1 : 3;
  // a number a channel: [C, 1, 1] over planes, [W, C] over rows of pixels
  const perChannel = (values: readonly number[]) => {
    if (planes) return builder.constant(tensor('float32', [values.length, 1, 1], [...values]));
    const width = pictures.shape[2] as number;
    const row = Array.from({ length: width * values.length }, (_, i) => values[i % values.length]!);
    return builder.constant(tensor('float32', [width, values.length], row));
  };
  const vector = (values: readonly number[]) =>
    values.every(value => value === values[0]) ? values[0]! : perChannel(values);
  let bytes = planes ? Transpose(pictures, { perm: [0, 3, 1, 2] }) : pictures;
  if (channels === 'BGR') bytes = Gather(bytes, builder.constant([2, 1, 0]), { axis });
  let x = Cast(bytes, { to: 1 });
  // ITU-R 601-2 luma, the weights that Pillow's convert('L') uses
  if (channels === 'grey') x = ReduceSum(Mul(x, perChannel([0.299, 0.587, 0.114])), [axis]);
  // (x · scale − mean) / std = x · (scale / std) − mean / std
  const factor = vector(std.map(value => scale / value));
  const shift = vector(mean.map((value, i) => value / (std[i] ?? std[0]!)));
  if (factor !== 1) x = Mul(x, factor);
  if (shift !== 0) x = Sub(x, shift);
  return planes ? x : Identity(x);
}
