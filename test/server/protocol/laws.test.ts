// Laws of the protocol: what is written is read as the same tensors, for every datatype, in JSON and in binary; whatever
// comes, it is read or refused with a code.

import { fc, testProp } from '@fast-check/ava';
import { GraftError } from '../../../src/index.js';
import { defaultLimits } from '../../../src/server/limits.js';
import { readInferRequest, writeInferAnswer } from '../../../src/server/protocol/index.js';
import { packTexts } from '../../../src/server/protocol/bytes-elements.js';
import { datatypes, type Datatype, type WireTensor } from '../../../src/server/tensors.js';
import { add, identity, input, jsonOf, sum2 } from './requests.js';

const names = Object.keys(datatypes) as Datatype[];
const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
const countOf = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

/** Any bits, but for BOOL, whose bytes are 0 or 1, and BYTES, which are text where JSON is asked. */
const tensors = fc.tuple(fc.constantFrom(...names), shapes).chain(([datatype, shape]): fc.Arbitrary<WireTensor> => {
  const count = countOf(shape);
  const exactly = { minLength: count, maxLength: count };
  if (datatype === 'BYTES')
    return fc
      .array(fc.string({ unit: 'grapheme' }), exactly)
      .map(texts => ({ datatype, shape, data: packTexts(texts) }));
  const length = count * datatypes[datatype].bytes;
  const data = fc.uint8Array({ minLength: length, maxLength: length, max: datatype === 'BOOL' ? 1 : 255 });
  return data.map(bytes => ({ datatype, shape, data: bytes }));
});

const isFinite = ({ datatype, data }: WireTensor): boolean => {
  if (datatype === 'FP32') return new Float32Array(new Uint8Array(data).buffer).every(Number.isFinite);
  return datatype !== 'FP64' || new Float64Array(new Uint8Array(data).buffer).every(Number.isFinite);
};

/** Writes a tensor as the output of an identity, then sends that output as its input. */
async function thereAndBack(tensor: WireTensor, isBinary: boolean): Promise<WireTensor | undefined> {
  const facts = identity(tensor.datatype, tensor.shape.map(() => -1)); // prettier-ignore
  const form = { outputs: [{ name: 'OUTPUT0', isBinary }] };
  const { body, headers } = writeInferAnswer(facts, { form }, { outputs: new Map([['OUTPUT0', tensor]]) });
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const length = Number(headers['inference-header-content-length'] ?? bytes.length);
  const { outputs } = JSON.parse(Buffer.from(bytes.subarray(0, length)).toString()) as { outputs: object[] };
  const outputForm = [{ name: 'OUTPUT0', parameters: { binary_data: true } }];
  const head = jsonOf({ inputs: [{ ...outputs[0], name: 'INPUT0' }], outputs: outputForm });
  const request = new Uint8Array(Buffer.concat([head, bytes.subarray(length)]));
  const read = await readInferRequest(request, isBinary ? String(head.length) : undefined, facts, defaultLimits);
  return read.run.inputs.get('INPUT0');
}

testProp(
  'written and read in binary, a tensor is the same',
  [tensors],
  async (t, tensor) => {
    const back = await thereAndBack(tensor, true);
    t.deepEqual(back && { ...back, data: new Uint8Array(back.data) }, tensor);
  },
  { numRuns: 500 },
);

testProp(
  'written and read in JSON, a finite tensor is the same',
  [tensors.filter(tensor => tensor.datatype !== 'FP16' && tensor.datatype !== 'BF16' && isFinite(tensor))],
  async (t, tensor) => {
    t.deepEqual(await thereAndBack(tensor, false), tensor);
  },
  { numRuns: 500 },
);

/** Whether it was read, or refused with a code; anything else is thrown. */
async function isAnswered(read: Promise<unknown>): Promise<boolean> {
  try {
    await read;
    return true;
  } catch (error) {
    if (error instanceof GraftError && error.code !== 'INTERNAL') return true;
    throw error;
  }
}

const texts = { ...identity('BYTES'), maxBatch: 2 };
const models = fc.constantFrom(add, sum2, texts, identity('FP32', [-1, 4], 8), identity('INT64', []), identity('FP16'));
const headers = fc.option(fc.oneof(fc.nat({ max: 80 }).map(String), fc.string({ maxLength: 4 })), { nil: undefined });
const keys = fc.constantFrom('id', 'inputs', 'outputs', 'parameters', 'name', 'shape', 'datatype', 'data', 'binary_data_size', 'classification', '__proto__', 'constructor', 'prototype', 'graft_x'); // prettier-ignore
const leaves = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom<unknown>('x', 'y', 'INPUT0', 'OUTPUT0', 'FP32', 'BYTES', 'INT64', 1, 4, [1, 4])); // prettier-ignore
const { value: values } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof({ depthSize: 'small' }, leaves, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(keys, tie('value'))), // prettier-ignore
}));
const requests = fc.record(
  {
    id: leaves,
    parameters: values,
    outputs: fc.array(fc.record({ name: leaves, parameters: values }, { requiredKeys: [] }), { maxLength: 3 }),
    inputs: fc.array(
      fc.record(
        { name: leaves, shape: leaves, datatype: leaves, data: values, parameters: values },
        { requiredKeys: [] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
);

testProp(
  'any JSON is read or refused with a code',
  [fc.oneof(values, requests), models, headers],
  async (t, value, facts, header) => {
    t.true(await isAnswered(readInferRequest(jsonOf(value), header, facts, defaultLimits)));
    t.is(({} as Record<string, unknown>)['polluted'], undefined);
  },
  { numRuns: 2000 },
);

testProp(
  'any bytes are read or refused with a code',
  [fc.uint8Array({ maxLength: 80 }), models, headers],
  async (t, bytes, facts, header) => {
    t.true(await isAnswered(readInferRequest(bytes, header, facts, defaultLimits)));
  },
  { numRuns: 2000 },
);

testProp(
  'a good request with one byte changed is read or refused with a code',
  [fc.nat(), fc.nat({ max: 255 })],
  async (t, place, byte) => {
    const request = { id: '7', inputs: [input('BYTES', [1, 2], undefined, 11)], outputs: [{ name: 'OUTPUT0' }] };
    const head = jsonOf(request);
    const body = new Uint8Array(Buffer.concat([head, packTexts(['ab', 'c'])]));
    body[place % body.length] = byte;
    t.true(await isAnswered(readInferRequest(body, String(head.length), texts, defaultLimits)));
  },
  { numRuns: 2000 },
);
