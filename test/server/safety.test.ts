// Promises of safety.md, section 5, that the whole server keeps: keys, roles, kinds of bodies, prototypes, the log, the
// page, what processes see. Each test has the number of its row; others are beside what they are of (safety-*.test.ts).

import fc from 'fast-check';
import test from 'ava';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childrenOf } from '../../tools/soak/processes.js';
import { readKeys, roleOf } from '../../src/server/http/keys.js';
import { parseAnswer, talk } from './http/talk.js';
import { addNetwork, loopNetwork, pictureBundle, temporary, writeVersion } from './networks.js';
import { startProcess } from './process.js';
import { startServer, type Running } from './running.js';
import { until } from '../until.js';

const keys = { infer: 'infer-key-0123456789-0123456789-01', admin: 'admin-key-0123456789-0123456789-01' };
const by = (key: string) => ({ authorization: `Bearer ${key}` });
const secret = 'a-secret-of-the-environment';
/** Terminals act on the first; HTML on the second. */
const hostile = ['\u001b[31mred', '<img src=x onerror=alert(1)>', 'line\nbreak', '"quoted"'];

let at: Running;
test.before(async () => {
  process.env['GRAFT_TEST_SECRET'] = secret;
  at = await startServer(
    async folder => {
      writeVersion(folder, 'add', addNetwork());
      await pictureBundle(join(folder, 'pic', '1'), { labels: hostile });
    },
    { modelControl: 'explicit' },
    { GRAFT_API_KEYS: keys.infer, GRAFT_ADMIN_KEYS: keys.admin },
  );
  await at.server.started;
});
test.after.always(() => at.close());

const inputs = [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }];

test.serial('5.1, 5.2: who may do what', async t => {
  const asked = ['GET /v2', 'GET /v2/models/add', 'GET /metrics', 'POST /v2/models/add/infer', 'POST /v2/repository/index', 'POST /v2/repository/models/add/load', 'GET /v2/health/live', 'GET /', 'GET /openapi.json']; // prettier-ignore
  const statuses = async (key: string | undefined) => {
    const found: number[] = [];
    for (const one of asked) {
      const [method, path] = one.split(' ') as [string, string];
      const headers = key === undefined ? {} : by(key);
      const answer = await (method === 'GET' ? at.get(t, path, { headers }) : at.post(t, path, path.endsWith('infer') ? { inputs } : {}, headers)); // prettier-ignore
      found.push(answer.status);
    }
    return found;
  };
  t.deepEqual(await statuses(undefined), [401, 401, 401, 401, 401, 401, 200, 200, 200]);
  t.deepEqual(await statuses(`${keys.admin.slice(0, -1)}2`), [401, 401, 401, 401, 401, 401, 200, 200, 200]);
  t.deepEqual(await statuses(keys.infer), [200, 200, 200, 200, 200, 403, 200, 200, 200]);
  t.deepEqual(await statuses(keys.admin), [200, 200, 200, 200, 200, 200, 200, 200, 200]);
});

test.serial('5.2: near misses take no longer than others', t => {
  const access = readKeys({ env: { GRAFT_API_KEYS: keys.infer } });
  const wrong = ['x'.repeat(34), `${keys.infer.slice(0, -1)}2`, `x${keys.infer.slice(1)}`, keys.infer];
  const times = wrong.map((): number[] => []);
  for (let round = 0; round < 400; round++)
    wrong.forEach((key, i) => {
      const began = process.hrtime.bigint();
      for (let k = 0; k < 20; k++) roleOf(key, access);
      times[i]!.push(Number(process.hrtime.bigint() - began));
    });
  // what else the machine does only adds: the quickest of many are compared
  const quickest = times.map(all => all.sort((a, b) => a - b)[all.length >> 3]!);
  // the promise is 5 %, of means of many more; a comparison that stops early would show as soon as keys are long
  t.true(Math.max(...quickest) < 1.5 * Math.min(...quickest), String(quickest));
});

test.serial('5.3: nothing of the server asks other machines', t => {
  const sources = fileURLToPath(new URL('../../../src/server/', import.meta.url));
  for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(one => one.endsWith('.ts'))) {
    const text = readFileSync(join(sources, name), 'utf8').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    t.notRegex(text, /\bfetch\(|https?\.(get|request)\(|\bconnect\(|createConnection|\bdns\b|WebSocket|undici|axios|\beval\(|new Function|node:vm/, name); // prettier-ignore
  }
});

test.serial('5.4: kinds of bodies that are not taken, at random', async t => {
  const word = fc.stringMatching(/^[a-z][a-z0-9.+-]{0,12}$/);
  await fc.assert(
    fc.asyncProperty(
      word,
      word,
      fc.constantFrom('/v2/models/add/infer', '/v1/models/pic/predict', '/v2/repository/index'),
      async (type, subtype, url) => {
        // prettier-ignore
        fc.pre(type !== 'image');
        const { statusCode } = await at.server.app.inject({ method: 'POST', url, headers: { ...by(keys.infer), 'content-type': `${type}/${subtype}` }, payload: '\x80\x04N.' }); // prettier-ignore
        return statusCode === 415;
      },
    ),
    { numRuns: 150, seed: 5 },
  );
  t.pass();
});

test.serial('5.14: no key, no tensor and no control character reaches the log, an answer or the counters', async t => {
  const marker = 'marker-of-a-body';
  const said: string[] = [];
  const note = ({ text, headers }: { text: string; headers: ReadonlyMap<string, string> }) => void said.push(text, JSON.stringify([...headers])); // prettier-ignore
  for (const key of [keys.infer, keys.admin, `${keys.infer}x`]) {
    note(await at.infer(t, 'add', { id: marker, inputs: [{ ...inputs[0], data: [77.125, 2, 3] }] }, by(key)));
    note(await at.get(t, '/v2/models/%1b%5b31m%0d%0aforged', { headers: by(key) }));
    note(await at.post(t, '/v2/repository/models/%1b%5b31m/load', {}, by(key)));
    note(await at.get(t, '/metrics', { headers: by(key) }));
  }
  // a header that would be a line of its own
  const { text } = await talk(at.port, `GET /v2/models/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: a\u001b[31m\r\nUser-Agent: \u009b31m\r\n\r\n`); // prettier-ignore
  t.is(parseAnswer(text).status, 400);
  const lines = at.entries().map(entry => JSON.stringify(entry));
  t.true(lines.length > 8);
  const all = [...said, ...lines].join('\n');
  for (const key of Object.values(keys)) t.false(all.includes(key));
  t.false(lines.join('\n').includes(marker));
  t.false(lines.join('\n').includes('77.125'));
  t.notRegex(all.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f]/);
});

test.serial('5.7: prototypes stay as they are, whatever bodies and paths say', async t => {
  for (const body of [
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"inputs":[{"__proto__":{"a":1}}]}',
  ])
    t.is((await at.infer(t, 'add', body, { ...by(keys.infer), 'content-type': 'application/json' })).status, 400);
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const headers = by(keys.infer);
    t.is((await at.get(t, `/v2/models/${name}`, { headers })).status, 404);
    t.is((await at.get(t, `/page/${name}`, { headers })).status, 404);
    t.is((await at.infer(t, 'add', { inputs: [{ ...inputs[0], name }] }, headers)).code, 'UNKNOWN_INPUT');
  }
  t.is(Reflect.get({}, 'a'), undefined);
});

test.serial('5.15: the page may run nothing but its own files, and names are text', async t => {
  const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'"; // prettier-ignore
  const page = await at.get(t, '/');
  t.is(page.headers.get('content-security-policy'), policy);
  t.is(page.headers.get('referrer-policy'), 'no-referrer');
  t.notRegex(page.text, /<script(?![^>]* src=)|\son[a-z]+=|javascript:|<style|\sstyle=/i);
  for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) t.regex(path!, /^(\/|#)/);
  // names come as JSON, which the page shows as text
  const { json, headers } = await at.get(t, '/v2/models/pic', { headers: by(keys.infer) });
  t.deepEqual((json['parameters'] as { labels: string[] }).labels, hostile);
  t.regex(headers.get('content-type')!, /^application\/json/);
});

test.serial('5.17: processes see nothing of the environment but what is harmless', t => {
  const children = childrenOf(process.pid).filter(({ program }) => /-child$/.test(program));
  t.true(children.length >= 3);
  for (const { pid } of children) {
    const seen = readFileSync(`/proc/${pid}/environ`, 'utf8');
    t.false(seen.includes(secret) || seen.includes('GRAFT_') || seen.includes(keys.infer), seen);
    t.notRegex(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /sh\0-c|key/);
  }
});

/** Whether this may become nobody, who can still read the program. */
function mayBeNobody(): boolean {
  if (process.getuid?.() !== 0) return false;
  for (let path = fileURLToPath(import.meta.url); path !== '/'; path = dirname(path))
    if ((statSync(path).mode & 0o004) === 0) return false;
  return true;
}

test('5.7, 5.16: runs without prototypes of objects, as nobody, where it can write nowhere', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', loopNetwork(1));
  chmodSync(folder, 0o755);
  const server = await startProcess(
    t,
    ['--repository', folder, '--limit-drain-accept', '0'],
    { NODE_OPTIONS: '--disable-proto=delete', HOME: '/nonexistent', TMPDIR: '/nonexistent' },
    { cwd: '/', ...(mayBeNobody() ? { uid: 65_534, gid: 65_534 } : {}) },
  );
  t.not(server.url, '', server.err() + server.out());
  await until(async () => (await fetch(`${server.url}/v2/health/ready`)).ok, () => server.err() + server.out()); // prettier-ignore
  const answer = await fetch(`${server.url}/v2/models/add/infer`, { method: 'POST', body: JSON.stringify({ inputs }), headers: { 'content-type': 'application/json' } }); // prettier-ignore
  t.is(answer.status, 200, await answer.text());
  t.is((await fetch(`${server.url}/`)).status, 200);
  server.child.kill('SIGTERM');
  t.is(await server.ended, 0);
});
