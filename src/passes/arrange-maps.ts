// Writes a network so that its Convs are matrix products wherever that is faster, maps stored as the products want them.
// One walk in the order of the nodes: a Conv takes its map in the arrangement that was chosen for it, every other
// operator takes maps in whatever order they come, and elements move only where somebody asks for an order that a map is
// not in yet. Weights are made in the order in which they are read. Parameters keep their names and shapes.

import { Builder, renameNode, subgraphsOf, type Dim, type Graph, type Node } from '../graph/index.js';
import { Conv, coreOperators, padsOf } from '../operators/index.js';
import { arranged, plainOrder, type Arranged } from './arranged.js';
import { convolvedInColumns, convolvedInRows } from './arrange-convolution.js';
import { convolvedByChannel } from './arrange-depthwise.js';
import { convolvedByTiles } from './arrange-tiles.js';
import { emit, handlers, remadePointwise, type ArrangedSite } from './arrange-operators.js';
import { finestTile, longestTile } from './tile-bases.js';
import { cheapestTiles, chooseArrangements, type Arrangement, type ConvolutionSizes } from './choose-arrangement.js';
import { fedValues } from './fed-values.js';
import { pass, type Pass } from './pass.js';
import { reserveNames, withOutputNames } from './rewrite.js';

/** What {@link arrangeMaps} must know. */
export interface ArrangeOptions {
  /** Inputs of the graph that are trained. */
  readonly parameters: ReadonlySet<string>;
  /** Whether sums must be as exact as those of the plain Conv: tiles stay short then. @default false */
  readonly isExact?: boolean;
  /** In which arrangement a Conv works. @default the cheapest, by its sizes */
  readonly choose?: typeof chooseArrangements;
}

/** Convs as matrix products on maps stored for them, where their sizes say that this is faster. Sizes must be numbers. */
export const arrangeMaps = ({ parameters, isExact = false, choose = chooseArrangements }: ArrangeOptions): Pass =>
  pass('arrange-maps', (model, tell) => {
    const { graph } = model;
    if (graph.nodes.some(node => subgraphsOf(node).length > 0)) return model;
    const fed = fedValues(graph, parameters);
    const shapeOf = shapesOf(graph);
    const longest = isExact ? finestTile : longestTile;
    const convolutions = graph.nodes
      .flatMap(node => geometryOf(node, fed, shapeOf) ?? [])
      .map(one => ({ ...one, longest }));
    const choices = choose(graph, convolutions, fed, name => {
      const shape = shapeOf(name);
      return shape?.reduce((a, b) => a * b, 1);
    });
    const count = [...choices.values()].filter(one => one !== 'planes').length;
    if (count === 0) return model;
    tell(`wrote ${count} of ${convolutions.length} Convs as matrix products`);
    return { ...model, graph: new Walk(graph, fed, choices, convolutions, shapeOf).run() };
  });

type ShapeOf = (name: string) => readonly number[] | undefined;

class Walk {
  readonly #builder: Builder;
  readonly #values = new Map<string, Arranged>();
  readonly #geometry: ReadonlyMap<Node, ConvolutionSizes>;
  constructor(
    readonly graph: Graph,
    readonly fed: ReadonlySet<string>,
    readonly choices: ReadonlyMap<Node, Arrangement>,
    convolutions: readonly ConvolutionSizes[],
    readonly shapeOf: ShapeOf,
  ) {
    this.#builder = new Builder(graph.name);
    this.#geometry = new Map(convolutions.map(one => [one.node, one]));
  }

  run(): Graph {
    const { graph } = this;
    const builder = this.#builder;
    reserveNames(builder, graph);
    for (const { name, type, shape } of graph.inputs)
      if (!graph.initializers.has(name))
        this.#values.set(name, arranged(builder.input(name, type ?? 'float32', shape ?? [])));
    for (const [name, data] of graph.initializers) this.#values.set(name, arranged(builder.parameter(name, data)));
    for (const node of graph.nodes) {
      const made = this.#convolved(node) ?? this.#handled(node) ?? this.#plain(node);
      node.outputs.forEach((name, i) => {
        if (name && made[i]) this.#values.set(name, made[i]);
      });
    }
    for (const { name } of graph.outputs) builder.outputs.push({ name, value: this.#plainOf(name) });
    return withOutputNames(builder, graph);
  }

  #plainOf(name: string) {
    const found = this.#values.get(name)!;
    return found.in(plainOrder(found.shape.length));
  }

  #convolved(node: Node): readonly Arranged[] | undefined {
    const choice = this.choices.get(node);
    const geometry = this.#geometry.get(node);
    if (!geometry || !choice || choice === 'planes') return undefined;
    const [x, weight, bias] = node.inputs.map(name => this.#values.get(name));
    const { group, out, window } = geometry;
    const convolution = { x: x!, weight: weight!, ...(bias ? { bias } : {}), group, out, window };
    if (weight!.shape[1] === 1 && group === x!.shape[1]) return [convolvedByChannel(convolution)];
    if (choice === 'tiles') return [convolvedByTiles(convolution, cheapestTiles(geometry)!.sizes)];
    return [choice === 'rows' && group === 1 ? convolvedInRows(convolution) : convolvedInColumns(convolution)];
  }

  /** By a handler that takes any order, where the shapes are numbers. */
  #handled(node: Node): readonly Arranged[] | undefined {
    const out = node.outputs[0] === undefined ? undefined : this.shapeOf(node.outputs[0]);
    const isKnown = [...node.inputs, ...node.outputs].every(name => !name || this.shapeOf(name));
    if (!out || !isKnown || node.domain !== '') return undefined;
    const inputs = node.inputs.map(name => (name ? this.#values.get(name) : undefined));
    const { initializers } = this.graph;
    const constant = (i: number) => {
      const held = initializers.get(node.inputs[i] ?? '');
      return held && (arrayOf(this.#builder.value(node.inputs[i]!).known) ?? undefined);
    };
    const site: ArrangedSite = { node, builder: this.#builder, inputs, out, constant };
    if (node.outputs.some(name => this.fed.has(name))) return handlers.get(node.op)?.(site);
    const remake = remadePointwise(site);
    return remake && [arranged(remake(plainOrder(out.length)), plainOrder(out.length), remake)];
  }

  /** As it was, in ONNX's order. */
  #plain(node: Node): readonly (Arranged | undefined)[] {
    const builder = this.#builder;
    const inputs = node.inputs.map(name => (name ? this.#plainOf(name) : undefined));
    if (coreOperators.get(node.domain, node.op)) return emit(builder, node, inputs).map(value => arranged(value));
    const renamed = new Map(node.inputs.flatMap((name, i) => (name ? [[name, inputs[i]!.name] as const] : [])));
    builder.adopt(renameNode(node, renamed), name => this.graph.values.get(name));
    return node.outputs.map(name => (name && builder.has(name) ? arranged(builder.value(name)) : undefined));
  }
}

const arrayOf = (known: readonly Dim[] | undefined): readonly number[] | undefined =>
  known?.every(dim => typeof dim === 'number') ? known : undefined;

/** Shapes of all values, where every dimension is a number. */
function shapesOf(graph: Graph): ShapeOf {
  const shapes = new Map<string, readonly number[]>();
  for (const { name, shape } of [...graph.inputs, ...graph.values.values(), ...graph.outputs]) {
    const known = arrayOf(shape);
    if (known) shapes.set(name, known);
  }
  for (const [name, { shape }] of graph.initializers) shapes.set(name, shape);
  return name => shapes.get(name);
}

/** A Conv on something fed, with weights that do not depend on it and sizes that are numbers. */
function geometryOf(node: Node, fed: ReadonlySet<string>, shapeOf: ShapeOf): ConvolutionSizes | undefined {
  if (node.op !== 'Conv' || node.domain !== '') return undefined;
  const [x, weight, out] = [node.inputs[0]!, node.inputs[1]!, node.outputs[0]!].map(shapeOf);
  if (!x || !weight || !out || !fed.has(node.inputs[0]!) || node.inputs.slice(1).some(name => fed.has(name)))
    return undefined;
  const attribute = (name: keyof (typeof Conv)['spec']['attributes']) => node.attributes.get(name as string);
  const listed = (name: string, otherwise: readonly number[]) => {
    const found = attribute(name);
    return found?.kind === 'ints' ? found.value : otherwise;
  };
  const ones = x.slice(2).map(() => 1);
  const kernel = weight.slice(2);
  const [strides, dilations] = [listed('strides', ones), listed('dilations', ones)];
  const given = attribute('auto_pad');
  const pads = padsOf(x.slice(2), {
    kernel,
    strides,
    dilations,
    pads: listed('pads', []),
    auto_pad: given?.kind === 'string' ? given.value : 'NOTSET',
  });
  const group = attribute('group');
  if (!pads || pads.some(pad => pad < 0)) return undefined;
  const window = { kernel, strides, dilations, pads };
  return { node, x, weight, out, group: group?.kind === 'int' ? group.value : 1, window };
}
