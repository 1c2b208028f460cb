// Nodes that the WebGPU provider of onnxruntime 1.30 takes and then cannot run: they are named, so that they run on the
// CPU between the others. MaxPool with Indices ("not supported yet") is what every gradient of a MaxPool needs. The names
// are read from the file's bytes: ModelProto.graph 7; GraphProto.node 1; NodeProto.output 2, name 3, op_type 4,
// attribute 5; AttributeProto.g 6, graphs 11 (bodies of Scan, Loop and If).

const decoder = new TextDecoder();

/** A field of length-delimited bytes; numbers are passed over. */
type Field = readonly [number: number, bytes: Uint8Array];

/** Names of the nodes of a model, in bodies too, that have to run on the CPU. */
export function webgpuGaps(model: Uint8Array): string[] {
  const names: string[] = [];
  for (const [field, graph] of fieldsOf(model)) if (field === 7) inGraph(graph, names);
  return names;
}

function inGraph(graph: Uint8Array, names: string[]): void {
  for (const [field, node] of fieldsOf(graph)) {
    if (field !== 1) continue;
    let [name, operator, outputs] = ['', '', 0];
    for (const [part, bytes] of fieldsOf(node)) {
      if (part === 2 && bytes.length > 0) outputs++;
      else if (part === 3) name = decoder.decode(bytes);
      else if (part === 4) operator = decoder.decode(bytes);
      else if (part === 5)
        for (const [inner, body] of fieldsOf(bytes)) if (inner === 6 || inner === 11) inGraph(body, names);
    }
    if (operator === 'MaxPool' && outputs > 1 && name) names.push(name);
  }
}

/** The fields of a message. What is no message ends the walk: onnxruntime then says what is wrong with it. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
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
    const wire = key & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (at + length > message.length) return;
      yield [key >>> 3, message.subarray(at, at + length)];
      at += length;
    } else return;
  }
}
