// The smallest network that says where it ran: y = x · W with x [1, 2] and W = [[3], [5]], as the bytes of an .onnx file
// (protobuf: each field is (number << 3 | wire type), then a number or a length and that many bytes). Written by hand,
// for this room knows nothing of graphs; MatMul has a kernel in every provider and is folded away by none.

/** What it takes and what it gives. */
export const probe = { input: 'x', output: 'y', shape: [1, 2], fed: [7, 11], given: 3 * 7 + 5 * 11 } as const;

const float32 = 1;
const opset = 13;
const irVersion = 7;

const number = (field: number, value: number): number[] => [field << 3, value];
const bytes = (field: number, value: readonly number[]): number[] => [(field << 3) | 2, value.length, ...value];
const text = (field: number, value: string): number[] => bytes(field, [...new TextEncoder().encode(value)]);

/** The file. */
export function probeModel(): Uint8Array {
  const weights = [...new Uint8Array(Float32Array.of(3, 5).buffer)];
  const node = [...text(1, probe.input), ...text(1, 'W'), ...text(2, probe.output), ...text(4, 'MatMul')];
  const initializer = [...number(1, 2), ...number(1, 1), ...number(2, float32), ...text(8, 'W'), ...bytes(9, weights)];
  const graph = [
    ...bytes(1, node),
    ...text(2, 'probe'),
    ...bytes(5, initializer),
    ...bytes(11, valueInfo(probe.input, probe.shape)),
    ...bytes(12, valueInfo(probe.output, [1, 1])),
  ];
  return Uint8Array.from([...number(1, irVersion), ...bytes(7, graph), ...bytes(8, number(2, opset))]);
}

/** Name and type of an input or output. */
function valueInfo(name: string, shape: readonly number[]): number[] {
  const dims = shape.flatMap(dim => bytes(1, number(1, dim)));
  return [...text(1, name), ...bytes(2, bytes(1, [...number(1, float32), ...bytes(2, dims)]))];
}
