// Rows of the protocol's table of cases that are of bodies alone; where the number of a row stands, it is of that table.

import test from 'ava';
import { defaultLimits } from '../../../src/server/limits.js';
import { readInferRequest } from '../../../src/server/protocol/index.js';
import {
  add,
  binaryBody,
  bytesOf,
  floatBytes,
  floatsOf,
  identity,
  input,
  jsonOf,
  readBinary,
  readJson,
  refusal,
  signature,
  sum2,
  type TestFacts,
} from './requests.js';

const sixteen = Array.from({ length: 16 }, (_, i) => i + 1);
const of = (name: string, data: unknown = sixteen, shape: unknown = [1, 16]) => ({
  name,
  shape,
  datatype: 'INT32',
  data,
});
const both = [of('INPUT0'), of('INPUT1')];
const x = (data: unknown, shape: unknown = [1, 4], datatype: unknown = 'FP32') => ({ inputs: [{ name: 'x', shape, datatype, data }] }); // prettier-ignore

test('8 to 12: data flat or nested, an id only where sent, outputs all or as asked', async t => {
  for (const data of [
    [1, 2, 3, 4],
    [[1, 2, 3, 4]],
    [
      [[1], [2]],
      [3, [4]],
    ],
  ]) {
    const read = await readJson(x(data), add);
    t.deepEqual(floatsOf(read.run.inputs.get('x')!), [1, 2, 3, 4]);
    t.deepEqual(read.form.outputs, [{ name: 'y', isBinary: false }]);
    t.false('id' in read);
    t.is(read.run.outputs, undefined);
  }
  t.is((await readJson({ id: '42', ...x([1, 2, 3, 4]) }, add)).id, '42');
  const one = await readJson({ inputs: both.toReversed(), outputs: [{ name: 'OUTPUT1' }] }, sum2);
  t.deepEqual(one.run.outputs, ['OUTPUT1']);
  t.deepEqual([...one.run.inputs.keys()], ['INPUT0', 'INPUT1'], 'in the order of the model');
  t.is((await readJson({ inputs: both, outputs: [] }, sum2)).run.outputs, undefined);
});

test('13 to 15: binary outputs, by the request and by the output, which wins', async t => {
  const forms = async (request: object) => (await readJson({ inputs: both, ...request }, sum2)).form.outputs.map(({ isBinary }) => isBinary); // prettier-ignore
  t.deepEqual(await forms({ parameters: { binary_data_output: true } }), [true, true]);
  const outputs = [{ name: 'OUTPUT0' }, { name: 'OUTPUT1', parameters: { binary_data: false } }];
  t.deepEqual(await forms({ parameters: { binary_data_output: true }, outputs }), [true, false]);
  t.deepEqual(await forms({ outputs: [{ name: 'OUTPUT1', parameters: { binary_data: true } }] }), [true]);
});

/** What is sent, to which model, and what the refusal says. */
const refused: readonly [label: string, request: unknown, facts: TestFacts, said: RegExp][] = [
  ['a list', [], add, /^BAD_REQUEST: the request: wanted an object, got \[\]/],
  ['null', null, add, /^BAD_REQUEST/],
  ['inputs that are no list', { inputs: {} }, add, /^BAD_REQUEST: inputs: wanted a list/],
  ['an input that is no object', { inputs: [1] }, add, /^BAD_REQUEST: inputs\[0\]/],
  ['a name that is no text', { inputs: [{ name: 1 }] }, add, /^BAD_REQUEST: inputs\[0\].name/],
  ['an id that is no text', { ...x([1, 2, 3, 4]), id: 42 }, add, /^BAD_REQUEST: id/],
  ['outputs that are no list', { inputs: both, outputs: 'OUTPUT0' }, sum2, /^BAD_REQUEST: outputs/],
  ['16: too few', { inputs: [of('INPUT0', sixteen.slice(1)), both[1]] }, sum2, /^BAD_DATA: input "INPUT0": expected 16, got 15/], // prettier-ignore
  ['17: too many', { inputs: [of('INPUT0', [...sixteen, 1, 2]), both[1]] }, sum2, /^BAD_DATA: .*expected 16, got 18/], // prettier-ignore
  ['no data', x(undefined), add, /^BAD_DATA: input "x": wanted data as a list, got none/],
  ['data that is no list', x(5), add, /^BAD_DATA/],
  ['18: one of two inputs', { inputs: [both[1]] }, sum2, /^MISSING_INPUT: missing inputs: "INPUT0"/],
  ['18: none', { inputs: [] }, sum2, /^MISSING_INPUT: missing inputs: "INPUT0", "INPUT1"/],
  ['18: no inputs', {}, sum2, /^MISSING_INPUT/],
  ['18: unknown', { inputs: [...both, of('INPUT2')] }, sum2, /^UNKNOWN_INPUT: input "INPUT2"/],
  ['18: a name of every object', { inputs: [of('toString')] }, sum2, /^UNKNOWN_INPUT/],
  ['18: twice', { inputs: [both[0], both[0]] }, sum2, /^DUPLICATE_INPUT: input "INPUT0"/],
  ['19: an output twice', { inputs: both, outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT0' }] }, sum2, /^DUPLICATE_OUTPUT: output "OUTPUT0"/], // prettier-ignore
  ['20: an unknown output', { inputs: both, outputs: [{ name: 'OUTPUT2' }] }, sum2, /^UNKNOWN_OUTPUT: output "OUTPUT2"/], // prettier-ignore
  ['23: negative', { inputs: [input('FP32', [2, -5], [1])] }, identity('FP32'), /^BAD_SHAPE/],
  ['24: a fraction', { inputs: [input('FP32', [1.5, 1], [1])] }, identity('FP32'), /^BAD_SHAPE/],
  ['24: text', { inputs: [input('FP32', ['4', 1], [1])] }, identity('FP32'), /^BAD_SHAPE/],
  ['24: null', { inputs: [input('FP32', [null, 1], [1])] }, identity('FP32'), /^BAD_SHAPE/],
  ['24: missing', { inputs: [input('FP32', undefined, [1])] }, identity('FP32'), /^BAD_SHAPE: .*wanted a shape/],
  ['another rank', x([1, 2, 3, 4], [4]), add, /^BAD_SHAPE: input "x": wanted shape \[1,4\], got \[4\]/],
  ['another fixed dimension', x([1, 2, 3], [1, 3]), add, /^BAD_SHAPE: .*\[1,4\], got \[1,3\]/],
  ['rank 33', { inputs: [input('FP32', Array(33).fill(1), [1])] }, identity('FP32'), /^BAD_SHAPE: .*limit is 32/],
  ['over the limit', { inputs: [input('FP32', [2 ** 20, 17], [1])] }, identity('FP32'), /^TOO_LARGE: .*71303168 bytes/],
  ['26: an unknown datatype', x([1, 2, 3, 4], [1, 4], 'FP31'), add, /^BAD_DATATYPE: .*wanted datatype FP32, got "FP31"/], // prettier-ignore
  ['26: another datatype', x([1, 2, 3, 4], [1, 4], 'INT32'), add, /^BAD_DATATYPE: .*FP32, got "INT32"/],
  ['26: none', x([1, 2, 3, 4], [1, 4], null), add, /^BAD_DATATYPE/],
  ['27: FP16 in', { inputs: [input('FP16', [1, 1], [1])], outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }] }, identity('FP16'), /^BAD_DATATYPE: input.*binary/], // prettier-ignore
  ['27: FP16 out', { inputs: [input('FP16', [1, 1], undefined, 2)] }, identity('FP16'), /^BAD_DATATYPE: output.*binary/], // prettier-ignore
  ['37: a size without the header', { inputs: [input('FP32', [1, 1], undefined, 4)] }, identity('FP32'), /^BAD_BINARY: .*Inference-Header-Content-Length/], // prettier-ignore
  ['37: a size and data', { inputs: [input('FP32', [1, 1], [1], 4)] }, identity('FP32'), /^BAD_BINARY/],
  ['65 inputs', { inputs: Array(65).fill(both[0]) }, sum2, /^TOO_LARGE: 65 inputs/],
  ['65 outputs', { inputs: both, outputs: Array(65).fill({ name: 'OUTPUT0' }) }, sum2, /^TOO_LARGE: 65 outputs/],
  ['an id of 257', { id: 'a'.repeat(257), ...x([1, 2, 3, 4]) }, add, /^BAD_REQUEST: id: 257 characters/],
];
for (const [label, request, facts, said] of refused)
  test(`refused: ${label}`, async t => {
    t.regex(await refusal(readJson(request, facts)), said);
  });

test('21, 22: products that wrap around 64 bits', async t => {
  for (const first of ['16', '4']) {
    const body = `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[${first},1152921504606846978],"data":[1.0]}]}`;
    t.regex(await refusal(readInferRequest(bytesOf(body), undefined, identity('FP32'), defaultLimits)), /^BAD_SHAPE/);
  }
  const safe = { inputs: [input('FP32', [2 ** 33, 2 ** 30], [1])] };
  t.regex(await refusal(readJson(safe, identity('FP32'))), /^BAD_SHAPE: .*more than 2\^63 - 1/);
  const below = { inputs: [input('FP32', [2 ** 32, 2 ** 30], [1])] };
  t.regex(await refusal(readJson(below, identity('FP32'))), /^TOO_LARGE: .*18446744073709551616 bytes/);
});

test('25: a dimension of 0 takes an empty list', async t => {
  const read = await readJson({ inputs: [input('FP32', [0, 4], [])] }, identity('FP32', [-1, 4], 8));
  t.deepEqual(read.run.inputs.get('INPUT0'), { datatype: 'FP32', shape: [0, 4], data: new Uint8Array() });
});

test('rows agree and fit one run', async t => {
  const rows = (a: number, b: number) =>
    readJson(
      { inputs: [of('INPUT0', Array(a * 16).fill(0), [a, 16]), of('INPUT1', Array(b * 16).fill(0), [b, 16])] },
      { ...sum2, inputs: [signature('INPUT0', 'INT32', -1, 16), signature('INPUT1', 'INT32', -1, 16)], maxBatch: 4 },
    );
  t.is((await rows(4, 4)).run.inputs.size, 2);
  t.regex(await refusal(rows(2, 3)), /^BAD_SHAPE: input "INPUT1": 3 rows, input "INPUT0" has 2/);
  t.regex(await refusal(rows(5, 5)), /^BAD_SHAPE: .*5 rows, the limit of a request is 4/);
});

test('28, 40: binary tensors are views at whatever byte they begin', async t => {
  const half = Uint8Array.of(0x00, 0x3c, 0x00, 0x41); // 1.0, 2.5
  const outputs = [{ name: 'OUTPUT0', parameters: { binary_data: true } }];
  const read = await readBinary({ inputs: [input('FP16', [1, 2], undefined, 4)], outputs }, identity('FP16'), half);
  t.deepEqual(read.run.inputs.get('INPUT0')!.data, half);
  for (const id of ['', 'a', 'ab', 'abc']) {
    const request = {
      id,
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], parameters: { binary_data_size: 16 } }],
    };
    const { body, header } = binaryBody(request, floatBytes(1, 2, 3, 4.5));
    const { data } = (await readInferRequest(body, header, add, defaultLimits)).run.inputs.get('x')!;
    t.is(data.buffer, body.buffer);
    t.deepEqual(floatsOf({ data, datatype: 'FP32', shape: [] }), [1, 2, 3, 4.5]);
  }
});

test('binary and JSON inputs side by side, in the order of the request', async t => {
  const bytes = new Uint8Array(Int32Array.from(sixteen).buffer);
  const binary = { name: 'INPUT1', shape: [1, 16], datatype: 'INT32', parameters: { binary_data_size: 64 } };
  const read = await readBinary({ inputs: [binary, both[0]] }, sum2, bytes);
  t.deepEqual(new Uint8Array(read.run.inputs.get('INPUT1')!.data), bytes);
  t.deepEqual(read.run.inputs.get('INPUT0')!.data, bytes);
  const two = [sixteen, sixteen.map(n => -n)].map(list => new Uint8Array(Int32Array.from(list).buffer));
  const swapped = await readBinary({ inputs: [binary, { ...binary, name: 'INPUT0' }] }, sum2, ...two);
  t.deepEqual(new Uint8Array(swapped.run.inputs.get('INPUT1')!.data), two[0]);
  t.deepEqual(new Uint8Array(swapped.run.inputs.get('INPUT0')!.data), two[1]);
});

test('29: integers of 64 bits are exact as text, and never rounded', async t => {
  const data = ['9007199254740993', '-9223372036854775808', -1, 9007199254740991, -(2 ** 40), '7'];
  const read = await readJson({ inputs: [input('INT64', [1, 6], data)] }, identity('INT64'));
  const longs = new BigInt64Array(read.run.inputs.get('INPUT0')!.data.buffer as ArrayBuffer);
  t.deepEqual(
    [...longs],
    data.map(value => BigInt(value)),
  );
  const most = await readJson({ inputs: [input('UINT64', [1, 1], ['18446744073709551615'])] }, identity('UINT64'));
  t.deepEqual(most.run.inputs.get('INPUT0')!.data, new Uint8Array(8).fill(255));
});

test('30: an element is of its type, or refused by its index', async t => {
  const wrong: readonly (readonly [string, string])[] = [
    ['UINT8', '256'], ['UINT8', '-1'], ['INT8', '-129'], ['INT8', '128'], ['UINT16', '65536'], ['INT16', '32768'],
    ['INT32', '1.5'], ['INT32', '2147483648'], ['UINT32', '4294967296'], ['UINT32', '-1'], ['INT32', 'true'],
    ['INT64', '9007199254740993'], ['INT64', '"9223372036854775808"'], ['INT64', '"0x10"'], ['INT64', '"1.0"'],
    ['INT64', '""'], ['INT64', '" 1"'], ['INT64', '"01"'], ['INT64', '1.5'], ['UINT64', '-1'], ['UINT64', '"-1"'],
    ['UINT64', '"18446744073709551616"'], ['BOOL', '2'], ['BOOL', '"true"'], ['BOOL', 'null'], ['FP32', '1e999'],
    ['FP32', '1e39'], ['FP32', '"1"'], ['FP32', 'null'], ['FP32', 'true'], ['FP32', '{}'], ['FP64', '-1e999'],
    ['BYTES', '1'], ['BYTES', 'null'],
  ]; // prettier-ignore
  const good = new Map([['BYTES', '"a"']]);
  for (const [datatype, element] of wrong) {
    const first = good.get(datatype) ?? '1';
    const body = `{"inputs":[{"name":"INPUT0","datatype":"${datatype}","shape":[1,3],"data":[${first},[${element},${first}]]}]}`;
    const facts = identity(datatype as 'FP32');
    const said = await refusal(readInferRequest(bytesOf(body), undefined, facts, defaultLimits));
    t.regex(said, /^BAD_DATA: input "INPUT0": element 1 is /, `${datatype} ${element}`);
  }
});

test('BOOL takes words and digits, in binary only 0 and 1', async t => {
  const read = await readJson({ inputs: [input('BOOL', [1, 4], [true, false, 1, 0])] }, identity('BOOL'));
  t.deepEqual(read.run.inputs.get('INPUT0')!.data, Uint8Array.of(1, 0, 1, 0));
  const binary = (...bytes: number[]) =>
    readBinary({ inputs: [input('BOOL', [1, 3], undefined, 3)] }, identity('BOOL'), Uint8Array.from(bytes));
  t.is((await binary(1, 0, 1)).run.inputs.size, 1);
  t.regex(await refusal(binary(1, 2, 1)), /^BAD_DATA: .*element 1 is the byte 2/);
  t.regex(await refusal(readInferRequest(Uint8Array.of(0, 9), '0', identity('BOOL'), defaultLimits)), /^BAD_DATA/);
});

test('31 to 33: raw requests', async t => {
  const raw = (facts: TestFacts, body: Uint8Array) => readInferRequest(body, '0', facts, defaultLimits);
  const shapeOf = async (facts: TestFacts, body: Uint8Array) =>
    (await raw(facts, body)).run.inputs.get('INPUT0')!.shape;
  const eight = floatBytes(1, 2, 3, 4, 5, 6, 7, 8);
  t.deepEqual(await shapeOf(identity('FP32', [-1]), eight), [8]);
  t.deepEqual(await shapeOf(identity('FP32', [-1, -1]), eight), [1, 8]);
  t.deepEqual(await shapeOf(identity('FP32', [-1, 4], 8), eight), [2, 4]);
  t.deepEqual(await shapeOf(identity('FP32', [2, 4]), eight), [2, 4]);
  t.deepEqual(await shapeOf(identity('FP32', [-1, 2, -1]), eight), [1, 2, 4]);
  const read = await raw(identity('FP32', [-1, -1]), eight);
  t.is(read.run.inputs.get('INPUT0')!.data, eight);
  t.deepEqual(read.form.outputs, [{ name: 'OUTPUT0', isBinary: true }]);
  const text = (await raw(identity('BYTES', [1]), bytesOf('427'))).run.inputs.get('INPUT0')!;
  t.deepEqual(text, { datatype: 'BYTES', shape: [1], data: Uint8Array.of(3, 0, 0, 0, 0x34, 0x32, 0x37) });
  t.deepEqual(await shapeOf(identity('BYTES', [-1, 1]), bytesOf('427')), [1, 1]);

  const bad: [string, TestFacts, Uint8Array, RegExp][] = [
    ['byte_too_many', identity('BYTES', [2]), bytesOf('427'), /one element/],
    ['multi_variable', identity('FP32', [-1, -1, -1]), eight, /one free dimension/],
    ['multi_variable, fixed rows', identity('FP32', [1, -1, -1]), eight, /one free dimension/],
    ['multi_inputs', sum2, new Uint8Array(128), /one input, it has 2/],
    ['too short', identity('FP32', [1, 4]), eight.subarray(0, 15), /16 bytes, the body has 15/],
    ['no multiple', identity('FP32', [-1, 4]), eight.subarray(0, 31), /a multiple of 16 bytes/],
    ['nothing fits', identity('FP32', [0, -1]), eight, /the body has 32/],
  ];
  for (const [label, facts, body, said] of bad) {
    const text = await refusal(raw(facts, body));
    t.regex(text, /^BAD_BINARY: /, label);
    t.regex(text, said, label);
  }
  t.regex(await refusal(raw(identity('FP32', [-1, 4], 1), eight)), /^BAD_SHAPE: .*2 rows, the limit/);
  const limits = { ...defaultLimits, tensors: 31 };
  t.regex(await refusal(readInferRequest(eight, '0', identity('FP32'), limits)), /^TOO_LARGE/);
});

test('36: the length of the JSON is digits, and within the body', async t => {
  const body = jsonOf(x([1, 2, 3, 4]));
  for (const header of [
    '99999999999',
    '-5',
    '1e2',
    '',
    ' 5',
    '0x10',
    '+1',
    '1.0',
    '9'.repeat(400),
    `${body.length + 1}`,
    '5, 5',
  ])
    // prettier-ignore
    t.regex(await refusal(readInferRequest(body, header, add, defaultLimits)), /^BAD_BINARY: Inference-Header/, header);
  t.is((await readInferRequest(body, String(body.length), add, defaultLimits)).run.inputs.size, 1);
});

test('38: sizes agree with shapes and with the body', async t => {
  const eight = floatBytes(1, 2, 3, 4, 5, 6, 7, 8);
  const sent = (size: number, tail: Uint8Array) =>
    refusal(readBinary({ inputs: [input('FP32', [1, 8], undefined, size)] }, identity('FP32'), tail));
  t.regex(await sent(40, eight), /^BAD_BINARY: .*binary_data_size 40, its shape has 32 bytes/);
  t.regex(await sent(32, eight.subarray(0, 29)), /^BAD_BINARY: .*29 bytes of the body are left/);
  t.regex(await sent(32, new Uint8Array(33)), /^BAD_BINARY: inputs name 32 bytes of binary data, 33 follow/);
  const json = readBinary({ inputs: [input('FP32', [1, 1], [1])] }, identity('FP32'), Uint8Array.of(1));
  t.regex(await refusal(json), /^BAD_BINARY: inputs name 0 bytes/);
});

test('39: BYTES whose lengths lead elsewhere', async t => {
  const elements = (count: number) => new Uint8Array(Buffer.concat(Array<Uint8Array>(count).fill(Uint8Array.of(1, 0, 0, 0, 65)))); // prettier-ignore
  const sent = (tail: Uint8Array) =>
    readBinary({ inputs: [input('BYTES', [1, 16], undefined, tail.length)] }, identity('BYTES'), tail);
  t.is((await sent(elements(16))).run.inputs.get('INPUT0')!.data.length, 80);
  t.regex(await refusal(sent(elements(14))), /^BAD_BINARY: .*expected 16, got 14/);
  t.regex(await refusal(sent(elements(17))), /^BAD_BINARY: .*expected 16, got 17/);
  const tails: [label: string, last: number[]][] = [
    ['past the end', [2, 0, 0, 0, 65]],
    ['2^32 - 1', [255, 255, 255, 255, 65]],
    ['a cut length', [1, 0]],
  ];
  for (const [label, last] of tails) {
    const tail = new Uint8Array([...elements(15), ...last]);
    t.regex(await refusal(sent(tail)), /^BAD_BINARY: .*element 15 needs/, label);
  }
});

test('41: nesting within the limit is data, beyond it is refused', async t => {
  const nested = (depth: number) =>
    bytesOf(`{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,1],"data":${'['.repeat(depth)}1${']'.repeat(depth)}}]}`); // prettier-ignore
  const read = (depth: number) => readInferRequest(nested(depth), undefined, identity('FP32'), defaultLimits);
  t.deepEqual(floatsOf((await read(50)).run.inputs.get('INPUT0')!), [1]);
  for (const depth of [101, 120, 40_000, 250_000]) t.regex(await refusal(read(depth)), /^BAD_JSON: /);
});

test('limits of body and JSON part hold on both sides of the edge', async t => {
  const body = jsonOf(x([1, 2, 3, 4]));
  const read = (limit: number) => readInferRequest(body, undefined, add, { ...defaultLimits, body: limit });
  t.is((await read(body.length)).run.inputs.size, 1);
  t.regex(await refusal(read(body.length - 1)), /^TOO_LARGE: a body of/);
  const sized = { inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', parameters: { binary_data_size: 16 } }] };
  const { body: binary, header } = binaryBody(sized, floatBytes(1, 2, 3, 4));
  const part = (limit: number) => readInferRequest(binary, header, add, { ...defaultLimits, jsonHeader: limit });
  t.is((await part(Number(header))).run.inputs.size, 1);
  t.regex(await refusal(part(Number(header) - 1)), /^TOO_LARGE: a JSON part of/);
  const two = (tensors: number) => readJson({ inputs: both }, sum2, { ...defaultLimits, tensors });
  t.is((await two(128)).run.inputs.size, 2);
  t.regex(await refusal(two(127)), /^TOO_LARGE: tensors of over 127 bytes/);
});

test('known parameters are typed and become the run', async t => {
  const parameters = { priority: 1, timeout: 2500, graft_members: true, graft_on_member_failure: 'degrade', graft_deadline_ms: 0.5 }; // prettier-ignore
  const { run } = await readJson({ ...x([1, 2, 3, 4]), parameters }, add);
  const { inputs: _, ...rest } = run;
  t.deepEqual(rest, { priority: 1, queueLimit: 2.5, deadline: 0.5, onMemberFailure: 'degrade', members: true });
  const none = await readJson({ ...x([1, 2, 3, 4]), parameters: { timeout: 0, other: { a: [1] } } }, add);
  t.deepEqual(Object.keys(none.run), ['inputs']);
});

test('parameters of a wrong type, unknown ones that are kept, and too many or too long', async t => {
  const bad: readonly unknown[] = [
    { binary_data_output: 1 }, { priority: -1 }, { priority: '1' }, { timeout: 1.5 }, { graft_members: 'yes' },
    { graft_on_member_failure: 'ignore' }, { graft_deadline_ms: 0 }, { graft_deadline_ms: '5' }, { graft_x: 1 },
    { triton_enable_empty_final_response: true }, [], 'text', null, { [`a${'b'.repeat(1024)}`]: 1 },
    { a: 'b'.repeat(1025) }, { a: Array(513).fill(0) }, Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, i])),
  ]; // prettier-ignore
  for (const parameters of bad)
    t.regex(
      await refusal(readJson({ ...x([1, 2, 3, 4]), parameters }, add)),
      /^BAD_PARAMETER: parameters: /,
      JSON.stringify(parameters).slice(0, 60),
    );
  const most = { ...Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`k${i}`, i])), a: 'b'.repeat(1024) };
  t.is((await readJson({ ...x([1, 2, 3, 4]), parameters: most }, add)).run.inputs.size, 1);
  const ofInput = { inputs: [{ ...x([1, 2, 3, 4]).inputs[0], parameters: { binary_data_size: '16' } }] };
  t.regex(await refusal(readJson(ofInput, add)), /^BAD_PARAMETER: input "x": parameters: binary_data_size/);
  const ofOutput = (parameters: object) => readJson({ ...x([1, 2, 3, 4]), outputs: [{ name: 'y', parameters }] }, add);
  t.regex(await refusal(ofOutput({ binary_data: 'yes' })), /^BAD_PARAMETER: output "y": parameters: binary_data/);
  t.regex(await refusal(ofOutput({ graft_y: 1 })), /^BAD_PARAMETER: .*"graft_y" is not known/);
});

test('59: classification of 1 to 1,000 of numbers', async t => {
  const ask = (classification: unknown, facts = add) =>
    readJson({ ...x([1, 2, 3, 4]), outputs: [{ name: 'y', parameters: { classification } }] }, facts);
  for (const n of [1, 1000]) t.is((await ask(n)).form.outputs[0]!.classes, n);
  for (const n of [0, 1001, 10 ** 6, 1.5, '3', -1]) t.regex(await refusal(ask(n)), /^BAD_PARAMETER: .*classification/);
  const texts = { ...add, outputs: [signature('y', 'BYTES', 1)] };
  t.regex(await refusal(ask(3, texts)), /^BAD_PARAMETER: .*classification of BYTES/);
  const halves = { ...add, outputs: [signature('y', 'FP16', 1, 4)] };
  t.is((await ask(3, halves)).form.outputs[0]!.classes, 3);
});
