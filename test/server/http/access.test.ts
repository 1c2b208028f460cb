// Keys, roles, addresses and origins (safety.md 5.1, 5.2). Keys appear in no answer, no line of the log and no metric.
// Rows 5.1 and 5.2 of safety.md.

import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkAddress, readKeys } from '../../../src/server/http/index.js';
import { roleOf } from '../../../src/server/http/keys.js';
import { GraftError } from '../../../src/index.js';
import { createMetrics } from '../../../src/server/metrics.js';
import { makeApp } from './talk.js';

const inferKey = 'infer-0123456789abcdef0123456789abcdef';
const adminKey = 'admin-0123456789abcdef0123456789abcdef';
const env = { GRAFT_API_KEYS: inferKey, GRAFT_ADMIN_KEYS: adminKey };
const access = readKeys({ env });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const codeOf = (make: () => unknown): string => {
  try {
    make();
    return 'none';
  } catch (error) {
    return error instanceof GraftError ? error.code : String(error);
  }
};

test('a server starts where nobody else reaches it, with keys, or where somebody said so', t => {
  for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]', '::ffff:127.0.0.1'])
    for (const hasKeys of [false, true])
      for (const isInsecureAllowed of [false, true])
        t.is(codeOf(() => checkAddress({ host, hasKeys, isInsecureAllowed })), 'none', host); // prettier-ignore
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.org', '127.example.org', 'localhost.example.org', '']) {
    t.is(codeOf(() => checkAddress({ host, hasKeys: false, isInsecureAllowed: false })), 'SERVE_NO_KEYS', host); // prettier-ignore
    t.is(
      codeOf(() => checkAddress({ host, hasKeys: true, isInsecureAllowed: false })),
      'none',
    );
    t.is(
      codeOf(() => checkAddress({ host, hasKeys: false, isInsecureAllowed: true })),
      'none',
    );
    t.is(
      codeOf(() => checkAddress({ host, hasKeys: true, isInsecureAllowed: true })),
      'none',
    );
  }
});

test('keys come from a file with roles and comments, or from the environment', t => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-keys-'));
  const file = join(folder, 'keys');
  writeFileSync(file, `# keys\n\ninfer ${inferKey} # of the page\nadmin\t${adminKey}\r\n${inferKey}x\n`, {
    mode: 0o600,
  });
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(text);
  const read = readKeys({ file, env: { GRAFT_API_KEYS: 'too short' }, warn });
  t.deepEqual(read.keys.map(({ role }) => role), ['infer', 'admin', 'infer']); // prettier-ignore
  t.is(roleOf(inferKey, read), 'infer');
  t.is(roleOf(`${inferKey}x`, read), 'infer');
  t.is(roleOf(adminKey, read), 'admin');
  t.deepEqual(warnings, []);
  if (process.platform !== 'win32') {
    chmodSync(file, 0o644);
    readKeys({ file, warn });
    t.regex(warnings[0]!, /other users/);
  }
  t.deepEqual(readKeys({ env: { GRAFT_API_KEYS: `${inferKey},${inferKey}2\n${inferKey}3` } }).keys.length, 3);
  t.deepEqual(readKeys({}).keys, []);
  t.is(roleOf(inferKey, readKeys({ env: { GRAFT_API_KEYS: inferKey, GRAFT_ADMIN_KEYS: inferKey } })), 'admin');
  t.true(access.keys.every(key => !JSON.stringify(key).includes(inferKey)));
});

test('short or odd keys, unknown roles and files without keys are refused, and not repeated', t => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-keys-'));
  const ofFile = (text: string) => {
    const file = join(folder, 'keys');
    writeFileSync(file, text, { mode: 0o600 });
    return () => readKeys({ file });
  };
  const short = inferKey.slice(0, 31);
  for (const make of [
    ofFile(short),
    ofFile(`root ${inferKey}`),
    ofFile(`infer ${inferKey} more`),
    ofFile(`${inferKey}é`),
    () => readKeys({ env: { GRAFT_API_KEYS: short } }),
  ]) {
    // prettier-ignore
    const error = t.throws(make, { instanceOf: GraftError });
    t.is(error.code, 'SERVE_KEY');
    t.false(JSON.stringify(error).includes(short));
  }
  t.is(codeOf(ofFile('# nothing\n')), 'SERVE_KEYS_FILE');
  t.is(
    codeOf(() => readKeys({ file: join(folder, 'missing') })),
    'SERVE_KEYS_FILE',
  );
  t.is(readKeys({ env: { GRAFT_API_KEYS: inferKey.slice(0, 32) } }).keys.length, 1);
});

test('who has no key, a wrong one, or one of the wrong role is refused before the body is read', async t => {
  const { app } = makeApp({ access });
  const infer = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/v2/models/add/infer', headers: { 'content-type': 'application/json', ...headers }, payload: '{}' }); // prettier-ignore
  const load = (headers: Record<string, string>) => app.inject({ method: 'POST', url: '/v2/repository/models/add/load', headers }); // prettier-ignore
  for (const headers of [
    {},
    { authorization: '' },
    { authorization: inferKey },
    { authorization: `Basic ${inferKey}` },
    bearer(''),
    bearer(`${inferKey}x`),
    bearer(inferKey.slice(1)),
    bearer(`${inferKey} ${inferKey}`),
  ] as Record<string, string>[]) {
    // prettier-ignore
    const answer = await infer(headers);
    t.is(answer.statusCode, 401);
    t.is(answer.headers['www-authenticate'], 'Bearer');
    t.is(answer.json<{ code: string }>().code, 'UNAUTHENTICATED');
  }
  t.is((await infer(bearer(inferKey))).statusCode, 200);
  t.is((await infer({ authorization: `bearer  ${adminKey}` })).statusCode, 200);
  const forbidden = await load(bearer(inferKey));
  t.is(forbidden.statusCode, 403);
  t.is(forbidden.json<{ code: string }>().code, 'FORBIDDEN');
  t.is((await load({})).statusCode, 401);
  t.is((await load(bearer(adminKey))).statusCode, 200);
  t.is((await app.inject('/v2/health/live')).statusCode, 200);
  t.is((await app.inject('/v2')).statusCode, 401);
  t.is((await app.inject('/nowhere')).statusCode, 404);
});

test('a key is in no answer, no line and no metric', async t => {
  const metrics = createMetrics();
  const { app, lines } = makeApp({ access, onAnswered: facts => metrics.http(facts) });
  const said: string[] = [];
  for (const key of [inferKey, adminKey, `${inferKey}x`])
    for (const url of ['/v2', '/fault', '/nowhere', '/v2/models/%zz', '/v2/repository/models/add/load'])
      for (const method of ['GET', 'POST'] as const) {
        const { headers, body } = await app.inject({ method, url, headers: { ...bearer(key), 'content-type': 'application/json' } }); // prettier-ignore
        said.push(JSON.stringify(headers), body);
      }
  const all = [...said, ...lines, await metrics.render()].join('\n');
  t.true(lines.length >= 30);
  t.false(all.includes('0123456789abcdef'));
});

test('listed origins may call; pages of others can send nothing that is done', async t => {
  const origin = 'https://example.org';
  const { app } = makeApp({ access, cors: [origin] });
  const preflight = await app.inject({ method: 'OPTIONS', url: '/v2/models/add/infer', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } }); // prettier-ignore
  t.is(preflight.statusCode, 204);
  t.is(preflight.headers['access-control-allow-origin'], origin);
  const post = (from: string, on = app) =>
    on.inject({ method: 'POST', url: '/v2/models/add/infer', headers: { origin: from, host: 'localhost:8000', 'content-type': 'application/json', ...bearer(inferKey) }, payload: '{}' }); // prettier-ignore
  const called = await post(origin);
  t.is(called.statusCode, 200);
  t.is(called.headers['access-control-allow-origin'], origin);
  for (const other of ['https://example.org.evil.net', 'http://example.org', 'null', 'https://evil.net']) {
    const answer = await post(other);
    t.is(answer.statusCode, 403, other);
    t.is(answer.headers['access-control-allow-origin'], undefined);
  }
  const { app: closed } = makeApp();
  t.is((await post('https://evil.net', closed)).statusCode, 403);
  t.is((await post('http://localhost:8000', closed)).statusCode, 200);
  t.is((await closed.inject({ method: 'OPTIONS', url: '/v2', headers: { origin, 'access-control-request-method': 'GET' } })).statusCode, 405); // prettier-ignore
  t.is((await closed.inject({ url: '/v2', headers: { origin } })).headers['access-control-allow-origin'], undefined);
  // refusals can be read by the pages that may call
  const refused = await app.inject({ url: '/v2', headers: { origin } });
  t.is(refused.statusCode, 401);
  t.is(refused.headers['access-control-allow-origin'], origin);
});

test('origins that are none, and all origins beside keys, are refused at the start', async t => {
  for (const origin of [
    'example.org',
    'https://example.org/',
    'https://example.org/path',
    'ftp://example.org',
    'https://*.example.org',
    '',
    'null',
  ])
    // prettier-ignore
    t.is(codeOf(() => makeApp({ cors: [origin] })), 'SERVE_CORS', origin);
  t.is(
    codeOf(() => makeApp({ cors: ['*'], access })),
    'SERVE_CORS',
  );
  const { app } = makeApp({ cors: ['*'] });
  t.is((await app.inject({ url: '/v2', headers: { origin: 'https://a.b' } })).headers['access-control-allow-origin'], '*'); // prettier-ignore
});
