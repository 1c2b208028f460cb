// Bytes to a Model, by onnx.proto's field numbers (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
// Tensor bytes are views into the file. What is not modelled stays as bytes in `extra` and is written back.

import { printable } from '../base/index.js';
import type {
  Attribute,
  Graph,
  LocalFunction,
  Model,
  Node,
  SparseTensor,
  ValueInfo,
  Initializer,
} from '../graph/index.js';
import { errors } from './errors.js';
import { looksLike } from './kind.js';
import { decodeValueInfo } from './decode-values.js';
import { decodeSparse, decodeTensor, type TensorContext } from './tensors.js';
import { kept, name, strict, text } from './texts.js';
import { Reader, Writer } from './wire.js';

/** What a reader may spend. */
export interface Limits {
  /** Sum of all tensor bytes, shared ranges counted each time. @default 8 GiB */
  readonly maxTensorBytes: number;
}

/** Brings the bytes of external data; checks of path and range happen before and inside. */
export type ExternalReader = (
  tensor: string,
  location: string,
  offset: number,
  length: number | undefined,
  checksum: string | undefined,
) => Uint8Array;

export interface DecodeOptions {
  readonly limits?: Partial<Limits>;
  readonly external?: ExternalReader;
}

/**
 * Reads an ONNX model.
 *
 * @param bytes the whole file; tensors are views into it, so it must not be changed afterwards
 * @throws PROTO_… where the bytes are no protobuf, ONNX_… where what they say is wrong
 * @example
 * const model = decodeModel(await readFile('model.onnx'));
 */
export function decodeModel(bytes: Uint8Array, { limits, external }: DecodeOptions = {}): Model {
  const found = looksLike(bytes);
  if (found) throw errors.NOT_ONNX({ looksLike: found });
  const context: TensorContext = {
    left: limits?.maxTensorBytes ?? 8 * 2 ** 30,
    limit: limits?.maxTensorBytes ?? 8 * 2 ** 30,
    external,
  };
  const reader = new Reader(bytes);
  const at = {
    irVersion: undefined as bigint | undefined,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    doc: '',
  };
  let graph: Graph | undefined;
  const opsets: [string, bigint][] = [];
  const metadata = new Map<string, string>();
  const functions: LocalFunction[] = [];
  const extra = reader.fields((field, wire) => {
    if (field === 1 && wire === 0) at.irVersion = reader.int64();
    else if (field === 2 && wire === 2) at.producerName = text(reader);
    else if (field === 3 && wire === 2) at.producerVersion = text(reader);
    else if (field === 4 && wire === 2) at.domain = text(reader);
    else if (field === 5 && wire === 0) at.modelVersion = reader.int64();
    else if (field === 6 && wire === 2) at.doc = text(reader);
    else if (field === 7 && wire === 2) {
      const inner = reader.message();
      if (graph) throw errors.AMBIGUOUS({ where: 'the model', what: 'it holds two graphs' });
      graph = decodeGraph(inner, context);
    } else if (field === 8 && wire === 2) opsets.push(decodeOpset(reader.message()));
    else if (field === 14 && wire === 2) {
      const [key, value] = decodeEntry(reader.message());
      if (metadata.has(key) && metadata.get(key) !== value)
        throw errors.AMBIGUOUS({ where: 'the model', what: `metadata ${printable(key)} is given twice` });
      metadata.set(key, value);
    } else if (field === 25 && wire === 2) functions.push(decodeFunction(reader.message(), context));
    else return false;
    return true;
  });
  const version = at.irVersion;
  if (!graph) throw errors.NOT_ONNX({ looksLike: 'it is protobuf, but holds no graph' });
  if (version === undefined || version < 3n || version > 13n)
    throw errors.VERSION({ found: String(version ?? 'none') });
  return {
    ...at,
    irVersion: Number(version),
    opsets: opsetsOf(opsets, 'the model'),
    graph,
    functions,
    metadata,
    ...kept(extra),
  };
}

function decodeOpset(reader: Reader): [string, bigint] {
  let domain = '';
  let version = 0n;
  reader.fields((field, wire) => {
    if (field === 1 && wire === 2) domain = name(reader, 'opset_import');
    else if (field === 2 && wire === 0) version = reader.int64();
    else return false;
    return true;
  });
  return [domain === 'ai.onnx' ? '' : domain, version];
}

function opsetsOf(list: readonly [string, bigint][], where: string): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const [domain, version] of list) {
    if (opsets.has(domain)) throw errors.OPSET({ found: `${where} imports ${printable(domain || 'ai.onnx')} twice` });
    if (version < 1n || version > 1000000n)
      throw errors.OPSET({ found: `${printable(domain || 'ai.onnx')} version ${version}` });
    opsets.set(domain, Number(version));
  }
  if (opsets.size === 0) throw errors.OPSET({ found: `${where} imports none` });
  return opsets;
}

function decodeEntry(reader: Reader): [string, string] {
  let [key, value] = ['', ''];
  reader.fields((field, wire) => {
    if (field === 1 && wire === 2) key = text(reader);
    else if (field === 2 && wire === 2) value = text(reader);
    else return false;
    return true;
  });
  return [key, value];
}

function decodeGraph(reader: Reader, context: TensorContext): Graph {
  const nodes: Node[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const values = new Map<string, ValueInfo>();
  const initializers = new Map<string, Initializer>();
  const sparseInitializers: SparseTensor[] = [];
  let graphName = '';
  const extra = reader.fields((field, wire) => {
    if (wire !== 2) return false;
    if (field === 1) nodes.push(decodeNode(reader.message(), context));
    else if (field === 2) graphName = name(reader, 'a graph');
    else if (field === 5) {
      const { name: of, tensor } = decodeTensor(reader.message(), context);
      if (initializers.has(of)) throw errors.AMBIGUOUS({ where: of, what: 'two initializers have this name' });
      initializers.set(of, tensor);
    } else if (field === 11) inputs.push(decodeValueInfo(reader.message()));
    else if (field === 12) outputs.push(decodeValueInfo(reader.message()));
    else if (field === 13) {
      const info = decodeValueInfo(reader.message());
      values.set(info.name, info);
    } else if (field === 15) sparseInitializers.push(decodeSparse(reader.message(), context));
    else return false;
    return true;
  });
  return { name: graphName, inputs, outputs, nodes, initializers, sparseInitializers, values, ...kept(extra) };
}

function decodeNode(reader: Reader, context: TensorContext): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  const at = { op: '', domain: '', name: '', overload: '' };
  const extra = reader.fields((field, wire) => {
    if (wire !== 2) return false;
    if (field === 1) inputs.push(name(reader, 'the inputs of a node'));
    else if (field === 2) outputs.push(name(reader, 'the outputs of a node'));
    else if (field === 3) at.name = name(reader, 'a node');
    else if (field === 4) at.op = name(reader, 'the operator of a node');
    else if (field === 5) {
      const [key, value] = decodeAttribute(reader.message(), context, at.name || outputs[0] || '');
      if (attributes.has(key))
        throw errors.AMBIGUOUS({ where: at.name || at.op, what: `attribute ${printable(key)} is given twice` });
      attributes.set(key, value);
    } else if (field === 7) at.domain = name(reader, 'the domain of a node');
    else if (field === 8) at.overload = name(reader, 'the overload of a node');
    else return false;
    return true;
  });
  const domain = at.domain === 'ai.onnx' ? '' : at.domain;
  return {
    op: at.op,
    domain,
    name: at.name,
    inputs,
    outputs,
    attributes,
    ...(at.overload ? { overload: at.overload } : {}),
    ...kept(extra),
  };
}

/** AttributeProto.AttributeType by number. */
const attributeKinds = [
  '',
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
  'sparse',
] as const;

const listKinds: ReadonlySet<string> = new Set(['floats', 'ints', 'strings', 'tensors', 'graphs']);
/** Zero and the empty text are not written. */
const absent: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['float', 0],
  ['int', 0],
  ['string', ''],
]);

function decodeAttribute(reader: Reader, context: TensorContext, node: string): [string, Attribute] {
  const raw = reader.bytes.subarray(reader.offset, reader.end);
  let key = '';
  let type = 0;
  let reference: string | undefined;
  let exact = true;
  // Nearly every attribute holds one value of one kind.
  const seen: string[] = [];
  let single: unknown;
  let list: unknown[] | undefined;
  const many = <T>(kind: string): T[] => {
    if (!seen.includes(kind)) {
      seen.push(kind);
      list = [];
    }
    return list as T[];
  };
  const integer = (value: bigint): number => {
    const n = Number(value);
    if (Number.isSafeInteger(n)) return n;
    exact = false;
    return value < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  };
  const string = (bytes: Uint8Array): string => {
    try {
      return strict.decode(bytes);
    } catch {
      exact = false;
      return new TextDecoder('latin1').decode(bytes);
    }
  };
  const once = (kind: string, value: unknown) => {
    if (seen.includes(kind) && (kind === 'tensor' || kind === 'graph'))
      throw errors.AMBIGUOUS({ where: node, what: `attribute ${printable(key)} holds two values` });
    if (!seen.includes(kind)) seen.push(kind);
    single = value;
  };
  const extra = reader.fields((field, wire) => {
    if (field === 1 && wire === 2) key = name(reader, 'an attribute');
    else if (field === 2 && wire === 5) once('float', reader.float());
    else if (field === 3 && wire === 0) once('int', integer(reader.int64()));
    else if (field === 4 && wire === 2) once('string', string(reader.view()));
    else if (field === 5 && wire === 2) once('tensor', named(decodeTensor(reader.message(), context)));
    else if (field === 6 && wire === 2) once('graph', decodeGraph(reader.message(), context));
    else if (field === 7 && (wire === 5 || wire === 2)) {
      const floats = many<number>('floats');
      reader.repeated(wire, 5, at => floats.push(at.float()));
    } else if (field === 8 && (wire === 0 || wire === 2)) {
      const ints = many<number>('ints');
      reader.repeated(wire, 0, at => ints.push(integer(at.int64())));
    } else if (field === 9 && wire === 2) {
      many('strings').push(string(reader.view()));
    } else if (field === 10 && wire === 2) {
      many('tensors').push(named(decodeTensor(reader.message(), context)));
    } else if (field === 11 && wire === 2) {
      many('graphs').push(decodeGraph(reader.message(), context));
    } else if (field === 20 && wire === 0) type = Number(reader.varint());
    else if (field === 21 && wire === 2) reference = name(reader, 'an attribute reference');
    else if (field === 22 && wire === 2) once('sparse', decodeSparse(reader.message(), context));
    else return false;
    return true;
  });
  // A reference says a name and a kind; whatever else stands there is kept as it was read.
  if (reference)
    return [
      key,
      {
        kind: 'reference',
        value: reference,
        of: type,
        ...(seen.length === 0 && !extra && Number.isSafeInteger(type) ? {} : { raw }),
      },
    ];
  const kind = attributeKinds[type] ?? '';
  const guessed = type === 0 && seen.length === 1 ? seen[0]! : kind;
  if (!guessed) {
    if (type > 0) return [key, { kind: 'other', value: undefined, raw }];
    throw errors.ATTRIBUTE({
      node,
      attribute: key,
      found: seen.length ? 'it says no type and holds several values' : 'it holds nothing',
    });
  }
  const others = seen.filter(held => held !== guessed);
  if (others.length)
    throw errors.ATTRIBUTE({ node, attribute: key, found: `it says ${guessed} and holds ${others.join(' and ')}` });
  const held = listKinds.has(guessed) ? (list ?? []) : single;
  const value = held ?? absent.get(guessed);
  if (value === undefined)
    throw errors.ATTRIBUTE({ node, attribute: key, found: `it says ${guessed} and holds nothing` });
  return [key, { kind: guessed, value, ...(exact && !extra ? {} : { raw }) } as Attribute];
}

/** A tensor inside an attribute keeps its name among its extra bytes. */
function named({ name, tensor }: { name: string; tensor: Initializer }): Initializer {
  if (!name) return tensor;
  return { ...tensor, extra: new Writer().text(8, name).raw(tensor.extra).finish() };
}

function decodeFunction(reader: Reader, context: TensorContext): LocalFunction {
  const at = { domain: '', name: '', overload: '' };
  const lists = { inputs: [] as string[], outputs: [] as string[], attributes: [] as string[], nodes: [] as Node[] };
  const defaults = new Map<string, Attribute>();
  const opsets: [string, bigint][] = [];
  const values = new Map<string, ValueInfo>();
  const extra = reader.fields((field, wire) => {
    if (wire !== 2) return false;
    if (field === 1) at.name = name(reader, 'a function');
    else if (field === 4) lists.inputs.push(name(reader, 'the inputs of a function'));
    else if (field === 5) lists.outputs.push(name(reader, 'the outputs of a function'));
    else if (field === 6) lists.attributes.push(name(reader, 'the attributes of a function'));
    else if (field === 7) lists.nodes.push(decodeNode(reader.message(), context));
    else if (field === 9) opsets.push(decodeOpset(reader.message()));
    else if (field === 10) at.domain = name(reader, 'the domain of a function');
    else if (field === 11) {
      const [key, value] = decodeAttribute(reader.message(), context, at.name);
      if (defaults.has(key))
        throw errors.AMBIGUOUS({ where: at.name, what: `attribute ${printable(key)} is given twice` });
      defaults.set(key, value);
    } else if (field === 12) {
      const info = decodeValueInfo(reader.message());
      values.set(info.name, info);
    } else if (field === 13) at.overload = name(reader, 'the overload of a function');
    else return false;
    return true;
  });
  const domain = at.domain === 'ai.onnx' ? '' : at.domain;
  return {
    domain,
    name: at.name,
    ...(at.overload ? { overload: at.overload } : {}),
    ...lists,
    defaults,
    opsets: opsets.length ? opsetsOf(opsets, `function ${at.name}`) : new Map<string, number>(),
    values,
    ...kept(extra),
  };
}
