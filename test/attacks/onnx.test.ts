// Hostile .onnx files: each is refused with its code, quickly, before onnxruntime sees it.

import { mkdtempSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { GraftError, tensor } from '../../src/base/index.js';
import { decodeModel } from '../../src/codec/index.js';
import { readModel } from '../../src/codec/node.js';
import { Writer } from '../../src/codec/wire.js';
import { verify } from '../../src/graph/index.js';
import { check } from '../../src/inspect/index.js';
import {
  external,
  good,
  goodModel,
  localFunction,
  modelWith,
  node,
  withFunctions,
  withGraphOf,
  withTensor,
} from './hostile-onnx.js';

const load = (bytes: Uint8Array) => {
  const model = verify(decodeModel(bytes));
  check(model);
  return model;
};
const info = (name: string) => ({ name, type: 'float32' as const, shape: ['N', 4] });
const deep = (levels: number): Writer => {
  let inner = new Writer().text(2, 'innermost');
  for (let i = 0; i < levels; i++)
    inner = new Writer().message(
      1,
      new Writer().text(4, 'If').message(5, new Writer().text(1, 'then_branch').message(6, inner)),
    );
  return inner;
};
const chain = (levels: number) =>
  Array.from({ length: levels }, (_, i) =>
    localFunction({
      name: `F${i}`,
      opsets: new Map([
        ['', 20],
        ['mine', 1],
      ]),
      nodes:
        i === 0
          ? [node('Neg', ['a'], ['b'])]
          : Array.from({ length: 10 }, (_, k) =>
              node(`F${i - 1}`, [k === 0 ? 'a' : `t${k}`], [k === 9 ? 'b' : `t${k + 1}`], { domain: 'mine' }),
            ),
    }),
  );
const ofShape = (dims: readonly number[]) => {
  const graph = goodModel().graph;
  return withGraphOf({
    nodes: [node('ConstantOfShape', ['dims'], ['big']), node('Identity', ['x'], ['y'])],
    outputs: [info('y'), { name: 'big' }],
    initializers: new Map([...graph.initializers, ['dims', tensor('int64', [dims.length], dims)]]),
  });
};

const cases: Readonly<Record<string, [string, () => Uint8Array]>> = {
  'an empty file': ['ONNX_NOT_ONNX', () => new Uint8Array()],
  'a Git LFS pointer': [
    'ONNX_NOT_ONNX',
    () => Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
  ],
  'a web page': ['ONNX_NOT_ONNX', () => Buffer.from('<!DOCTYPE html><title>404</title>')],
  gzip: ['ONNX_NOT_ONNX', () => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])],
  'no graph': ['ONNX_NOT_ONNX', () => new Writer().varint(1, 8).message(8, new Writer().varint(2, 20)).finish()],
  'a cut': ['PROTO_TRUNCATED', () => good().subarray(0, 40)],
  'wire type 6': ['PROTO_MALFORMED', () => Uint8Array.of(...good(), 0x0e)],
  'a varint of 11 bytes': ['PROTO_MALFORMED', () => Uint8Array.of(...good(), 8, ...new Array<number>(11).fill(0xff))],
  'a group closed by another': ['PROTO_GROUP', () => Uint8Array.of(...good(), 0xf3, 0x06, 0xfc, 0x06)],
  '200 nested graphs': ['PROTO_DEPTH', () => modelWith(deep(200))],
  'two graphs': ['ONNX_AMBIGUOUS', () => Uint8Array.of(...good(), ...good())],
  'IR version 99': ['ONNX_VERSION', () => modelWith(new Writer(), 99)],
  'no opset': ['ONNX_OPSET', () => withGraphOf({}, { opsets: new Map() })],
  'a NUL in a name': ['ONNX_NAME_BAD', () => withGraphOf({ inputs: [info('x\0')] })],
  'element type 99': ['ONNX_TYPE', () => withTensor(w => w.varint(1, 4).varint(2, 99).bytes(9, new Uint8Array(16)))],
  'a negative dimension': ['ONNX_SHAPE', () => withTensor(w => w.varint(1, -1).varint(2, 1))],
  'a dimension of a terabyte': [
    'ONNX_SHAPE',
    () =>
      withTensor(w =>
        w
          .varint(1, 2 ** 40)
          .varint(2, 1)
          .bytes(9, new Uint8Array(16)),
      ),
  ],
  'a product that wraps': [
    'ONNX_SHAPE',
    () =>
      withTensor(w =>
        w
          .varint(1, 2 ** 32)
          .varint(1, 2 ** 32)
          .varint(2, 1),
      ),
  ],
  'raw and typed data': [
    'ONNX_AMBIGUOUS',
    () => withTensor(w => w.varint(1, 1).varint(2, 1).float(4, 1).bytes(9, new Uint8Array(4))),
  ],
  'an attribute that says one thing and holds another': [
    'ONNX_ATTRIBUTE',
    () =>
      modelWith(
        new Writer().message(
          1,
          new Writer().text(4, 'Neg').message(5, new Writer().text(1, 'a').float(2, 1).varint(20, 2)),
        ),
      ),
  ],
  'no outputs': ['ONNX_GRAPH_EMPTY', () => withGraphOf({ outputs: [] })],
  'a node that eats its own output': [
    'ONNX_GRAPH_CYCLE',
    () => withGraphOf({ nodes: [node('Add', ['x', 'y'], ['y'])] }),
  ],
  'nodes out of order': [
    'ONNX_GRAPH_ORDER',
    () => withGraphOf({ nodes: [node('Neg', ['t'], ['y']), node('Neg', ['x'], ['t'])] }),
  ],
  'an input twice': ['ONNX_NAME_DUPLICATE', () => withGraphOf({ inputs: [info('x'), info('x')] })],
  'a name nobody makes': ['ONNX_NAME_UNKNOWN', () => withGraphOf({ nodes: [node('Neg', ['nowhere'], ['y'])] })],
  'a function that calls itself': [
    'ONNX_FUNCTION_CYCLE',
    () =>
      withFunctions(
        [localFunction({ nodes: [node('F', ['a'], ['b'], { domain: 'mine' })] })],
        node('F', ['x'], ['y'], { domain: 'mine' }),
      ),
  ],
  'a function called with one input too many': [
    'ONNX_FUNCTION_ARITY',
    () => withFunctions([localFunction({})], node('F', ['x', 'w'], ['y'], { domain: 'mine' })),
  ],
  'functions of functions of functions': [
    'ONNX_LIMIT_NODES',
    () => withFunctions(chain(9), node('F8', ['x'], ['y'], { domain: 'mine' })),
  ],
  'an operator nobody has': ['ONNX_OP_UNKNOWN', () => withGraphOf({ nodes: [node('Frobnicate', ['x'], ['y'])] })],
  'four terabytes from nothing': ['ONNX_LIMIT_BYTES', () => ofShape([2 ** 20, 2 ** 20])],
};

for (const [what, [code, make]] of Object.entries(cases))
  test(`refused: ${what}`, t => {
    const began = performance.now();
    const error = t.throws(() => load(make()));
    t.is(error instanceof GraftError ? error.code : String(error.stack), code);
    t.regex(error.message, /\w{3,} \w+/);
    t.true(performance.now() - began < 1000);
  });

test('the good file loads', t => {
  t.deepEqual([...load(good()).graph.initializers.keys()], ['w']);
});

const refusedPaths = [
  '../weights.bin', 'sub/../weights.bin', '/etc/passwd', 'C:\\x', 'file:///etc/passwd', 'a\\b', './weights.bin', '',
  '*/_ORT_MEM_ADDR_/*', 'w\0.bin', 'link.bin', 'hard.bin', 'folder', 'model.onnx',
]; // prettier-ignore

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'graft-external-'));
  writeFileSync(join(path, 'weights.bin'), Float32Array.of(1, 2, 3, 4));
  writeFileSync(join(path, 'real.bin'), Float32Array.of(1, 2, 3, 4));
  symlinkSync('real.bin', join(path, 'link.bin'));
  writeFileSync(join(path, 'first.bin'), Float32Array.of(1, 2, 3, 4));
  linkSync(join(path, 'first.bin'), join(path, 'hard.bin'));
  mkdirSync(join(path, 'folder'));
  return path;
}
const written = (at: string, entries: Readonly<Record<string, string>>): string => {
  const path = join(at, 'model.onnx');
  writeFileSync(path, withTensor(external(entries)));
  return path;
};

test('external data never leaves the folder of the model', t => {
  const at = folder();
  for (const location of refusedPaths) {
    const path = written(at, { location });
    t.throws(() => readModel(path), { code: 'ONNX_EXTERNAL_PATH' }, JSON.stringify(location));
  }
  t.throws(() => readModel(written(at, { location: 'none.bin' })), { code: 'ONNX_EXTERNAL_MISSING' });
  rmSync(at, { recursive: true });
});

test('ranges of external data are numbers inside the file, of the right length', t => {
  const at = folder();
  const ranges: readonly Readonly<Record<string, string>>[] = [
    { offset: '-1' },
    { offset: '0x0' },
    { length: '1.6e1' },
    { offset: '8' },
    { length: '12' },
    { offset: '99999999999999999' },
  ];
  for (const range of ranges)
    t.throws(
      () => readModel(written(at, { location: 'weights.bin', ...range })),
      { code: 'ONNX_EXTERNAL_RANGE' },
      JSON.stringify(range),
    );
  const checksum = '0'.repeat(40);
  t.throws(() => readModel(written(at, { location: 'weights.bin', checksum })), { code: 'ONNX_EXTERNAL_CHECKSUM' });
  const { model } = readModel(written(at, { location: 'weights.bin', offset: '0', length: '16' }));
  const held = model.graph.initializers.get('w')!;
  t.deepEqual([...new Float32Array(new Uint8Array(held.bytes).buffer)], [1, 2, 3, 4]);
  rmSync(at, { recursive: true });
});

test('a file that is not there, and one that is a folder', t => {
  t.throws(() => readModel('/no/such/model.onnx'), { code: 'ONNX_FILE_MISSING' });
  t.throws(() => readModel(tmpdir()), { code: 'ONNX_FILE_UNREADABLE' });
});
