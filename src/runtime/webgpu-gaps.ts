// Nodes that the WebGPU provider of onnxruntime 1.30 takes and then cannot run, or gets wrong without a word: they are
// named, so that they run on the CPU between the others. Found by running every sampler of test/laws/operators on it.
// The facts are read from the file's bytes (onnx.proto): ModelProto.graph 7; GraphProto.node 1, initializer 5, input 11,
// value_info 13; NodeProto.input 1, output 2, name 3, op_type 4, attribute 5; AttributeProto.name 1, i 3, s 4, g 6.

/** What a rule sees of a node. */
interface NodeFacts {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers and texts. */
  readonly attributes: ReadonlyMap<string, number | string>;
  /** Axes of a value, where the file says. */
  rank(name: string | undefined): number | undefined;
  /** Whether a value is a constant of whole numbers from 0 on. */
  isPositive(name: string | undefined): boolean;
}

const always = (): boolean => true;
/** Without axes, told to do nothing but what each element needs: it takes the element as it is. */
const leavesElements = ({ inputs, attributes }: NodeFacts): boolean =>
  !inputs[1] && attributes.get('noop_with_empty_axes') === 1;

/** Operator to whether one of its nodes has to run on the CPU. */
const gaps = new Map<string, (node: NodeFacts) => boolean>([
  // "The Indices output is not supported yet": every gradient of a MaxPool needs it
  ['MaxPool', ({ outputs }) => Boolean(outputs[1])],
  // wrong for two axes, refused in training
  ['BatchNormalization', ({ inputs, outputs, rank }) => Boolean(outputs[1]) || !((rank(inputs[0]) ?? 0) > 2)],
  // wrong where an axis of one is spread, refused with an ellipsis
  ['Einsum', always],
  // right to 5e-3 only
  ['InstanceNormalization', always],
  // wrong where the scaled axes are not the last ones, refused with antialias
  ['Resize', always],
  ['Pad', ({ attributes }) => attributes.get('mode') === 'wrap'],
  ['Slice', ({ inputs, isPositive }) => Boolean(inputs[4]) && !isPositive(inputs[4])],
  // a buffer each, and WebGPU promises no shader more than eight
  ['Split', ({ outputs }) => outputs.length > 7],
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceSumSquare'].map(name => [name, leavesElements] as const),
]);

/** Names of the nodes of a model, in bodies too, that have to run on the CPU. */
export function webgpuGaps(model: Uint8Array): string[] {
  const names: string[] = [];
  for (const { field, bytes } of fieldsOf(model)) if (field === 7) inGraph(bytes, names);
  return names;
}

function inGraph(graph: Uint8Array, names: string[]): void {
  const [ranks, positive] = [new Map<string, number>(), new Set<string>()];
  const nodes: Uint8Array[] = [];
  for (const { field, bytes } of fieldsOf(graph)) {
    if (field === 1) nodes.push(bytes);
    else if (field === 5) noteConstant(bytes, positive);
    else if (field === 11 || field === 13) noteRank(bytes, ranks);
  }
  const facts = { rank: (name = '') => ranks.get(name), isPositive: (name = '') => positive.has(name) };
  for (const node of nodes) inNode(node, names, facts);
}

function inNode(node: Uint8Array, names: string[], facts: Pick<NodeFacts, 'rank' | 'isPositive'>): void {
  const [inputs, outputs, attributes] = [[] as string[], [] as string[], new Map<string, number | string>()];
  let [name, operator] = ['', ''];
  for (const { field, bytes } of fieldsOf(node)) {
    if (field === 1) inputs.push(textOf(bytes));
    else if (field === 2) outputs.push(textOf(bytes));
    else if (field === 3) name = textOf(bytes);
    else if (field === 4) operator = textOf(bytes);
    else if (field === 5) {
      let key = '';
      for (const part of fieldsOf(bytes))
        if (part.field === 1) key = textOf(part.bytes);
        else if (part.field === 3) attributes.set(key, part.value);
        else if (part.field === 4) attributes.set(key, textOf(part.bytes));
        else if (part.field === 6) inGraph(part.bytes, names);
    }
  }
  if (name && gaps.get(operator)?.({ inputs, outputs, attributes, ...facts })) names.push(name);
}

/** TensorProto: dims 1, data_type 2, int64_data 7, name 8, raw_data 9; int64 is type 7. */
function noteConstant(tensor: Uint8Array, positive: Set<string>): void {
  let [name, type] = ['', 0];
  let raw: Uint8Array | undefined;
  for (const { field, bytes, value } of fieldsOf(tensor)) {
    if (field === 2) type = value;
    else if (field === 8) name = textOf(bytes);
    else if (field === 9) raw = bytes;
  }
  // little-endian: the sign is in the last byte of each
  if (type === 7 && raw && raw.length <= 64 && raw.every((byte, i) => i % 8 !== 7 || byte < 128)) positive.add(name);
}

/** ValueInfoProto: name 1, type 2; TypeProto.tensor_type 1; its shape 2, with a dim 1 for each axis. */
function noteRank(info: Uint8Array, ranks: Map<string, number>): void {
  let name = '';
  for (const { field, bytes } of fieldsOf(info))
    if (field === 1) name = textOf(bytes);
    else if (field === 2)
      for (const type of fieldsOf(bytes))
        if (type.field === 1)
          for (const shape of fieldsOf(type.bytes))
            if (shape.field === 2) ranks.set(name, [...fieldsOf(shape.bytes)].filter(dim => dim.field === 1).length);
}

const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
const nothing = new Uint8Array(0);

/** The fields of a message: a number or bytes each. What is no message ends the walk: onnxruntime says what is wrong. */
function* fieldsOf(message: Uint8Array): Generator<{ field: number; bytes: Uint8Array; value: number }> {
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (; at < message.length; factor *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < message.length) {
    const key = varint();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield { field, bytes: nothing, value: varint() };
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (at + length > message.length) return;
      yield { field, bytes: message.subarray(at, at + length), value: 0 };
      at += length;
    } else return;
  }
}
