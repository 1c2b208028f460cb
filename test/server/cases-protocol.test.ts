// The protocol's table of cases, rows 1 to 46: health, metadata, tensors as JSON and as bytes, limits of bodies, against a
// real server. Limits of size are lowered where a row sends as much as is taken; raw files of the corpus have a test of
// their own (corpus.assets.test.ts).

import test, { type ExecutionContext } from 'ava';
import { connect } from 'node:net';
import { tensor } from '../../src/base/index.js';
import { Builder, modelOf, type Model } from '../../src/graph/index.js';
import { Add, Identity } from '../../src/operators/index.js';
import { parseAnswer, talk } from './http/talk.js';
import { addNetwork, identityNetwork, sumNetwork, writeVersion } from './networks.js';
import { assertAnswer, described, templateOf } from './openapi-check.js';
import { binary, floats, readAnswer, startServer, type Read, type Running } from './running.js';

const MiB = 1024 * 1024;
const limit = 2 * MiB;

/** Inputs of many types, each as it is: name, type, elements. */
const kinds = [['f16', 'float16', 2], ['i64', 'int64', 1], ['u8', 'uint8', 1], ['i8', 'int8', 1], ['b', 'bool', 1], ['f32', 'float32', 1]] as const; // prettier-ignore
function kindsNetwork(): Model {
  const builder = new Builder('kinds');
  for (const [name, type, count] of kinds) builder.output(Identity(builder.input(name, type, [count])), `${name}_out`);
  return modelOf(builder.finish());
}

/** x FP32 [A, B, C], whose rows a raw request cannot tell. */
function cubeNetwork(): Model {
  const builder = new Builder('cube');
  const x = builder.input('x', 'float32', ['A', 'B', 'C']);
  builder.output(Add(x, builder.parameter('zero', tensor('float32', [1], Float32Array.of(0)))), 'y');
  return modelOf(builder.finish());
}

let at: Running;
test.before(async () => {
  at = await startServer(
    folder => {
      writeVersion(folder, 'add', addNetwork());
      writeVersion(folder, 'sum2', sumNetwork());
      writeVersion(folder, 'id_fp32', identityNetwork('float32', ['N', 'M']));
      writeVersion(folder, 'kinds', kindsNetwork());
      writeVersion(folder, 'txt', identityNetwork('string', ['N']));
      writeVersion(folder, 'txt4', identityNetwork('string', [4]));
      writeVersion(folder, 'cube', cubeNetwork());
    },
    // rows are of one request here: a run takes as many as there are
    { modelControl: 'explicit', maxBatch: 4096, limits: { body: limit, tensors: limit } },
  );
  await at.server.started;
});
test.after.always(() => at.close());

const four = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };
const sixteen = Array.from({ length: 16 }, (_, i) => i + 1);
const int = (name: string, data: readonly unknown[] = sixteen) => ({ name, shape: [1, 16], datatype: 'INT32', data });
const both = [int('INPUT0'), int('INPUT1')];
const outputsOf = (answer: Read) => answer.json['outputs'] as Record<string, unknown>[];
const idOf = (input: Record<string, unknown>) => ({ inputs: [{ name: 'INPUT0', datatype: 'FP32', ...input }] });

/** A request to `kinds`, some inputs otherwise. */
function all(changes: Readonly<Record<string, Record<string, unknown>>> = {}) {
  const names = { f16: 'FP16', i64: 'INT64', u8: 'UINT8', i8: 'INT8', b: 'BOOL', f32: 'FP32' } as const;
  const inputs = kinds.map(([name, , count]) => ({
    name,
    datatype: names[name],
    shape: [count],
    ...(name === 'f16' ? { parameters: { binary_data_size: 4 } } : { data: [1] }),
    ...changes[name],
  }));
  const outputs = kinds.map(([name]) => ({ name: `${name}_out`, parameters: { binary_data: name === 'f16' } }));
  // 1.0 and 2.5 as half-precision floats
  return binary({ inputs, outputs }, Uint8Array.of(0x00, 0x3c, 0x00, 0x41));
}

/** Whether body and headers are given, not a value to be sent as JSON. */
const isWhole = (sent: unknown): sent is { body: unknown; headers: Readonly<Record<string, string>> } =>
  typeof sent === 'object' && sent !== null && 'body' in sent && 'headers' in sent;

async function refused(
  t: ExecutionContext,
  model: string,
  sent: unknown,
  status: number,
  code: string,
  says = /./,
): Promise<void> {
  const { body, headers } = isWhole(sent) ? sent : { body: sent, headers: {} };
  const answer = await at.infer(t, model, body, headers);
  t.deepEqual([answer.status, answer.code], [status, code], answer.text.slice(0, 200));
  t.regex(answer.error, says);
}

const live = async (t: ExecutionContext) => t.is((await at.get(t, '/v2/health/live')).status, 200);

/** Bytes over a socket of their own; the one answer is held to the description. */
async function raw(t: ExecutionContext, bytes: string | Uint8Array, path: string, method = 'POST'): Promise<Read> {
  const { text } = await talk(at.port, bytes);
  t.is(text.match(/HTTP\/1\.1 \d/g)?.length, 1, text.slice(0, 300));
  const { status, headers, body } = parseAnswer(text);
  const answer = { status, headers, body: Buffer.from(body, 'latin1') };
  assertAnswer(t, method, templateOf(path), answer);
  return readAnswer(answer);
}

test('routes of the app and described paths are the same', t => {
  const routes = new Set<string>();
  const lines = at.server.app.printRoutes({ commonPrefix: false, includeHooks: false }).split('\n');
  const stack: string[] = [];
  for (const line of lines) {
    const found = /^(.*?)(?:├──|└──) (\S*)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (!found) continue;
    const depth = found[1]!.length / 4;
    stack.length = depth;
    stack[depth] = found[2]!;
    const path = stack.join('').replaceAll(/:(\w+)/g, '{$1}');
    for (const method of (found[3] ?? '').split(', ')) if (method === 'GET' || method === 'POST') routes.add(`${method} ${path}`); // prettier-ignore
  }
  t.deepEqual([...routes].sort(), [...described].sort());
});

test('row 1: live and ready', async t => {
  t.deepEqual((await at.get(t, '/v2/health/live')).json, { live: true });
  t.deepEqual((await at.get(t, '/v2/health/ready')).json, { live: true, ready: true });
  const head = await fetch(`${at.server.url}/v2/health/live`, { method: 'HEAD' });
  assertAnswer(t, 'HEAD', '/v2/health/live', { status: head.status, headers: new Map(head.headers), body: new Uint8Array(await head.arrayBuffer()) }); // prettier-ignore
  t.is(head.status, 200);
});

test('row 3: server metadata', async t => {
  const { status, json } = await at.get(t, '/v2');
  t.is(status, 200);
  t.is(json['name'], 'graft');
  t.deepEqual(json['extensions'], ['binary_tensor_data', 'classification', 'model_configuration', 'model_repository', 'model_repository(unload_dependents)', 'parameters', 'schedule_policy', 'statistics']); // prettier-ignore
  const absent = await at.get(t, '/v2/systemsharedmemory/status');
  t.deepEqual([absent.status, absent.code], [404, 'NOT_FOUND']);
});

test('row 4: model metadata', async t => {
  const { status, json } = await at.get(t, '/v2/models/add');
  t.is(status, 200);
  t.is(json['platform'], 'onnx_onnxv1');
  t.deepEqual(json['versions'], ['1']);
  t.deepEqual(json['inputs'], [{ name: 'x', datatype: 'FP32', shape: [1, 4] }]);
  t.deepEqual(json['outputs'], [{ name: 'y', datatype: 'FP32', shape: [1, 4] }]);
  const { json: free } = await at.get(t, '/v2/models/id_fp32/versions/1');
  t.deepEqual(free['inputs'], [{ name: 'INPUT0', datatype: 'FP32', shape: [-1, -1] }]);
  t.deepEqual((await at.get(t, '/v2/models/add/ready')).json, { name: 'add', ready: true });
  t.is((await at.get(t, '/v2/models/add/config')).status, 200);
  t.deepEqual((await at.get(t, '/v2/models')).json['models'], ['add', 'cube', 'id_fp32', 'kinds', 'sum2', 'txt', 'txt4']); // prettier-ignore
});

test('row 5: unknown models', async t => {
  for (const answer of [
    await at.get(t, '/v2/models/nope'),
    await at.get(t, '/v2/models/nope/ready'),
    await at.get(t, '/v2/models/nope/stats'),
    await at.get(t, '/v2/models/nope/config'),
    await at.infer(t, 'nope', { inputs: [four] }),
  ]) {
    t.deepEqual([answer.status, answer.code], [404, 'MODEL_NOT_FOUND']);
    t.regex(answer.error, /nope/);
  }
});

test('row 6: unknown versions', async t => {
  const { status, code } = await at.post(t, '/v2/models/add/versions/9/infer', { inputs: [four] });
  t.deepEqual([status, code], [404, 'VERSION_NOT_FOUND']);
  const bad = await at.post(t, '/v2/models/add/versions/01/infer', { inputs: [four] });
  t.deepEqual([bad.status, bad.code], [400, 'BAD_NAME']);
});

test('row 7: names that are paths', async t => {
  const names = ['..%2Fetc', 'a%2F..%2Fb', '..', '%2E%2E', '%2Fetc%2Fpasswd', 'model%2F', '%20..', '..%20', '', '%09', 'a%00b', '..%5Cx']; // prettier-ignore
  for (const name of names) {
    const path = `/v2/repository/models/${name}/load`;
    const answer = await raw(t, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, path); // prettier-ignore
    t.true((answer.status === 400 && answer.code === 'BAD_NAME') || answer.status === 404, `${name}: ${answer.text}`);
  }
  const { json } = await at.post(t, '/v2/repository/index');
  t.is(Object.keys(json).length, 7);
});

test('row 8: inference', async t => {
  const { status, json } = await at.infer(t, 'add', { inputs: [four] });
  t.is(status, 200);
  t.deepEqual(json, { model_name: 'add', model_version: '1', outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 4], data: [1, 3, 5, 7] }] }); // prettier-ignore
});

test('row 9: ids', async t => {
  t.is((await at.infer(t, 'add', { id: '42', inputs: [four] })).json['id'], '42');
  t.is((await at.infer(t, 'add', { id: 'a'.repeat(256), inputs: [four] })).status, 200);
  await refused(t, 'add', { id: 'a'.repeat(257), inputs: [four] }, 400, 'BAD_REQUEST');
  await refused(t, 'add', { id: 42, inputs: [four] }, 400, 'BAD_REQUEST');
});

test('row 10: nested and flat data', async t => {
  const flat = await at.infer(t, 'add', { inputs: [four] });
  const nested = await at.infer(t, 'add', { inputs: [{ ...four, data: [[1, 2, 3, 4]] }] });
  t.deepEqual(nested.json, flat.json);
});

test('row 11: all outputs', async t => {
  const { json } = await at.infer(t, 'sum2', { inputs: both });
  t.deepEqual(json['outputs'], [
    { name: 'OUTPUT0', datatype: 'INT32', shape: [1, 16], data: sixteen.map(value => 2 * value) },
    { name: 'OUTPUT1', datatype: 'INT32', shape: [1, 16], data: sixteen.map(() => 0) },
  ]);
  t.deepEqual((await at.infer(t, 'sum2', { inputs: both, outputs: [] })).json, json);
});

test('row 12: one output', async t => {
  const answer = await at.infer(t, 'sum2', { inputs: both, outputs: [{ name: 'OUTPUT1' }] });
  t.deepEqual(outputsOf(answer).map(({ name }) => name), ['OUTPUT1']); // prettier-ignore
});

test('row 13: one binary output', async t => {
  const outputs = [{ name: 'OUTPUT0', parameters: { binary_data: true } }];
  const answer = await at.infer(t, 'sum2', { inputs: both, outputs });
  t.is(answer.headers.get('content-type'), 'application/octet-stream');
  t.deepEqual([...new Int32Array(answer.tail.slice().buffer)], sixteen.map(value => 2 * value)); // prettier-ignore
  t.is(answer.tail.length, 64);
  t.deepEqual(outputsOf(answer), [{ name: 'OUTPUT0', datatype: 'INT32', shape: [1, 16], parameters: { binary_data_size: 64 } }]); // prettier-ignore
});

test('row 14: all outputs binary', async t => {
  const answer = await at.infer(t, 'sum2', { inputs: both, parameters: { binary_data_output: true } });
  t.deepEqual([...new Int32Array(answer.tail.slice().buffer)], [...sixteen.map(value => 2 * value), ...sixteen.map(() => 0)]); // prettier-ignore
  t.deepEqual(outputsOf(answer).map(({ name }) => name), ['OUTPUT0', 'OUTPUT1']); // prettier-ignore
});

test('row 15: an output says otherwise', async t => {
  const outputs = [{ name: 'OUTPUT0' }, { name: 'OUTPUT1', parameters: { binary_data: false } }];
  const answer = await at.infer(t, 'sum2', { inputs: both, outputs, parameters: { binary_data_output: true } });
  t.is(answer.tail.length, 64);
  t.deepEqual(outputsOf(answer)[1]!['data'], sixteen.map(() => 0)); // prettier-ignore
});

test('row 16: too few values', t => refused(t, 'sum2', { inputs: [int('INPUT0', sixteen.slice(1)), int('INPUT1')] }, 400, 'BAD_DATA', /INPUT0.*16.*15/)); // prettier-ignore
test('row 17: too many values', t => refused(t, 'sum2', { inputs: [int('INPUT0', [...sixteen, 1, 2]), int('INPUT1')] }, 400, 'BAD_DATA', /16.*18/)); // prettier-ignore

test('row 18: inputs that are missing, unknown, or there twice', async t => {
  await refused(t, 'sum2', { inputs: [int('INPUT0')] }, 400, 'MISSING_INPUT', /INPUT1/);
  await refused(t, 'sum2', { inputs: [] }, 400, 'MISSING_INPUT', /INPUT0.*INPUT1/);
  await refused(t, 'sum2', {}, 400, 'MISSING_INPUT', /INPUT0.*INPUT1/);
  await refused(t, 'sum2', { inputs: [...both, int('OTHER')] }, 400, 'UNKNOWN_INPUT', /OTHER/);
  await refused(t, 'sum2', { inputs: [...both, int('INPUT0')] }, 400, 'DUPLICATE_INPUT', /INPUT0/);
});

test('row 19: an output twice', async t => {
  await refused(t, 'sum2', { inputs: both, outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT0' }] }, 400, 'DUPLICATE_OUTPUT', /OUTPUT0/); // prettier-ignore
  await live(t);
});

test('row 20: an unknown output', t => refused(t, 'sum2', { inputs: both, outputs: [{ name: 'y' }] }, 400, 'UNKNOWN_OUTPUT', /OUTPUT0/)); // prettier-ignore

/** JSON.stringify would round 2^60 + 2. */
const shaped = (shape: string) => `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":${shape},"data":[1.0]}]}`;
const json = { 'content-type': 'application/json' };

for (const [row, shape] of [
  ['row 21', '[16,1152921504606846978]'],
  ['row 22', '[4,1152921504606846978]'],
  ['row 23', '[2,-5]'],
] as const)
  // prettier-ignore
  test(`${row}: shape ${shape}`, async t => {
    const { status, code } = await at.infer(t, 'id_fp32', shaped(shape), json);
    t.deepEqual([status, code], [400, 'BAD_SHAPE']);
  });

test('row 24: shapes that are none', async t => {
  for (const shape of [[1.5, 1], ['4', 1], [null, 1], undefined, 4, [1], [1, 1, 1], true])
    await refused(t, 'id_fp32', idOf({ ...(shape === undefined ? {} : { shape }), data: [1] }), 400, 'BAD_SHAPE');
});

test('row 25: no rows', async t => {
  const answer = await at.infer(t, 'id_fp32', idOf({ shape: [0, 4], data: [] }));
  t.is(answer.status, 200, answer.text);
  t.deepEqual(outputsOf(answer), [{ name: 'OUTPUT0', datatype: 'FP32', shape: [0, 4], data: [] }]);
});

test('row 26: datatypes', async t => {
  await refused(t, 'add', { inputs: [{ ...four, datatype: 'FP31' }] }, 400, 'BAD_DATATYPE', /FP32.*FP31/);
  await refused(t, 'add', { inputs: [{ ...four, datatype: 'INT32' }] }, 400, 'BAD_DATATYPE', /FP32.*INT32/);
});

test('row 27: half-precision floats as JSON', async t => {
  await refused(t, 'kinds', all({ f16: { data: [1, 2.5], parameters: {} } }), 400, 'BAD_DATATYPE', /binary/);
  const { headers, body } = all();
  const head = Number(headers['inference-header-content-length']);
  const { inputs } = JSON.parse(Buffer.from(body.subarray(0, head)).toString()) as { inputs: unknown };
  await refused(t, 'kinds', binary({ inputs, outputs: [{ name: 'f16_out' }] }, body.subarray(head)), 400, 'BAD_DATATYPE', /binary/); // prettier-ignore
});

test('row 28: half-precision floats as bytes', async t => {
  const { body, headers } = all();
  const answer = await at.infer(t, 'kinds', body, headers);
  t.is(answer.status, 200, answer.text);
  t.deepEqual([...answer.tail], [0x00, 0x3c, 0x00, 0x41]);
});

test('row 29: integers beyond 2^53 as text', async t => {
  for (const text of ['9007199254740993', '-9223372036854775808']) {
    const { body, headers } = all({ i64: { data: [text] } });
    const answer = await at.infer(t, 'kinds', body, headers);
    t.deepEqual(outputsOf(answer)[1]!['data'], [text]);
  }
});

test('row 30: elements that do not fit', async t => {
  const wrong: readonly (readonly [string, string])[] = [['u8', '256'], ['i8', '-129'], ['i64', '1.5'], ['b', '2'], ['f32', '1e999'], ['f32', '"1"'], ['f32', '1e39'], ['i64', '9007199254740993']]; // prettier-ignore
  for (const [name, text] of wrong) {
    const { body, headers } = all({ [name]: { data: ['HERE'] } });
    const head = Number(headers['inference-header-content-length']);
    const sent = Buffer.from(Buffer.from(body.subarray(0, head)).toString().replace('"HERE"', text));
    const parts = { body: Buffer.concat([sent, body.subarray(head)]), headers: { ...headers, 'inference-header-content-length': String(sent.length) } }; // prettier-ignore
    await refused(t, 'kinds', parts, 400, 'BAD_DATA', /element 0/);
  }
  await refused(t, 'sum2', { inputs: [int('INPUT0', sixteen.map((value, i) => (i === 3 ? 1.5 : value))), int('INPUT1')] }, 400, 'BAD_DATA', /INPUT0.*3/); // prettier-ignore
});

const rawHeaders = { 'content-type': 'application/octet-stream', 'inference-header-content-length': '0' };

test('row 31: raw requests', async t => {
  for (const count of [8, 32]) {
    const sent = floats(...Array.from({ length: count }, (_, i) => i / 3));
    const answer = await at.infer(t, 'id_fp32', sent, rawHeaders);
    t.is(answer.status, 200, answer.text);
    t.deepEqual([...answer.tail], [...sent]);
    t.deepEqual(outputsOf(answer)[0]!['shape'], [1, count]);
  }
});

test('row 32: a raw text', async t => {
  const answer = await at.infer(t, 'txt', Buffer.from('427'), rawHeaders);
  t.is(answer.status, 200, answer.text);
  t.deepEqual([...answer.tail], [3, 0, 0, 0, ...Buffer.from('427')]);
});

test('row 33: raw requests to models that take none', async t => {
  const sent = { body: floats(1, 2, 3, 4), headers: rawHeaders };
  await refused(t, 'txt4', sent, 400, 'BAD_BINARY', /one element/);
  await refused(t, 'cube', sent, 400, 'BAD_BINARY', /one free dimension/);
  await refused(t, 'sum2', sent, 400, 'BAD_BINARY', /one input/);
  await refused(t, 'id_fp32', { ...sent, body: Buffer.from('abc') }, 400, 'BAD_BINARY', /bytes/);
});

/** A chunked request; chunks are written one by one. */
function chunked(
  model: string,
  body: Uint8Array,
  size: number,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  // prettier-ignore
  return new Promise((resolve, reject) => {
    const socket = connect(at.port, '127.0.0.1');
    let text = '';
    socket.on('data', data => (text += data.toString('latin1')));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join(''); // prettier-ignore
    socket.write(`POST /v2/models/${model}/infer HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n${lines}\r\n`); // prettier-ignore
    const parts: Buffer[] = [];
    for (let from = 0; from < body.length; from += size) {
      const part = body.subarray(from, from + size);
      parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from('\r\n'));
    }
    socket.write(Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]));
  });
}

test('row 34: a chunked raw body', async t => {
  const sent = floats(1, 2, 3, 4, 5, 6, 7, 8);
  const { status, body } = parseAnswer(await chunked('id_fp32', sent, 5, rawHeaders));
  t.is(status, 200);
  t.deepEqual([...Buffer.from(body, 'latin1').subarray(-32)], [...sent]);
});

test.serial('row 35: many chunks of one byte', async t => {
  const sent = new Uint8Array(50_000);
  const once = async () => t.is(parseAnswer(await chunked('id_fp32', sent, 1, rawHeaders)).status, 200);
  for (let i = 0; i < 3; i++) await once();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 5; i++) await once();
  // Node's own heap breathes; what is kept of each body would show
  t.true(process.memoryUsage().rss - before < 64 * MiB);
});

test('row 36: lengths of the JSON part', async t => {
  const body = Buffer.from(JSON.stringify({ inputs: [four] }));
  for (const length of ['99999999999', '-5', '1e2', '', String(body.length + 1), '0x10', '+5', '5.0']) {
    const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': length };
    await refused(t, 'add', { body, headers }, 400, 'BAD_BINARY');
  }
});

const x = (more: Record<string, unknown>) => ({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], ...more }] });
const ofSize = (size: number) => x({ parameters: { binary_data_size: size } });

test('row 37: binary data without its header, or beside data', async t => {
  await refused(t, 'add', ofSize(16), 400, 'BAD_BINARY', /Inference-Header-Content-Length/);
  await refused(t, 'add', binary(x({ parameters: { binary_data_size: 16 }, data: [1, 2, 3, 4] }), floats(1, 2, 3, 4)), 400, 'BAD_BINARY'); // prettier-ignore
});

test('row 38: sizes that do not agree', async t => {
  const sent = floats(1, 2, 3, 4);
  await refused(t, 'add', binary(ofSize(20), sent), 400, 'BAD_BINARY', /20/);
  await refused(t, 'add', binary(ofSize(16), sent.subarray(3)), 400, 'BAD_BINARY');
  await refused(t, 'add', binary(ofSize(16), sent, Uint8Array.of(0)), 400, 'BAD_BINARY');
});

test('row 39: texts whose lengths are wrong', async t => {
  const element = (length: number) => Uint8Array.of(length & 255, (length >> 8) & 255, (length >> 16) & 255, length >>> 24, 65); // prettier-ignore
  const texts = (size: number) => ({ inputs: [{ name: 'INPUT0', datatype: 'BYTES', shape: [16], parameters: { binary_data_size: size } }] }); // prettier-ignore
  const send = (elements: readonly Uint8Array[]) => binary(texts(5 * elements.length), ...elements);
  const good = Array.from({ length: 16 }, () => element(1));
  const answer = await at.infer(t, 'txt', send(good).body, send(good).headers);
  t.deepEqual(outputsOf(answer)[0]!['data'], Array.from({ length: 16 }, () => 'A')); // prettier-ignore
  await refused(t, 'txt', send(good.slice(2)), 400, 'BAD_BINARY');
  await refused(t, 'txt', send([...good.slice(1), element(200)]), 400, 'BAD_BINARY');
  await refused(t, 'txt', send([...good.slice(1), element(0xffffffff)]), 400, 'BAD_BINARY');
});

test('row 40: a tensor that starts at any byte', async t => {
  for (const pad of ['', ' ', '  ', '   ']) {
    const { body, headers } = binary({ pad, ...ofSize(16) }, floats(1, 2, 3, 4));
    const { status, json: read } = await at.infer(t, 'add', body, headers);
    t.is(status, 200);
    t.deepEqual((read['outputs'] as Record<string, unknown>[])[0]!['data'], [1, 3, 5, 7]);
  }
});

const nested = (depth: number) => `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":${'['.repeat(depth)}1,2,3,4${']'.repeat(depth)}}]}`; // prettier-ignore

test('row 41: nested data', async t => {
  t.is((await at.infer(t, 'add', nested(50), json)).status, 200);
  for (const depth of [120, 250_000]) {
    const { status, code } = await at.infer(t, 'add', nested(depth), json);
    t.deepEqual([status, code], [400, 'BAD_JSON']);
  }
  await live(t);
});

test('row 42: a nested index', async t => {
  const { status } = await at.post(t, '/v2/repository/index', `{"ready":${'['.repeat(250_000)}${']'.repeat(250_000)}}`, json); // prettier-ignore
  t.is(status, 400);
  await live(t);
});

test('row 43: bodies below and above the limit', async t => {
  t.is((await at.infer(t, 'id_fp32', new Uint8Array(limit - 128), rawHeaders)).status, 200);
  await refused(t, 'id_fp32', { body: new Uint8Array(limit + 128), headers: rawHeaders }, 413, 'TOO_LARGE');
  const padded = (length: number) => JSON.stringify({ inputs: [four] }).padEnd(length, ' ');
  t.is((await at.infer(t, 'add', padded(limit - 128), json)).status, 200);
  await refused(t, 'add', { body: padded(limit + 128), headers: json }, 413, 'TOO_LARGE');
});

test('row 44: JSON that grows', async t => {
  const count = Math.floor((limit - 200) / 2);
  const body = `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,${count}],"data":[${'1,'.repeat(count - 1)}1]}]}`;
  await refused(t, 'id_fp32', { body, headers: json }, 413, 'TOO_LARGE');
});

test('row 45: JSON that is none, or that readers understand in two ways', async t => {
  const good = JSON.stringify({ inputs: [four] });
  const with_ = (key: string) => good.replace('{', `{${key},`);
  const sent: Readonly<Record<string, readonly [body: string | Uint8Array, ...statuses: number[]]>> = {
    empty: ['', 400],
    cut: [good.slice(0, -5), 400],
    'an array': ['[]', 400],
    null: ['null', 400],
    'two values': [`${good}{}`, 400],
    'a byte-order mark': [`\ufeff${good}`, 400, 200],
    'UTF-16': [Buffer.from(good, 'utf16le'), 400],
    'bad UTF-8': [Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xff), Buffer.from(`",${good.slice(1)}`)]), 400],
    NaN: [good.replace('1,', 'NaN,'), 400],
    Infinity: [good.replace('1,', 'Infinity,'), 400],
    'a leading zero': [good.replace('1,', '01,'), 400],
    'a trailing comma': [good.replace('4]', '4,]'), 400],
    'a comment': [`/* */${good}`, 400],
    'single quotes': [good.replaceAll('"', "'"), 400],
    __proto__: [with_('"__proto__":{"polluted":1}'), 400],
    'an escaped __proto__': [with_('"__pr\\u006fto__":{"polluted":1}'), 400],
    'constructor.prototype': [with_('"constructor":{"prototype":{"polluted":1}}'), 400],
    'a lone surrogate': [good.replace('"x"', '"\\ud800"'), 400],
    'inputs twice': [with_('"inputs":[]'), 400, 200],
  };
  for (const [name, [body, ...statuses]] of Object.entries(sent)) {
    const answer = await at.infer(t, 'add', body, json);
    t.true(statuses.includes(answer.status), `${name}: ${answer.status} ${answer.text}`);
  }
  t.is(Reflect.get({}, 'polluted'), undefined);
});

test('row 46: requests that may be read in two ways', async t => {
  const path = '/v2/models/add/infer';
  const body = JSON.stringify({ inputs: [four] });
  const hidden = 'GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n';
  const head = (lines: string) => `POST ${path} HTTP/1.1\r\n${lines}Content-Type: application/json\r\n`;
  const length = `Content-Length: ${body.length}\r\n`;
  const sent: Readonly<Record<string, readonly [bytes: string, ...statuses: number[]]>> = {
    'both lengths': [`${head('Host: a\r\n')}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    'two lengths': [`${head('Host: a\r\n')}${length}Content-Length: 1\r\n\r\n${body}`, 400],
    'a length with a sign': [`${head('Host: a\r\n')}Content-Length: +${body.length}\r\n\r\n${body}`, 400],
    'a length over the limit': [`${head('Host: a\r\n')}Content-Length: 99999999999\r\n\r\n`, 413],
    xchunked: [`${head('Host: a\r\n')}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400, 501],
    'a bad chunk size': [`${head('Host: a\r\n')}Transfer-Encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`, 400],
    'two Hosts': [`${head('Host: a\r\nHost: b\r\n')}${length}\r\n${body}`, 400],
    'no Host': [`${head('')}${length}\r\n${body}`, 400],
    'a bare LF': [`POST ${path} HTTP/1.1\nHost: a\n${length}\n${body}`, 400],
    'a header that is too long': [`${head('Host: a\r\n')}X-Long: ${'a'.repeat(20_000)}\r\n${length}\r\n${body}`, 431, 400], // prettier-ignore
    'an unknown expectation': [`${head('Host: a\r\n')}Expect: 200-maybe\r\n${length}\r\n${body}`, 417],
  };
  const codes = new Set<string>();
  for (const [name, [bytes, ...statuses]] of Object.entries(sent)) {
    const answer = await raw(t, bytes + hidden, path);
    t.true(statuses.includes(answer.status), `${name}: ${answer.status} ${answer.text}`);
    codes.add(answer.code);
  }
  for (const code of ['BAD_REQUEST', 'TOO_LARGE', 'EXPECTATION_FAILED', 'HEADERS_TOO_LARGE']) t.true(codes.has(code), code); // prettier-ignore
  const wrong = await at.get(t, path);
  t.deepEqual([wrong.status, wrong.code, wrong.headers.get('allow')], [405, 'METHOD_NOT_ALLOWED', 'POST']);
});
