// Row 5.5 of safety.md: every limit of a request on both sides of its edge, against a real server whose limits are small.
// Limits of time, of processes and of queues have tests of their own, named below.

import test, { type ExecutionContext } from 'ava';
import { join } from 'node:path';
import sharp from 'sharp';
import { defaultLimits, type Limits } from '../../src/server/index.js';
import { Builder, modelOf, type Model } from '../../src/graph/index.js';
import { Identity } from '../../src/operators/index.js';
import { parseAnswer, talk } from './http/talk.js';
import { identityNetwork, pictureBundle, writeVersion } from './networks.js';
import { binary, startServer, type Read, type Running } from './running.js';

const limits = {
  body: 40_000, tensors: 4096, picture: 20_000, pictures: 2, inputs: 2, outputs: 2, rank: 3, jsonDepth: 20, jsonHeader: 300,
  headers: 2048, url: 300, id: 10, parameters: 4, parameter: 100, keepAlive: 400, queueTime: 300, connections: 64,
} as const satisfies Partial<Limits>; // prettier-ignore

/** Where the others are tested. */
const elsewhere: Readonly<Record<string, string>> = {
  ratio: 'http/bodies', inFlight: 'http/app', inFlightBytes: 'http/app', queue: 'cases-load', headersTime: 'cases-load', requestTime: 'http/app', checkInterval: 'cases-load', idleTime: 'http/app',
  runTime: 'cases-load', loadTime: 'workers/network', batchDelay: 'models/served-model', drainAccept: 'http/lifecycle', drainFinish: 'http/lifecycle', workerMemory: 'workers/deaths',
  connections: 'http/app', queueTime: 'models/queue',
}; // prettier-ignore

let at: Running;
test.before(async () => {
  at = await startServer(
    async folder => {
      writeVersion(folder, 'id', identityNetwork('float32', ['N', 'M']));
      writeVersion(folder, 'three', manyNetwork());
      writeVersion(folder, 'cube', identityNetwork('float32', [1, 1, 1, 'M']));
      await pictureBundle(join(folder, 'pic', '1'));
    },
    { limits },
  );
  await at.server.started;
});
test.after.always(() => at.close());

/** Three inputs and outputs. */
function manyNetwork(): Model {
  const builder = new Builder('many');
  for (const name of ['a', 'b', 'c']) builder.output(Identity(builder.input(name, 'float32', [1])), `${name}_out`);
  return modelOf(builder.finish());
}

const x = (count: number, more: Readonly<Record<string, unknown>> = {}) => ({ name: 'INPUT0', datatype: 'FP32', shape: [1, count], data: Array.from({ length: count }, () => 1), ...more }); // prettier-ignore
const infer = (t: ExecutionContext, body: unknown, model = 'id') => at.infer(t, model, body);
const padded = (size: number): string => JSON.stringify({ inputs: [x(1)] }).padEnd(size, ' ');
const json = { 'content-type': 'application/json' };
const one = (name: string) => ({ name, datatype: 'FP32', shape: [1], data: [1] });
const withParameters = (parameters: unknown) => ({ inputs: [x(1)], parameters });

type Ask = (t: ExecutionContext) => Promise<Read>;
/** Taken, and refused with what. */
const edges: Readonly<Record<string, readonly [below: Ask, above: Ask, code: string]>> = {
  body: [t => at.infer(t, 'id', padded(40_000), json), t => at.infer(t, 'id', padded(40_001), json), 'TOO_LARGE'],
  tensors: [t => infer(t, { inputs: [x(1024)] }), t => infer(t, { inputs: [x(1025)] }), 'TOO_LARGE'],
  jsonDepth: [t => infer(t, { inputs: [x(1, { data: nested(17) })] }), t => infer(t, { inputs: [x(1, { data: nested(18) })] }), 'BAD_JSON'], // prettier-ignore
  jsonHeader: [t => withHeader(t, 300), t => withHeader(t, 301), 'TOO_LARGE'],
  id: [t => infer(t, { id: 'a'.repeat(10), inputs: [x(1)] }), t => infer(t, { id: 'a'.repeat(11), inputs: [x(1)] }), 'BAD_REQUEST'], // prettier-ignore
  parameters: [t => infer(t, withParameters({ a: 1, b: 1, c: 1, d: 1 })), t => infer(t, withParameters({ a: 1, b: 1, c: 1, d: 1, e: 1 })), 'BAD_PARAMETER'], // prettier-ignore
  parameter: [t => infer(t, withParameters({ a: 'b'.repeat(100) })), t => infer(t, withParameters({ a: 'b'.repeat(101) })), 'BAD_PARAMETER'], // prettier-ignore
  outputs: [t => infer(t, { inputs: [x(1)], outputs: [{ name: 'OUTPUT0' }] }), t => infer(t, { inputs: [one('a')], outputs: ['a', 'b', 'c'].map(name => ({ name: `${name}_out` })) }, 'three'), 'TOO_LARGE'], // prettier-ignore
  inputs: [t => infer(t, { inputs: [x(1)] }), t => infer(t, { inputs: ['a', 'b', 'c'].map(one) }, 'three'), 'TOO_LARGE'], // prettier-ignore
  rank: [t => infer(t, { inputs: [x(2)] }), t => infer(t, { inputs: [{ ...x(1), shape: [1, 1, 1, 1] }] }, 'cube'), 'BAD_SHAPE'], // prettier-ignore
  url: [t => at.get(t, `/v2?${'a'.repeat(296)}`), t => at.get(t, `/v2?${'a'.repeat(297)}`), 'HEADERS_TOO_LARGE'],
  headers: [t => at.get(t, '/v2', { headers: { 'x-long': 'a'.repeat(1500) } }), t => at.get(t, '/v2', { headers: { 'x-long': 'a'.repeat(2100) } }), 'HEADERS_TOO_LARGE'], // prettier-ignore
  pictures: [t => predict(t, 2), t => predict(t, 3), 'TOO_LARGE'],
  picture: [t => plain(t, 75), t => plain(t, 90), 'IMAGE_TOO_LARGE'],
};

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

function withHeader(t: ExecutionContext, size: number): Promise<Read> {
  const head = { inputs: [{ ...x(1), data: undefined, parameters: { binary_data_size: 4 } }], pad: '' };
  const pad = ' '.repeat(size - JSON.stringify(head).length);
  const { body, headers } = binary({ ...head, pad }, new Uint8Array(4));
  return at.infer(t, 'id', body, headers);
}

async function predict(t: ExecutionContext, count: number): Promise<Read> {
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const b64 = png.toString('base64');
  return at.post(t, '/v1/models/pic/predict', { images: Array.from({ length: count }, () => ({ b64 })) });
}

/** A picture of so many rows and columns, as it is: 75 are 17 kB, 90 are 24. */
async function plain(t: ExecutionContext, side: number): Promise<Read> {
  const data = Buffer.alloc(side * side * 3, 7);
  const png = await sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  return at.post(t, '/v1/models/pic/predict', new Uint8Array(png), { 'content-type': 'image/png' });
}

for (const [name, [below, above, code]] of Object.entries(edges))
  test.serial(`5.5: ${name}`, async t => {
    const taken = await below(t);
    t.is(taken.status, 200, taken.text);
    const refused = await above(t);
    t.deepEqual([refused.code, refused.status >= 400 && refused.status < 500], [code, true], refused.text);
    t.is((await at.get(t, '/v2/health/ready')).status, 200);
  });

test.serial('5.5: keepAlive', async t => {
  const from = performance.now();
  const { text, ended } = await talk(at.port, 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n', 20_000);
  const took = performance.now() - from;
  t.is(parseAnswer(text).status, 200);
  t.true(ended && took >= 390, `${took} ms`);
});

test('5.5: every limit is tested', t => {
  const tested = new Set([...Object.keys(edges), ...Object.keys(elsewhere), 'keepAlive']);
  t.deepEqual([...tested].sort(), Object.keys(defaultLimits).sort());
});
