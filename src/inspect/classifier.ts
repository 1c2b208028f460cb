// What a network is. The walk starts at its output and goes back through what may lie behind a classifier
// (softmax, flattening, quantization, global pooling) to the last node with weights: Gemm, MatMul or Conv. What
// enters it is `features`; what leaves it, before any softmax, is `logits`. A 1x1 Conv before global pooling commutes
// with it, so its features are the average over its input: mean(W·x + b) = W·mean(x) + b.

import type { Graph, Node } from '../graph/index.js';
import { cutsOf, type FactsByName } from './cuts.js';
import { missingDomains, type MissingDomain } from './domains.js';
import { isActivation, isBlank, isGlobalPool, weightsOf, type Weighted } from './roles.js';
import { wiringOf, type Wiring } from './wiring.js';

/** Where features come out: a value [N, F] or [N, F, 1, 1], or a map [N, F, H, W] to be averaged. */
export interface FeaturePoint {
  readonly value: string;
  /** `average`: take the mean over height and width first. */
  readonly pool: 'none' | 'average';
  /** F, where it is known. */
  readonly width?: number;
}

/** A network that gives one number per class. */
export interface ClassifierNetwork {
  readonly kind: 'classifier';
  readonly classes: number;
  /** Whether class 0 is "none of them", as in TensorFlow's ImageNet networks of 1001 classes. */
  readonly background: boolean;
  /** What its output is made with after the logits. */
  readonly activation: 'none' | 'softmax' | 'log-softmax' | 'sigmoid';
  /** The numbers before softmax. */
  readonly logits: string;
  /** What enters the final classifier. */
  readonly features: FeaturePoint;
  /** What enters a head of several layers, where that is another value. */
  readonly hidden?: FeaturePoint;
  /** The node with the final weights. */
  readonly node: string;
}
/** A network that ends in features. */
export interface HeadlessNetwork {
  readonly kind: 'headless';
  readonly features: FeaturePoint;
}
/** A network that is no classifier, and what can be done with it. */
export interface OtherNetwork {
  readonly kind: 'detector' | 'other';
  readonly reason: string;
  /** The last value that can serve as features. */
  readonly lastCut?: string;
  readonly missing?: readonly MissingDomain[];
}
export type Network = ClassifierNetwork | HeadlessNetwork | OtherNetwork;

/** Published networks whose first class is the background: ImageNet-1k and ImageNet-21k. */
const withBackground = new Set([1001, 21842]);
/** Class counts of the published image sets, which make a last layer before pooling a classifier. */
const usualCounts = new Set([10, 100, 101, 102, 200, 257, 365, 1000, 1001, 21841, 21842, 21843]);

/**
 * Finds the classifier of a network, or says what the network is instead.
 *
 * @param facts shapes of values, as far as they are known; without them the structure alone decides
 * @example
 * const network = networkOf(model.graph, facts);
 * if (network.kind === 'classifier') console.log(network.classes, network.features.value);
 */
export function networkOf(graph: Graph, facts: FactsByName = new Map(), functions: readonly string[] = []): Network {
  const missing = missingDomains(graph, functions);
  if (missing.length > 0) {
    const names = missing.map(({ domain, operators }) => `${domain} (${operators.join(', ')})`);
    const reason = `it needs operators that onnxruntime does not have by itself: ${names.join('; ')}`;
    return { kind: 'other', reason, missing, ...lastCutOf(graph, facts) };
  }
  const wiring = wiringOf(graph, facts);
  const ends = endsOf(wiring);
  const [only] = ends;
  if (only === undefined) return { kind: 'other', reason: 'it has no output that depends on its input' };
  const found = ends.map(end => classifierAt(wiring, end));
  const first = found[0];
  if (first && found.every(other => other?.node === first.node)) return first;
  if (ends.length > 1) {
    const kind = ends.some(end => looksLikeBoxes(wiring, end)) ? 'detector' : 'other';
    const what = kind === 'detector' ? 'a detector' : 'no classifier of one answer';
    return { kind, reason: `it has ${ends.length} outputs (${ends.join(', ')}): ${what}`, ...lastCutOf(graph, facts) };
  }
  return headlessAt(wiring, only) ?? otherAt(wiring, only);
}

/** Outputs that are not on the way to another output: a network that also gives its features has one end. */
function endsOf(wiring: Wiring): string[] {
  const outputs = wiring.graph.outputs.map(({ name }) => name).filter(name => wiring.isData(name));
  const behind = new Set<string>();
  for (const output of outputs) {
    const seen = new Set<string>();
    const pending = [...(wiring.producer(output)?.inputs ?? [])];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (seen.has(name) || name === output) continue;
      seen.add(name);
      pending.push(...(wiring.producer(name)?.inputs ?? []));
    }
    for (const name of seen) behind.add(name);
  }
  return outputs.filter(name => !behind.has(name));
}

interface Tail {
  readonly weighted: Weighted;
  readonly activation: ClassifierNetwork['activation'];
  readonly logits: string;
  /** Global pooling lies behind the weights, and perhaps an activation or a normalization between them. */
  readonly isPooled: boolean;
  readonly between: readonly Node[];
}

/** Walks back from an output to the last node with weights. */
function tailOf(wiring: Wiring, output: string): Tail | undefined {
  let value = output;
  let logits: string | undefined;
  let activation: Tail['activation'] = 'none';
  let isPooled = false;
  const between: Node[] = [];
  for (;;) {
    const node = wiring.producer(value);
    if (!node) return undefined;
    const weighted = weightsOf(wiring, node);
    if (weighted) return { weighted, activation, logits: logits ?? output, isPooled, between };
    const probability = probabilities.get(node.op);
    const next = throughOf(wiring, node, value);
    if (next === undefined) return undefined;
    if (probability && !isPooled) {
      activation = probability;
      logits = floatBehind(wiring, next);
    } else if (node.op === 'ArgMax' || node.op === 'TopK' || node.op === 'Hardmax') logits = next;
    else if (isGlobalPool(wiring, node)) isPooled = true;
    else if (isPooled && (isActivation(node) || node.op === 'BatchNormalization')) between.push(node);
    else if (!isBlank(node) && !isTailOp(node)) return undefined;
    value = next;
  }
}

const probabilities: ReadonlyMap<string, Tail['activation']> = new Map([
  ['Softmax', 'softmax'],
  ['QLinearSoftmax', 'softmax'],
  ['LogSoftmax', 'log-softmax'],
  ['Sigmoid', 'sigmoid'],
  ['QLinearSigmoid', 'sigmoid'],
]);

/** What may be done to logits: a bias, a temperature, a repetition. */
const isTailOp = ({ op }: Node): boolean =>
  ['Add', 'Sub', 'Mul', 'Div', 'QLinearAdd', 'QLinearMul', 'Loop'].includes(op);

/** The one value that a node passes on, or undefined where it reads several. */
function throughOf(wiring: Wiring, node: Node, output: string): string | undefined {
  // The i-th value that a Loop carries is its input 2 + i.
  if (node.op === 'Loop') return node.inputs[2 + node.outputs.indexOf(output)];
  const [data, ...more] = wiring.dataInputs(node);
  return more.length > 0 ? undefined : data;
}

/** Before a quantized value, the float one. */
function floatBehind(wiring: Wiring, value: string): string {
  const node = wiring.producer(value);
  return node?.op === 'QuantizeLinear' ? node.inputs[0]! : value;
}

function classifierAt(wiring: Wiring, output: string): ClassifierNetwork | undefined {
  const tail = tailOf(wiring, output);
  if (!tail) return undefined;
  const { weighted, isPooled, activation, logits } = tail;
  const classes = weighted.outputs ?? lastNumber(wiring.shape(output));
  if (classes === undefined || !isPerPicture(wiring, output, classes)) return undefined;
  if (isPooled && !isClassifierBeforePool(wiring, tail, output, classes)) return undefined;
  if (!isPooled && activation === 'none' && namesFeatures(output)) return undefined;
  const entering = enteringOf(wiring, weighted.data);
  const pool = isPooled || isMap(wiring, entering) ? 'average' : 'none';
  const last = pointOf(entering, pool, weighted.inputs);
  const first = pool === 'none' ? beforeHiddenLayers(wiring, entering) : undefined;
  const found = { kind: 'classifier', classes, background: withBackground.has(classes), activation, logits } as const;
  const node = weighted.node.name || weighted.node.outputs[0]!;
  if (!first) return { ...found, features: last, node };
  // A hidden layer narrower than what enters it was learnt for these classes: what serves others lies before it.
  const isNarrow = (first.width ?? 0) > (last.width ?? Infinity);
  return { ...found, node, features: isNarrow ? first : last, hidden: isNarrow ? last : first };
}

const pointOf = (value: string, pool: FeaturePoint['pool'], width: number | undefined): FeaturePoint => ({
  value,
  pool,
  ...(width === undefined ? {} : { width }),
});

/** One number per class and picture: [N, K], [N, K, 1, 1], [N, 1, 1, K] or unknown. */
function isPerPicture(wiring: Wiring, output: string, classes: number): boolean {
  const shape = wiring.shape(output)?.slice(1);
  return !shape || shape.every(dim => typeof dim !== 'number' || dim === 1 || dim === classes);
}

/** A 1x1 Conv before global pooling: classifier (SqueezeNet, Darknet, NiN) or the last layer of a backbone? */
function isClassifierBeforePool(wiring: Wiring, { weighted, activation, between }: Tail, output: string, k: number) {
  if (weighted.kernel !== 1 || between.some(({ op }) => op === 'BatchNormalization')) return false;
  if (activation !== 'none' || between.length === 0) return true;
  if (namesFeatures(output)) return false;
  const hasDropout = wiring.producer(weighted.data)?.op === 'Dropout';
  return between.every(({ op }) => op === 'Relu') && (hasDropout || usualCounts.has(k) || namesClasses(output));
}
const namesFeatures = (name: string): boolean => /feat|embed|backbone|penultimate/i.test(name);
const namesClasses = (name: string): boolean => /logit|prob|softmax|class|score/i.test(name);

/** What enters a node, before dropout and before quantization where its float is at hand. */
function enteringOf(wiring: Wiring, value: string): string {
  let at = floatBehind(wiring, value);
  for (let node = wiring.producer(at); node && (node.op === 'Dropout' || node.op === 'Identity');) {
    at = node.inputs[0]!;
    node = wiring.producer(at);
  }
  return at;
}

const isMap = (wiring: Wiring, value: string): boolean => {
  const shape = wiring.shape(value);
  return shape?.length === 4 && shape.slice(2).some(dim => dim !== 1);
};

/** Where a head of several layers begins: the pooled value before its first layer. */
function beforeHiddenLayers(wiring: Wiring, entering: string): FeaturePoint | undefined {
  let found: FeaturePoint | undefined;
  let at = entering;
  for (;;) {
    const layer = previousLayer(wiring, at);
    if (!layer) return found;
    at = enteringOf(wiring, layer.data);
    if (isMap(wiring, at) || !isPooled(wiring, at)) {
      if (!previousLayer(wiring, at)) return found;
    } else found = pointOf(at, 'none', layer.inputs);
  }
}

/** The layer whose output reaches `value` through activations only (x·Φ(x) and its like read it twice). */
function previousLayer(wiring: Wiring, value: string): Weighted | undefined {
  const pending = [value];
  const seen = new Set<string>();
  let layer: Weighted | undefined;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const node = wiring.producer(name);
    if (!node) return undefined;
    const weighted = weightsOf(wiring, node);
    if (weighted) {
      if ((layer && layer.node !== node) || weighted.kind === 'Conv') return undefined;
      layer = weighted;
    } else if (isActivation(node) || isBlank(node) || isTailOp(node)) pending.push(...wiring.dataInputs(node));
    else return undefined;
  }
  return layer;
}

/** Whether a value comes from global pooling or from one token of many. */
function isPooled(wiring: Wiring, value: string): boolean {
  for (let node = wiring.producer(value); node; node = wiring.producer(wiring.dataInputs(node)[0] ?? '')) {
    if (isGlobalPool(wiring, node) || node.op === 'Gather' || node.op === 'Slice' || node.op === 'ReduceMax')
      return true;
    if (!isBlank(node) && node.op !== 'LayerNormalization') return false;
    if (isMap(wiring, wiring.dataInputs(node)[0] ?? '')) return false;
  }
  return false;
}

/** A network whose output is its features. */
function headlessAt(wiring: Wiring, output: string): HeadlessNetwork | undefined {
  const shape = wiring.shape(output);
  const width = lastNumber(shape?.slice(0, 2));
  const isFlat = shape ? shape.length === 2 || (shape.length === 4 && !isMap(wiring, output)) : undefined;
  if (isFlat ?? isPooled(wiring, output)) return { kind: 'headless', features: pointOf(output, 'none', width) };
  // A map is the end of a backbone where it is much smaller than the picture.
  const [input] = wiring.graph.inputs.filter(({ name }) => wiring.isData(name));
  const [side, from] = [shape?.[2], input?.shape?.[2]];
  if (shape?.length === 4 && typeof side === 'number' && typeof from === 'number' && side * 8 <= from)
    return { kind: 'headless', features: pointOf(output, 'average', width) };
  return undefined;
}

function otherAt(wiring: Wiring, output: string): OtherNetwork {
  const shape = wiring.shape(output);
  const isDetector = looksLikeBoxes(wiring, output);
  const what = isDetector ? 'a list of boxes' : shape?.length === 4 ? 'a picture or a map' : 'no list of classes';
  const shown = shape ? ` [${shape.map(dim => dim || '?').join(', ')}]` : '';
  return {
    kind: isDetector ? 'detector' : 'other',
    reason: `its output ${output}${shown} is ${what}`,
    ...lastCutOf(wiring.graph, wiring.facts),
  };
}

/** Boxes have four numbers each; lists of them have rank 3; some networks pick among them. */
function looksLikeBoxes(wiring: Wiring, output: string): boolean {
  const shape = wiring.shape(output);
  if (/box|anchor|detection/i.test(output) || wiring.graph.nodes.some(({ op }) => op === 'NonMaxSuppression'))
    return true;
  return shape?.length === 3 && shape.slice(1).some(dim => typeof dim === 'number' && dim >= 100);
}

const lastCutOf = (graph: Graph, facts: FactsByName): { lastCut?: string } => {
  const last = cutsOf(graph, facts).at(-1)?.values[0];
  return last === undefined ? {} : { lastCut: last };
};

const lastNumber = (shape: readonly (number | string)[] | undefined): number | undefined =>
  shape?.findLast(dim => typeof dim === 'number' && dim > 1) as number | undefined;
