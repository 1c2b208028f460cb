// A Model back to bytes: the same field numbers as decode.ts. What was kept as bytes (`extra`, `typeBytes`, `raw`) is
// written as it was read; big tensors are copied once, into the file.

import type {
  Attribute,
  Dim,
  Graph,
  Initializer,
  LocalFunction,
  Model,
  Node,
  SparseTensor,
  ValueInfo,
} from '../graph/index.js';
import { errors } from './errors.js';
import { encodeTensor, numberOf, type ExternalRange } from './tensors.js';
import { Writer } from './wire.js';

/** The protobuf format itself ends here. */
const maxBytes = 2 ** 31 - 1;

export interface EncodeOptions {
  /** Weights of the main graph that lie in another file, byte for byte, and where. @default all are written inside */
  readonly external?: (weight: Initializer) => ExternalRange | undefined;
}

/**
 * Writes a model as the bytes of an `.onnx` file. Tensors that came from external data are written inside.
 *
 * @throws ONNX_LIMIT_BYTES where the file would pass 2 GiB
 * @example
 * await writeFile('clean.onnx', encodeModel(model));
 */
export function encodeModel(model: Model, { external }: EncodeOptions = {}): Uint8Array {
  const writer = new Writer().varint(1, model.irVersion);
  writer.word(2, model.producerName).word(3, model.producerVersion).word(4, model.domain);
  if (model.modelVersion !== 0n) writer.varint(5, model.modelVersion);
  writer.word(6, model.doc);
  writer.message(7, graphOf(model.graph, external));
  for (const [domain, version] of model.opsets) writer.message(8, opsetOf(domain, version));
  for (const [key, value] of model.metadata) writer.message(14, new Writer().word(1, key).word(2, value));
  for (const local of model.functions) writer.message(25, functionOf(local));
  writer.raw(model.extra);
  if (writer.length > maxBytes) throw errors.LIMIT_BYTES({ found: writer.length, limit: maxBytes });
  return writer.finish();
}

const opsetOf = (domain: string, version: number) => new Writer().word(1, domain).varint(2, version);

function graphOf(graph: Graph, external?: EncodeOptions['external']): Writer {
  const writer = new Writer();
  for (const node of graph.nodes) writer.message(1, nodeOf(node));
  writer.word(2, graph.name);
  for (const [name, held] of graph.initializers) writer.message(5, encodeTensor(name, held, external?.(held)));
  for (const input of graph.inputs) writer.message(11, valueInfoOf(input));
  for (const output of graph.outputs) writer.message(12, valueInfoOf(output));
  for (const value of graph.values.values()) writer.message(13, valueInfoOf(value));
  for (const sparse of graph.sparseInitializers) writer.message(15, sparseOf(sparse));
  return writer.raw(graph.extra);
}

function nodeOf(node: Node): Writer {
  const writer = new Writer();
  for (const input of node.inputs) writer.text(1, input);
  for (const output of node.outputs) writer.text(2, output);
  writer.word(3, node.name).text(4, node.op);
  for (const [name, attribute] of node.attributes) writer.message(5, attributeOf(name, attribute));
  writer.word(7, node.domain).word(8, node.overload ?? '');
  return writer.raw(node.extra);
}

function attributeOf(name: string, attribute: Attribute): Writer {
  if (attribute.raw) return new Writer().raw(attribute.raw);
  const writer = new Writer().text(1, name);
  switch (attribute.kind) {
    case 'float':
      return writer.float(2, attribute.value).varint(20, 1);
    case 'int':
      return writer.varint(3, attribute.value).varint(20, 2);
    case 'string':
      return writer.text(4, attribute.value).varint(20, 3);
    case 'tensor':
      return writer.message(5, encodeTensor('', attribute.value)).varint(20, 4);
    case 'graph':
      return writer.message(6, graphOf(attribute.value)).varint(20, 5);
    case 'floats':
      for (const value of attribute.value) writer.float(7, value);
      return writer.varint(20, 6);
    case 'ints':
      for (const value of attribute.value) writer.varint(8, value);
      return writer.varint(20, 7);
    case 'strings':
      for (const value of attribute.value) writer.text(9, value);
      return writer.varint(20, 8);
    case 'tensors':
      for (const value of attribute.value) writer.message(10, encodeTensor('', value));
      return writer.varint(20, 9);
    case 'graphs':
      for (const value of attribute.value) writer.message(11, graphOf(value));
      return writer.varint(20, 10);
    case 'sparse':
      return writer.message(22, sparseOf(attribute.value)).varint(20, 11);
    case 'reference':
      return writer.text(21, attribute.value).varint(20, attribute.of);
    case 'other':
      return writer.raw(attribute.raw);
  }
}

function valueInfoOf(info: ValueInfo): Writer {
  const writer = new Writer().text(1, info.name);
  if (info.typeBytes) writer.bytes(2, info.typeBytes);
  else if (info.type) writer.message(2, new Writer().message(1, tensorTypeOf(info)));
  return writer.raw(info.extra);
}

function tensorTypeOf({ type, shape }: ValueInfo): Writer {
  const writer = new Writer().varint(1, numberOf(type!));
  if (!shape) return writer;
  const dims = new Writer();
  for (const dim of shape) dims.message(1, dimOf(dim));
  return writer.message(2, dims);
}
const dimOf = (dim: Dim): Writer => (typeof dim === 'number' ? new Writer().varint(1, dim) : new Writer().word(2, dim));

function sparseOf({ name, values, indices, shape, extra }: SparseTensor): Writer {
  const writer = new Writer().message(1, encodeTensor(name, values)).message(2, encodeTensor('', indices));
  for (const dim of shape) writer.varint(3, dim);
  return writer.raw(extra);
}

function functionOf(local: LocalFunction): Writer {
  const writer = new Writer().text(1, local.name);
  for (const input of local.inputs) writer.text(4, input);
  for (const output of local.outputs) writer.text(5, output);
  for (const attribute of local.attributes) writer.text(6, attribute);
  for (const node of local.nodes) writer.message(7, nodeOf(node));
  for (const [domain, version] of local.opsets) writer.message(9, opsetOf(domain, version));
  writer.word(10, local.domain);
  for (const [name, attribute] of local.defaults) writer.message(11, attributeOf(name, attribute));
  for (const value of local.values.values()) writer.message(12, valueInfoOf(value));
  return writer.word(13, local.overload ?? '').raw(local.extra);
}
