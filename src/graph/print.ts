// A graph as text that a person reads: one node a line, values with their types where they are made.
//   scattering (input: float32[N,3,64,64]) → (features: float32[N,223])
//   weights
//     luma  float32[1,3,1,1]
//     conv = Conv(input, luma)  {pads=[1,1,1,1]}  : float32[N,1,64,64]

import { printable, type DataType, type Tensor } from '../base/index.js';
import type { Attribute, Dim, Graph, Initializer, LocalFunction, Model, Node, ValueInfo } from './model.js';

/** How much is shown. */
export interface PrintOptions {
  /** Constants of at most so many elements are shown by their values where they are read. @default 8 */
  readonly inline?: number;
}

/** A model as text: opsets and metadata, its graph, its functions. */
export function printModel(model: Model, options: PrintOptions = {}): string {
  const opsets = [...model.opsets].map(([domain, version]) => `${printable(domain || 'ai.onnx')} ${version}`);
  const head = [`IR ${model.irVersion}, ${opsets.join(', ')}`];
  if (model.producerName) head.push(`by ${printable([model.producerName, model.producerVersion].join(' ').trim())}`);
  for (const [key, value] of model.metadata) head.push(`${printable(key)}: ${printable(value).slice(0, 100)}`);
  const functions = model.functions.map(local => printFunction(local, options));
  return [head.join('\n'), printGraph(model.graph, options), ...functions].join('\n\n').concat('\n');
}

/**
 * A graph as text.
 *
 * @example
 * console.log(printGraph(model.graph));
 */
export function printGraph(graph: Graph, { inline = 8 }: PrintOptions = {}): string {
  const shown = new Map([...graph.initializers].filter(([, held]) => isSmall(held, inline)));
  const weights = [...graph.initializers].filter(([name]) => !shown.has(name));
  const infos = new Map<string, ValueInfo>([
    ...graph.values,
    ...graph.outputs.map(output => [output.name, output] as const),
  ]);
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map(declared);
  const lines = [
    `${printable(graph.name || 'graph')} (${inputs.join(', ')}) → (${graph.outputs.map(declared).join(', ')})`,
  ];
  if (weights.length > 0) lines.push('weights');
  for (const [name, held] of weights) lines.push(`  ${printable(name)}  ${typeText(held.type, held.shape)}`);
  for (const sparse of graph.sparseInitializers)
    lines.push(`  ${printable(sparse.name)}  sparse ${typeText(sparse.values.type, sparse.shape)}`);
  return [...lines, ...nodeLines(graph.nodes, infos, shown, { inline })].join('\n');
}

function printFunction(local: LocalFunction, options: PrintOptions): string {
  const name = [local.domain, local.name].map(printable).join('::');
  const head = `function ${name} (${local.inputs.map(printable).join(', ')}) → (${local.outputs.map(printable).join(', ')})`;
  return [head, ...nodeLines(local.nodes, local.values, new Map(), options)].join('\n');
}

function nodeLines(
  nodes: readonly Node[],
  infos: ReadonlyMap<string, ValueInfo>,
  shown: ReadonlyMap<string, Initializer>,
  options: PrintOptions,
): string[] {
  const left = Math.min(32, Math.max(0, ...nodes.map(node => made(node).length)));
  return nodes.flatMap(node => {
    const read = node.inputs.map(name => {
      const held = shown.get(name);
      return held ? valuesText(held) : name ? printable(name) : '∅';
    });
    const operator = printable(node.domain ? `${node.domain}::${node.op}` : node.op);
    const plain = [...node.attributes].filter(([, { kind }]) => kind !== 'graph' && kind !== 'graphs');
    const settings = plain.map(([name, attribute]) => `${printable(name)}=${attributeText(attribute)}`);
    const types = node.outputs.filter(Boolean).map(name => infoText(infos.get(name)));
    const parts = [
      `${made(node).padEnd(left)} = ${operator}(${read.join(', ')})`,
      settings.length > 0 ? `{${settings.join(' ')}}` : '',
      types.some(Boolean) ? `: ${types.map(type => type || '?').join(', ')}` : '',
    ];
    const bodies = [...node.attributes].flatMap(([name, attribute]) => {
      const graphs =
        attribute.kind === 'graph' ? [attribute.value] : attribute.kind === 'graphs' ? attribute.value : [];
      return graphs.flatMap(inner => [`  ${printable(name)}:`, ...indented(printGraph(inner, options))]);
    });
    return [`  ${parts.filter(Boolean).join('  ')}`, ...bodies.map(line => `  ${line}`)];
  });
}

const made = (node: Node): string => node.outputs.map(name => (name ? printable(name) : '∅')).join(', ');
const indented = (text: string): string[] => text.split('\n').map(line => `    ${line}`);

const dimText = (dim: Dim): string => (typeof dim === 'number' ? String(dim) : dim ? printable(dim) : '?');
const typeText = (type: DataType, shape: readonly Dim[] | undefined): string =>
  shape ? `${type}[${shape.map(dimText).join(',')}]` : `${type}[…]`;
const infoText = (info: ValueInfo | undefined): string => (info?.type ? typeText(info.type, info.shape) : '');
const declared = (info: ValueInfo): string => `${printable(info.name)}${info.type ? `: ${infoText(info)}` : ''}`;

const count = ({ shape }: Tensor): number => shape.reduce((a, b) => a * b, 1);
const isSmall = (held: Tensor, most: number): boolean =>
  held.type !== 'string' && count(held) <= most && numbersOf(held) !== undefined;

/** The numbers of the common types; undefined for the others. */
function numbersOf({ type, bytes }: Tensor): readonly (number | bigint)[] | undefined {
  const own = new Uint8Array(bytes).buffer;
  if (type === 'float32') return [...new Float32Array(own)];
  if (type === 'float64') return [...new Float64Array(own)];
  if (type === 'int64') return [...new BigInt64Array(own)];
  if (type === 'int32') return [...new Int32Array(own)];
  if (type === 'uint8' || type === 'bool') return [...new Uint8Array(own)];
  if (type === 'int8') return [...new Int8Array(own)];
  return undefined;
}

/** `0.5` of a scalar, `[1,2]` of a vector, `int64[2,2]{…}` of more. */
function valuesText(held: Tensor): string {
  const list = numbersOf(held)!.map(numberText);
  if (held.shape.length === 0) return list[0]!;
  if (held.shape.length === 1) return `[${list.join(',')}]`;
  return `${typeText(held.type, held.shape)}{${list.join(',')}}`;
}
const numberText = (value: number | bigint): string =>
  typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : String(value);

function attributeText(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'int':
    case 'float':
      return numberText(attribute.value);
    case 'ints':
    case 'floats':
      return `[${attribute.value.map(numberText).join(',')}]`;
    case 'string':
      return `"${printable(attribute.value)}"`;
    case 'strings':
      return `[${attribute.value.map(one => `"${printable(one)}"`).join(',')}]`;
    case 'tensor':
      return isSmall(attribute.value, 8)
        ? valuesText(attribute.value)
        : typeText(attribute.value.type, attribute.value.shape);
    case 'reference':
      return `@${printable(attribute.value)}`;
    default:
      return attribute.kind;
  }
}
