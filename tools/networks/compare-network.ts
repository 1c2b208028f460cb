// One network's loss, logits and gradients against PyTorch in float64 on the same file, seed by seed, and the same of
// its smooth twin. Every float constant that PyTorch has a gradient for is compared. Those that training would change
// decide; the others (bounds of Clip, scales of attention) are told beside them. Usage: imported by compare-gradients.ts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crossEntropy, logitsOf, networkTrainingModel, trainableNetwork } from '../../src/artifacts/index.js';
import { trainableFrom } from '../../src/autodiff/index.js';
import { floats, GraftError, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { feedsOf, type Model } from '../../src/graph/index.js';
import { trainableWeights, wiringOf } from '../../src/inspect/index.js';
import { coreOperators } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { convert } from '../../src/workflows/convert.js';
import { openTrainable, type TrainableFile } from '../../src/workflows/open-trainable.js';
import { median } from '../bench/measure.js';
import { compareSeed, normOf, type Found, type Worst } from './compare-seed.js';
import { exporterOf, trainabilityOf, type Trainability } from './trainability.js';
import { openPeer, type GradientPeer } from './gradient-peer.js';

/** How networks are compared. */
export interface CompareOptions {
  readonly python: string;
  /** The folder of onnx_torch.py and smooth_twin.py. */
  readonly peers: string;
  readonly seeds: number;
  /** Where so many seeds miss the limit, ten more at a time, up to this many. */
  readonly mostSeeds: number;
  readonly twinSeeds: number;
  /** Height and width where a network leaves them open. */
  readonly size: number;
  readonly tell: (what: string) => void;
}

/** What the comparison says of one file. Errors are relative L2 errors. */
export interface ComparedNetwork extends Trainability {
  readonly file: string;
  readonly exporter: string;
  /** Made float by `graft convert --dequantize` before anything was compared. */
  readonly dequantized: boolean;
  /** Inputs by seed. */
  readonly seeds: number;
  /** Median over the seeds of the worst weight's error, and that weight in the seed nearest to it. */
  readonly worst: number | null;
  readonly worstParameter: string;
  /** The same median of PyTorch in float32. */
  readonly peer: number | null;
  /** The largest of the worst errors on the smooth twin, and of PyTorch's in float32 there. */
  readonly twin: number | null;
  readonly twinPeer: number | null;
  /** Largest errors over the seeds. */
  readonly loss: number | null;
  readonly logits: number | null;
  /** Other constants that have a gradient: how many, the median of the worst error, PyTorch's, and which it is. */
  readonly others: {
    readonly count: number;
    readonly worst: number;
    readonly peer: number;
    readonly name: string;
  } | null;
  /** Float constants that PyTorch has a gradient for and no rule of ours leads to. */
  readonly leftOut: readonly string[];
  readonly passed: boolean;
  readonly error?: string;
}

const limit = 1e-4;
const runtime = nodeRuntime();

/** Compares one file. What goes wrong is told in the result. */
export async function compareNetwork(path: string, options: CompareOptions): Promise<ComparedNetwork> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-gradients-'));
  let known: ComparedNetwork = { file: path, exporter: '', dequantized: false, seeds: 0, parameters: 0, trainableFrom: null, worst: null, worstParameter: '', peer: null, twin: null, twinPeer: null, loss: null, logits: null, others: null, leftOut: [], passed: false }; // prettier-ignore
  let peer: GradientPeer | undefined;
  try {
    let [file, opened] = [path, openTrainable(path, options)];
    known = { ...known, exporter: exporterOf(opened.file.model) };
    if (opened.file.model.graph.nodes.some(({ op }) => op === 'DequantizeLinear')) {
      file = join(folder, 'float.onnx');
      options.tell('making it float');
      await convert(path, { out: file, dequantize: true, size: options.size, force: true }, runtime);
      opened = openTrainable(file, options);
      known = { ...known, dequantized: !opened.inspection.quantized };
    }
    known = { ...known, ...trainabilityOf(opened.model) };
    if (known.parameters > 0 && known.trainableFrom !== 'all') refuse(opened.model);
    const { shape, ...input } = inputOf(opened);
    peer = openPeer({ ...options, file, folder, ...input, logits: logitsOf(opened.model.graph) });
    const { found, own, others, leftOut } = await compareSeeds(opened, peer, 'itself', shape(1), options);
    const most = (of: (it: Found) => number, list = found) => list.reduce((high, it) => Math.max(high, of(it)), 0);
    const { worst, name, peer: theirs } = middle(found.map(it => it.weights));
    known = {
      ...known,
      seeds: found.length,
      parameters: own.length,
      worst,
      worstParameter: name,
      peer: theirs,
      loss: most(it => it.loss),
      logits: most(it => it.logits),
      others: others.length > 0 ? { count: others.length, ...middle(found.map(it => it.others)) } : null,
      leftOut,
    };
    // Nothing of the network itself is needed now.
    opened = undefined as never;
    await peer.ask(0, true, shape(2));
    const twin = (
      await compareSeeds(openTrainable(join(folder, 'twin.onnx'), options), peer, 'twin', shape(2), options)
    ).found;
    const twinWorst = most(it => it.weights.worst, twin);
    const passed = isNear(middle(found.map(it => it.weights))) && twinWorst <= limit;
    return { ...known, twin: twinWorst, twinPeer: most(it => it.weights.peer, twin), passed };
  } catch (error) {
    const said = error instanceof GraftError ? `${error.code}: ${error.message}` : String(error);
    return { ...known, error: said.slice(0, 500) };
  } finally {
    peer?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What stands in the way, in the words of those who would train it. */
function refuse(model: Model): void {
  const names = trainableWeights(wiringOf(model.graph)).map(({ name }) => name);
  networkTrainingModel(trainableNetwork(model, { trainable: names }), crossEntropy());
}

/** Whether the medians are within the limit. */
const isNear = ({ worst, peer }: Worst) => worst <= Math.max(limit, 3 * peer);

/** The medians over the seeds, and the weight of the seed that is nearest to ours. */
function middle(seeds: readonly Worst[]): Worst {
  const worst = median(seeds.map(it => it.worst));
  const { name } = seeds.reduce((a, b) => (Math.abs(b.worst - worst) < Math.abs(a.worst - worst) ? b : a));
  return { worst, name, peer: median(seeds.map(it => it.peer)) };
}

/** The picture as the file itself takes it; as many as are asked for where it takes any number. */
function inputOf({ file, model }: TrainableFile) {
  const fed = feedsOf(model.graph);
  const [input] = fed;
  if (!input || fed.length > 1)
    throw new Error(`takes ${fed.length} inputs (${fed.map(({ name }) => name).join(', ')}), not one`);
  const own = file.model.graph.inputs.find(({ name }) => name === input.name);
  const shape = (pictures: number) =>
    (input.shape ?? []).map((dim, axis) => {
      const said = own?.shape?.[axis];
      if (typeof said === 'number') return said;
      if (typeof dim === 'number') return dim;
      if (axis === 0) return pictures;
      throw new Error(`input ${input.name} has no size at axis ${axis}`);
    });
  return { input: input.name, shape, type: input.type ?? 'float32' };
}

async function compareSeeds(
  { model }: TrainableFile,
  peer: GradientPeer,
  which: 'itself' | 'twin',
  shape: readonly number[],
  options: CompareOptions,
) {
  const twin = which === 'twin';
  const ask = (seed: number) => {
    options.tell(`${twin ? 'twin, ' : ''}seed ${seed}`);
    return peer.ask(seed, twin, shape);
  };
  let theirs = await ask(0);
  const { network, training, own, leftOut } = comparable(model, theirs.tensors);
  const others = network.parameters.flatMap(({ name }) => (own.includes(name) ? [] : [name]));
  const session = await runtime.open(encodeModel(training));
  try {
    const found: Found[] = [];
    const isSettled = () => twin || found.length >= options.mostSeeds || isNear(middle(found.map(it => it.weights)));
    for (let count = twin ? options.twinSeeds : options.seeds; found.length < count; isSettled() || (count += 10))
      while (found.length < count) {
        if (found.length > 0) theirs = await ask(found.length);
        found.push(await compareSeed(runtime, session, network, { own, others }, theirs));
      }
    return { found, own, others, leftOut };
  } finally {
    await session.close();
  }
}

/**
 * The training graph of everything that PyTorch has a gradient for. A weight that trains here and is not known there, or
 * one known there that did not come through the door under its name, is an error: nothing falls out in silence.
 */
function comparable(model: Model, theirs: ReadonlyMap<string, Tensor>) {
  const { graph } = model;
  const logits = logitsOf(graph);
  const norms = new Map([...theirs].flatMap(([key, it]) => (key.startsWith('grad:') ? [[key.slice(5), normOf(floats(it))] as const] : []))); // prettier-ignore
  const whole = Math.hypot(...[...norms.values()].filter(Number.isFinite));
  const reached = [...norms].flatMap(([name, norm]) => (norm > 1e-7 * whole || Number.isNaN(norm) ? [name] : []));
  const own = trainableWeights(wiringOf(graph)).map(({ name }) => name);
  const changed = reached.filter(name => !graph.initializers.has(name));
  if (changed.length > 0) throw new Error(`weights of PyTorch's are none behind the door: ${some(changed)}`);
  const isOpen = (name: string) =>
    graph.initializers.get(name)?.type === 'float32' &&
    Number.isFinite(norms.get(name)) &&
    trainableFrom(graph, coreOperators, { parameters: [name], outputs: [logits] }).blockers.length === 0;
  const more = reached.filter(name => !own.includes(name) && isOpen(name));
  const names = new Set([...own, ...more]);
  for (;;) {
    const network = trainableNetwork(model, { trainable: names, logits });
    try {
      const training = networkTrainingModel(network, crossEntropy());
      const unknown = [...names].filter(name => !norms.has(name));
      if (unknown.length > 0) throw new Error(`no gradient of PyTorch's for: ${some(unknown)}`);
      if (names.size === 0) throw new Error('no weight that trains');
      return { network, training, own: own.filter(name => names.has(name)), leftOut: reached.filter(name => !names.has(name)) }; // prettier-ignore
    } catch (error) {
      // A weight on no way to the logits is none of these, unless PyTorch has a gradient for it.
      const name =
        error instanceof GraftError && error.code === 'ARTIFACTS_NO_PATH' ? String(error.details['name']) : '';
      if (!names.delete(name) || own.includes(name) && reached.includes(name)) throw error; // prettier-ignore
    }
  }
}

const some = (names: readonly string[]) => names.slice(0, 5).join(', ') + (names.length > 5 ? `, … (${names.length})` : ''); // prettier-ignore
