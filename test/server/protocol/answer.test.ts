import test from 'ava';
import { writeInferAnswer, type InferAnswer } from '../../../src/server/protocol/index.js';
import type { WantedOutput } from '../../../src/server/protocol/wanted-outputs.js';
import type { RunAnswer } from '../../../src/server/served.js';
import type { Datatype, WireTensor } from '../../../src/server/tensors.js';
import { add, bytesOf, floatBytes, refusal } from './requests.js';

const tensorOf = (datatype: Datatype, shape: number[], data: Uint8Array): WireTensor => ({ datatype, shape, data });
const floats = (...values: number[]) => tensorOf('FP32', [1, values.length], floatBytes(...values));
const answerOf = (outputs: Record<string, WireTensor>, more: Omit<RunAnswer, 'outputs'> = {}): RunAnswer => ({ outputs: new Map(Object.entries(outputs)), ...more }); // prettier-ignore

const write = (answer: RunAnswer, outputs?: readonly WantedOutput[], id?: string): InferAnswer =>
  writeInferAnswer(
    { ...add, labels: ['cat', 'dog', 'eel', 'fox'] },
    {
      ...(id === undefined ? {} : { id }),
      form: { outputs: outputs ?? [...answer.outputs.keys()].map(name => ({ name, isBinary: false })) },
    },
    answer,
  );
const jsonOf = ({ body, headers }: InferAnswer) => {
  const length = headers['inference-header-content-length'];
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8', 0, Number(length));
  return JSON.parse(text) as { outputs: { data: unknown; shape: number[]; parameters?: unknown }[] };
};
const dataOf = (tensor: WireTensor) => jsonOf(write(answerOf({ y: tensor }))).outputs[0];

test('8, 9: an answer in JSON, with the id that was sent', t => {
  const answer = write(answerOf({ y: floats(1, 3, 5, 7) }));
  t.is(
    answer.body,
    '{"model_name":"model","model_version":"1","outputs":[{"name":"y","shape":[1,4],"datatype":"FP32","data":[1,3,5,7]}]}',
  );
  t.deepEqual(answer.headers, { 'content-type': 'application/json; charset=utf-8' });
  t.like(jsonOf(write(answerOf({ y: floats(1) }), undefined, '4"2')), { id: '4"2' });
});

test('13, 15: binary tensors follow the JSON in the order of outputs', t => {
  const a = floats(1, 2);
  const c = tensorOf('FP16', [2], Uint8Array.of(0x00, 0x3c, 0x00, 0x41));
  const outputs = [{ name: 'c', isBinary: true }, { name: 'b', isBinary: false }, { name: 'a', isBinary: true }]; // prettier-ignore
  const { body, headers } = write(answerOf({ a, b: floats(0.5), c }), outputs);
  const length = Number(headers['inference-header-content-length']);
  t.is(headers['content-type'], 'application/octet-stream');
  t.deepEqual(new Uint8Array((body as Uint8Array).subarray(length)), new Uint8Array([...c.data, ...a.data]));
  t.deepEqual(jsonOf({ body, headers }).outputs as unknown, [
    { name: 'c', shape: [2], datatype: 'FP16', parameters: { binary_data_size: 4 } },
    { name: 'b', shape: [1, 1], datatype: 'FP32', data: [0.5] },
    { name: 'a', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } },
  ]);
});

test('what is not finite is null and counted; binary sends it as it is', t => {
  const tensor = floats(NaN, 1, Infinity, -Infinity, -0);
  const answer = write(answerOf({ y: tensor }));
  t.regex(answer.body as string, /"parameters":\{"non_finite":3\},"data":\[null,1,null,null,-0\]/);
  const { body } = write(answerOf({ y: tensor }), [{ name: 'y', isBinary: true }]);
  t.deepEqual(new Uint8Array((body as Uint8Array).subarray(-20)), tensor.data);
  t.is(dataOf(floats(0.5))?.parameters, undefined);
});

test('29: integers of 64 bits are text beyond 2^53 - 1', t => {
  const longs = BigInt64Array.of(9007199254740993n, 9007199254740991n, -9007199254740991n, -9007199254740992n, 0n);
  t.deepEqual(dataOf(tensorOf('INT64', [5], new Uint8Array(longs.buffer)))?.data, [
    '9007199254740993',
    9007199254740991,
    -9007199254740991,
    '-9007199254740992',
    0,
  ]);
  t.deepEqual(dataOf(tensorOf('UINT64', [1], new Uint8Array(8).fill(255)))?.data, ['18446744073709551615']);
});

test('tensors may begin at any byte', t => {
  const data = new Uint8Array([7, ...floatBytes(1.5, -2)]).subarray(1);
  t.deepEqual(dataOf(tensorOf('FP32', [2], data))?.data, [1.5, -2]);
});

test('BYTES are text, and binary only where they are none', async t => {
  const packed = (...bytes: number[]) => tensorOf('BYTES', [1], Uint8Array.of(bytes.length, 0, 0, 0, ...bytes));
  t.deepEqual(dataOf(packed(...bytesOf('"é\n')))?.data, ['"é\n']);
  t.regex(await refusal(() => write(answerOf({ y: packed(0xff) }))), /^BAD_DATA: output "y": element 0 is not UTF-8/);
});

test('a tensor too large for JSON is refused, not cut', async t => {
  const tensor = tensorOf('UINT8', [11_000_000], new Uint8Array(11_000_000));
  t.regex(await refusal(() => write(answerOf({ y: tensor }))), /^TOO_LARGE: output "y"/);
  t.notThrows(() => write(answerOf({ y: tensor }), [{ name: 'y', isBinary: true }]));
});

test('an output that the model did not give is a fault of ours', async t => {
  const said = await refusal(() => write(answerOf({}), [{ name: 'y', isBinary: false }]));
  t.is(said, 'INTERNAL: the server failed; its log has the details under this request id');
});

test('59: classes by value, ties by the lower index, n cut to the classes', t => {
  const classes = (tensor: WireTensor, n: number) =>
    jsonOf(write(answerOf({ y: tensor }), [{ name: 'y', isBinary: false, classes: n }])).outputs[0]!;
  const scores = tensorOf('FP32', [2, 4], floatBytes(0.1, 0.7, 0.1, 0.7, NaN, -1, -Infinity, 3));
  t.like(classes(scores, 3), {
    datatype: 'BYTES',
    shape: [2, 3],
    data: ['0.699999988:1:dog', '0.699999988:3:fox', '0.100000001:0:cat', '3:3:fox', '-1:1:dog', '-Infinity:2:eel'],
  });
  t.like(classes(scores, 1000), { shape: [2, 4] });
  t.like(classes(tensorOf('FP32', [3], floatBytes(1, 3, 2)), 2), { shape: [2], data: ['3:1', '2:2'] });
  t.like(classes(tensorOf('FP32', [0, 4], new Uint8Array()), 2), { shape: [0, 2], data: [] });
  t.like(classes(tensorOf('FP32', [2, 0], new Uint8Array()), 2), { shape: [2, 0], data: [] });
  t.like(classes(tensorOf('UINT8', [1, 2, 2], Uint8Array.of(5, 9, 200, 0)), 1), { shape: [1, 1], data: ['200:2:eel'] });
  // 1.0, 2.5, -2.0, the least above 0, as FP16; 1.0 and 2.5 as BF16 (IEEE 754: 0x3c00, 0x4100, 0xc000, 0x0001)
  const halves = tensorOf('FP16', [1, 4], new Uint8Array(Uint16Array.of(0x3c00, 0x4100, 0xc000, 1).buffer));
  t.deepEqual(classes(halves, 4).data, ['2.5:1:dog', '1:0:cat', '5.960464477539063e-8:3:fox', '-2:2:eel']);
  const brains = tensorOf('BF16', [1, 2], new Uint8Array(Uint16Array.of(0x3f80, 0x4020).buffer));
  t.deepEqual(classes(brains, 2).data, ['2.5:1', '1:0']);
});

test('classes of 1,000 of 100,000 are those that sorting all finds', t => {
  const values = Float32Array.from({ length: 100_000 }, (_, i) => Math.fround(Math.sin(i * i) * 50) | 0);
  const answer = write(answerOf({ y: tensorOf('FP32', [1, 100_000], new Uint8Array(values.buffer)) }), [
    { name: 'y', isBinary: false, classes: 1000 },
  ]);
  const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b).slice(0, 1000);
  t.deepEqual(jsonOf(answer).outputs[0]!.data, sorted.map(index => `${values[index]!}:${index}`)); // prettier-ignore
});

test('members and what is missing are told', t => {
  const half = tensorOf('FP16', [1, 2], new Uint8Array(Uint16Array.of(0x7c00, 0x3c00).buffer));
  const members = [{ name: 'a', weight: 0.75, outputs: new Map([['y', floats(1)]]) }, { name: 'b', weight: 0.25, outputs: new Map([['y', half]]) }]; // prettier-ignore
  const degraded = { reason: 'deadline', missing: ['b', 'c'] } as const;
  t.like(jsonOf(write(answerOf({ y: floats(2) }, { members, degraded }))), {
    parameters: { graft_degraded: 'deadline', graft_missing_members: 'b,c' },
    graft_members: [
      { name: 'a', weight: 0.75, outputs: [{ name: 'y', shape: [1, 1], datatype: 'FP32', data: [1] }] },
      { name: 'b', weight: 0.25, outputs: [{ name: 'y', shape: [1, 2], datatype: 'FP16', parameters: { non_finite: 1 }, data: [null, 1] }] }, // prettier-ignore
    ],
  });
});
