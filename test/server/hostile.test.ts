// Hostile requests in bounded numbers: none crashes the server or is a fault of ours, each answer is one answer, and what
// was wrong is said with a code. Long forms: tools/soak.

import fc from 'fast-check';
import test, { type ExecutionContext } from 'ava';
import { join } from 'node:path';
import { assembled, bodies, headerLines, hostileRequest, targets } from './hostile.js';
import { parseAnswer, talk } from './http/talk.js';
import { addNetwork, pictureBundle, writeVersion } from './networks.js';
import { startServer, type Running } from './running.js';

let at: Running;
test.before(async () => {
  at = await startServer(
    async folder => {
      writeVersion(folder, 'add', addNetwork());
      await pictureBundle(join(folder, 'pic', '1'));
    },
    { modelControl: 'explicit', limits: { body: 2 ** 22 } },
  );
  await at.server.started;
});
test.after.always(() => at.close());

const four = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };

/** It goes on, gives right answers, and nothing was a fault of its own. */
async function isWell(t: ExecutionContext): Promise<void> {
  t.is((await at.get(t, '/v2/health/ready')).status, 200);
  const answer = await at.infer(t, 'add', { inputs: [four] });
  t.deepEqual((answer.json['outputs'] as { data: number[] }[])[0]!.data, [1, 3, 5, 7]);
  t.deepEqual(at.entries().filter(({ level }) => Number(level) >= 50), []); // prettier-ignore
  t.is(Reflect.get({}, 'polluted'), undefined);
}

/** What was not as it must be. */
const faults: string[] = [];

/** Looks whether an answer is one, whatever was sent; its status, 0 where the server had nothing to answer yet. */
async function statusOf(bytes: Buffer): Promise<number> {
  // an interim answer comes before the one
  const text = (await talk(at.port, bytes, 150)).text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  if (text === '') return 0;
  const shown = `${JSON.stringify(bytes.toString('latin1').slice(0, 600))}: ${text.slice(0, 400)}`;
  const { status, headers, body } = parseAnswer(text);
  if (!(status >= 200 && status < 500) || status === 0) faults.push(`status ${status} to ${shown}`);
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(headers.get('x-request-id') ?? '')) faults.push(`no id: ${shown}`);
  if (status < 400 || bytes.toString('latin1').startsWith('HEAD ')) return status;
  const { code, error, request_id } = JSON.parse(body) as Record<string, unknown>;
  if (typeof code !== 'string' || typeof error !== 'string' || request_id !== headers.get('x-request-id')) faults.push(`no refusal: ${shown}`); // prettier-ignore
  if (/[\u0000-\u001f]|node:|\/tmp\/|\n {4}at /.test(String(error))) faults.push(`said too much: ${shown}`);
  return status;
}

test.serial('safety 5.6: requests with faults, one by one', async t => {
  const [first, json] = [
    Buffer.from(JSON.stringify({ inputs: [four] })),
    Buffer.from('Content-Type: application/json'),
  ];
  const length = (body: Buffer) => Buffer.from(`Content-Length: ${body.length}`);
  const whole = { method: 'POST', target: '/v2/models/add/infer', version: 'HTTP/1.1' };
  const sent = [
    ...headerLines.map(line => assembled({ ...whole, headers: [json, length(first), line], body: first })),
    ...headerLines.map(line => assembled({ ...whole, headers: [line], body: first })),
    ...targets.map(target => assembled({ ...whole, target, headers: [json, length(first)], body: first })),
    ...targets.map(target => assembled({ ...whole, method: 'GET', target, headers: [], body: Buffer.alloc(0) })),
    ...bodies.flatMap(body =>
      [
        '/v2/models/add/infer',
        '/v1/models/pic/predict',
        '/v2/repository/index',
        '/v2/repository/models/add/unload?',
      ].map(target =>
        assembled({ ...whole, target: target.replace('unload?', 'nope'), headers: [json, length(body)], body }),
      ),
    ),
    ...bodies.map(body =>
      assembled({ ...whole, headers: [json, Buffer.from('Content-Encoding: gzip'), length(body)], body }),
    ),
  ];
  const counts = new Map<number, number>();
  for (let from = 0; from < sent.length; from += 16)
    for (const status of await Promise.all(sent.slice(from, from + 16).map(statusOf)))
      counts.set(status, (counts.get(status) ?? 0) + 1);
  t.deepEqual(faults, []);
  t.true((counts.get(400) ?? 0) > 200, JSON.stringify([...counts]));
  t.true((counts.get(200) ?? 0) < 100, JSON.stringify([...counts]));
  for (const status of [413, 415, 417, 431, 404, 405]) t.true(counts.has(status), String(status));
  await isWell(t);
});

test.serial('safety 5.6: requests with faults, put together at random', async t => {
  let [sent, answered] = [0, 0];
  await fc.check(
    fc.asyncProperty(fc.array(hostileRequest, { minLength: 16, maxLength: 16 }), async requests => {
      const statuses = await Promise.all(requests.map(statusOf));
      sent += statuses.length;
      answered += statuses.filter(status => status > 0).length;
      return faults.length === 0;
    }),
    { numRuns: 40, seed: 12, endOnFailure: true },
  );
  t.deepEqual(faults, []);
  t.true(answered > sent / 2, `${answered} of ${sent}`);
  await isWell(t);
});
