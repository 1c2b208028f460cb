// Makers of .onnx files that must be refused: each is a good file with one thing wrong.

import { tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Writer } from '../../src/codec/wire.js';
import { Builder, modelOf, type Graph, type LocalFunction, type Model, type Node } from '../../src/graph/index.js';
import { Add } from '../../src/operators/index.js';

/** y = x + w, w = [0, 1, 2, 3]. */
export function goodModel(): Model {
  const builder = new Builder('good');
  const x = builder.input('x', 'float32', ['N', 4]);
  builder.output(Add(x, builder.parameter('w', tensor('float32', [4], [0, 1, 2, 3]))), 'y');
  return modelOf(builder.finish());
}
export const good = (): Uint8Array => encodeModel(goodModel());

export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more: Partial<Node> = {},
): Node => ({
  op,
  domain: '',
  name: `${op}-${outputs[0]}`,
  inputs,
  outputs,
  attributes: new Map(),
  ...more,
});

/** The good model with another graph. */
export const withGraphOf = (change: Partial<Graph>, more: Partial<Model> = {}): Uint8Array => {
  const model = goodModel();
  return encodeModel({ ...model, ...more, graph: { ...model.graph, ...change } });
};

export const localFunction = (change: Partial<LocalFunction>): LocalFunction => ({
  domain: 'mine',
  name: 'F',
  inputs: ['a'],
  outputs: ['b'],
  attributes: [],
  defaults: new Map(),
  nodes: [node('Neg', ['a'], ['b'])],
  opsets: new Map([['', 20]]),
  values: new Map(),
  ...change,
});

/** The good model that calls functions. */
export function withFunctions(functions: readonly LocalFunction[], call: Node): Uint8Array {
  const model = goodModel();
  return encodeModel({
    ...model,
    opsets: new Map([...model.opsets, ['mine', 1]]),
    functions,
    graph: { ...model.graph, nodes: [call] },
  });
}

/** A model whose one initializer is written field by field. */
export function withTensor(write: (writer: Writer) => Writer): Uint8Array {
  const info = (name: string) => new Writer().text(1, name);
  const graph = new Writer()
    .message(1, new Writer().text(1, 'w').text(2, 'y').text(4, 'Neg'))
    .message(5, write(new Writer()).text(8, 'w'))
    .message(12, info('y'));
  return modelWith(graph);
}

/** A model around the bytes of a graph. */
export const modelWith = (graph: Writer, ir = 8): Uint8Array =>
  new Writer().varint(1, ir).message(7, graph).message(8, new Writer().varint(2, 20)).finish();

/** External data of a tensor, entry by entry. */
export const external =
  (entries: Readonly<Record<string, string>>) =>
  (writer: Writer): Writer => {
    writer.varint(1, 4).varint(2, 1).varint(14, 1);
    for (const [key, value] of Object.entries(entries)) writer.message(13, new Writer().text(1, key).text(2, value));
    return writer;
  };
