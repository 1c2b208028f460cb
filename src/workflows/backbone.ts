// From a network file to the graph that gives features: the door, the cut, the recipe for its pictures.

import { feedsOf, sliceOf, type Graph, type Model } from '../graph/index.js';
import { featurizerModel, type PixelFormat } from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import { inspectModel, type Inspection } from '../inspect/index.js';
import { dropUnused } from '../passes/index.js';
import type { Preprocessing } from '../pictures/index.js';
import { settlePreprocessing, type PreprocessingFlags } from '../pictures/node.js';
import { atTheDoor } from './door.js';
import { errors } from './errors.js';
import { weightsFingerprint } from './fingerprint.js';
import { readRunnable, valueOf, type NetworkFile } from './network.js';

export interface BackboneOptions extends PreprocessingFlags {
  /**
   * Where features come out: `features`, `block3`, or the name of a value.
   * @default 'features'
   */
  readonly at?: string;
}

/** A network that gives features, ready to be run over pictures and to be built on. */
export interface Backbone {
  readonly file: NetworkFile;
  /** The value that is the features, in the network's own names. */
  readonly at: string;
  /** From the picture tensor to the features, in the house's dialect. */
  readonly graph: Graph;
  /** The whole network behind the door, and what is known of it. */
  readonly model: Model;
  readonly inspection: Inspection;
  /** Operator sets that it needs beside ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly preprocessing: Preprocessing;
  readonly pixels: PixelFormat;
  /** Where the recipe came from. */
  readonly recipe: string;
  /** `pictures` uint8 [N,H,W,3] to `features` float32 [N,F], as a file. */
  readonly featurizer: Uint8Array;
  /** F */
  readonly features: number;
}

/**
 * Opens a network as a backbone.
 *
 * @throws ONNX_OP_UNKNOWN, GRAFT_PICTURE_INPUT, GRAFT_NOT_A_BACKBONE, PREPROCESSING_UNKNOWN
 */
export function openBackbone(path: string, options: BackboneOptions = {}): Backbone {
  const file = readRunnable(path);
  const { picture } = file.inspection;
  if (!picture) {
    const inputs = file.inspection.inputs.map(({ name, shape }) => `${name} [${shape?.join(', ') ?? '?'}]`);
    throw errors.PICTURE_INPUT({ file: path, found: inputs.length > 0 ? inputs.join(' and ') : 'no inputs' });
  }
  const size =
    typeof picture.height === 'number' && typeof picture.width === 'number'
      ? { width: picture.width, height: picture.height }
      : undefined;
  const channels = typeof picture.channels === 'number' ? picture.channels : 3;
  const weights = weightsFingerprint(file.model);
  const settled = settlePreprocessing({
    sha256: file.sha256,
    ...(weights ? { weights } : {}),
    modelPath: path,
    flags: options,
    ...(size ? { inputSize: size } : {}),
    layout: picture.layout,
    channels,
  });
  const { preprocessing, pixels, from } = settled;
  const model = atTheDoor(withSize(file.model, picture.name, preprocessing, pixels));
  const inspection = inspectModel(model);
  const at = featuresOf(path, inspection, options.at ?? 'features');
  if (!inspection.facts.get(at)?.shape)
    throw errors.NOT_A_BACKBONE({ file: path, reason: `it has no value ${at} whose shape is known` });
  const graph = upTo(model, at, inspection).graph;
  const { width, height } = preprocessing;
  const others = feedsOf(graph).filter(({ name }) => name !== picture.name);
  if (others.length > 0 || feedsOf(graph).length === 0)
    throw errors.PICTURE_INPUT({
      file: path,
      found: `its features need ${others.map(({ name }) => name).join(', ') || 'no picture'}`,
    });
  const used = new Set(graph.nodes.map(({ domain }) => domain));
  const opsets = new Map([...model.opsets].filter(([domain]) => domain !== '' && used.has(domain)));
  const featurizer = featurizerModel({ backbone: graph, opsets, width, height, pixels });
  const features = featurizer.graph.outputs[0]?.shape?.[1];
  if (typeof features !== 'number')
    throw errors.NOT_A_BACKBONE({ file: path, reason: `the width of the value ${at} is not known` });
  return {
    file,
    at,
    graph,
    model,
    inspection,
    opsets,
    preprocessing,
    pixels,
    recipe: from,
    featurizer: encodeModel(featurizer),
    features,
  };
}

/** Height and width as numbers, also where the file leaves them open. */
function withSize(model: Model, input: string, { width, height }: Preprocessing, { layout }: PixelFormat): Model {
  const inputs = model.graph.inputs.map(info => {
    if (info.name !== input || info.shape?.length !== 4) return info;
    const { typeBytes: _, ...rest } = info;
    const [n, a, b, c] = info.shape;
    return {
      ...rest,
      shape: layout === 'NCHW' ? [n!, a!, height, width] : [n!, height, width, layout === 'NHWC' ? c! : b!],
    };
  });
  return { ...model, graph: { ...model.graph, inputs } };
}

/** The value that gives features. */
function featuresOf(path: string, inspection: Inspection, at: string): string {
  const { network } = inspection;
  if (at !== 'features' || inspection.names.has('features')) return valueOf(inspection, at);
  if (network.kind === 'classifier' || network.kind === 'headless') return network.features.value;
  throw errors.NOT_A_BACKBONE({
    file: path,
    reason: network.reason,
    ...(network.lastCut ? { lastCut: network.lastCut } : {}),
  });
}

/** The network up to a value, as its only output. */
function upTo(model: Model, at: string, { facts }: Inspection): Model {
  const found = facts.get(at);
  const { type, shape } = found ?? {};
  const output = { name: at, ...(type ? { type } : {}), ...(shape ? { shape } : {}) };
  const { sources } = sliceOf(model.graph, [at]);
  const inputs = model.graph.inputs.filter(({ name }) => sources.has(name));
  return dropUnused({ ...model, graph: { ...model.graph, inputs, outputs: [output] } });
}
