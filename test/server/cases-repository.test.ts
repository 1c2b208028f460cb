// The protocol's table of cases, rows 2 and 51 to 58: what is known, loaded, loaded anew and unloaded by requests, by whom,
// and what never is, against a real server over a repository with a broken model in it.

import test, { type ExecutionContext } from 'ava';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel } from '../../src/codec/index.js';
import { addNetwork, identityNetwork, loopNetwork, pictureBundle, writeVersion } from './networks.js';
import { startServer, type Read, type Running } from './running.js';

const keys = { infer: 'infer-key-0123456789-0123456789-01', admin: 'admin-key-0123456789-0123456789-01' };
const admin = { authorization: `Bearer ${keys.admin}` };
const infer = { authorization: `Bearer ${keys.infer}` };

let at: Running;
const control = (t: ExecutionContext, name: string, what: 'load' | 'unload', parameters?: unknown, headers: Record<string, string> = admin) => at.post(t, `/v2/repository/models/${name}/${what}`, parameters === undefined ? undefined : { parameters }, { ...headers, ...(parameters === undefined ? {} : { 'content-type': 'application/json' }) }); // prettier-ignore
const index = async (t: ExecutionContext, body?: unknown) => {
  const headers = { ...infer, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  return at.post(t, '/v2/repository/index', body, headers);
};
const rowsOf = ({ text }: Read) => JSON.parse(text) as readonly { name: string; version?: string; state: string; reason: string }[]; // prettier-ignore
const add = async (t: ExecutionContext, model = 'add') => {
  const inputs = [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }];
  const answer = await at.infer(t, model, { inputs }, infer);
  return answer.status === 200 ? (answer.json['outputs'] as { data: number[] }[])[0]!.data : answer.code;
};

let early: readonly Read[] = [];
test.before(async t => {
  at = await startServer(
    async folder => {
      writeVersion(folder, 'add', addNetwork());
      mkdirSync(join(folder, 'broken', '1'), { recursive: true });
      writeFileSync(join(folder, 'broken', '1', 'model.onnx'), 'no network');
      await pictureBundle(join(folder, 'pic_a', '1'), { seed: 'a', classes: 4 });
      await pictureBundle(join(folder, 'pic_b', '1'), { seed: 'b', classes: 4 });
      mkdirSync(join(folder, 'ens', '1'), { recursive: true });
      const members = [{ model: 'pic_a' }, { model: 'pic_b' }];
      writeFileSync(join(folder, 'ens', '1', 'ensemble.json'), JSON.stringify({ version: 1, root: { op: 'average', members } })); // prettier-ignore
    },
    { modelControl: 'explicit' },
    { GRAFT_API_KEYS: keys.infer, GRAFT_ADMIN_KEYS: keys.admin },
  );
  early = [await at.get(t, '/v2/health/ready'), await at.get(t, '/v2/health/live')];
  await at.server.started;
});
test.after.always(() => at.close());

test.serial('row 2: not ready while models load, nor where one failed; live all the time', async t => {
  const [ready, live] = early as [Read, Read];
  t.is(ready.status, 503);
  t.deepEqual(ready.json, { live: true, ready: false, not_ready: ['add', 'broken', 'ens', 'pic_a', 'pic_b'] });
  t.is(live.status, 200);
  const later = await at.get(t, '/v2/health/ready');
  t.deepEqual([later.status, later.json['not_ready']], [503, ['broken']]);
  t.is((await at.get(t, '/v2/health/live')).status, 200);
  const model = await at.get(t, '/v2/models/broken/ready', { headers: infer });
  t.deepEqual([model.status, model.json], [503, { name: 'broken', ready: false }]);
  const asked = await at.get(t, '/v2/models/broken', { headers: infer });
  t.deepEqual([asked.status, asked.code], [503, 'MODEL_NOT_READY']);
});

test.serial('row 51: the index', async t => {
  const all = rowsOf(await index(t));
  t.deepEqual(all.map(({ name, state }) => [name, state]), [['add', 'READY'], ['broken', 'UNAVAILABLE'], ['ens', 'READY'], ['pic_a', 'READY'], ['pic_b', 'READY']]); // prettier-ignore
  t.regex(all[1]!.reason, /^ONNX_NOT_ONNX/);
  t.deepEqual(rowsOf(await index(t, {})), all);
  t.deepEqual(rowsOf(await index(t, { ready: true })).map(({ name }) => name), ['add', 'ens', 'pic_a', 'pic_b']); // prettier-ignore
  t.deepEqual(rowsOf(await index(t, { ready: false })).map(({ name }) => name), ['broken']); // prettier-ignore
  const wrong = await index(t, { ready: 'yes' });
  t.deepEqual([wrong.status, wrong.code], [400, 'BAD_REQUEST']);
});

test.serial('row 52: unload and load', async t => {
  const read = async () => (await at.get(t, '/v2/models/add', { headers: infer })).status;
  const unloaded = await control(t, 'add', 'unload');
  t.deepEqual([unloaded.status, unloaded.json], [200, {}]);
  t.is(await read(), 404);
  t.is((await control(t, 'add', 'load')).status, 200);
  t.is(await read(), 200);
  t.deepEqual(await add(t), [1, 3, 5, 7]);
});

test.serial('row 53: what is not there', async t => {
  for (const what of ['load', 'unload'] as const) {
    const { status, code, error } = await control(t, 'nope', what);
    t.deepEqual([status, code], [404, 'MODEL_NOT_FOUND']);
    t.regex(error, /nope/);
  }
  t.false(rowsOf(await index(t)).some(({ name }) => name === 'nope'));
});

test.serial('row 54: a reload that fails leaves what answers', async t => {
  const file = join(at.folder, 'add', '1', 'model.onnx');
  const good = encodeModel(addNetwork());
  const broken: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['cut', good.subarray(0, good.length - 7), /^(PROTO|ONNX)_/],
    ['a page', Buffer.from('<!doctype html><html></html>'), /^ONNX_NOT_ONNX$/],
    ['empty', new Uint8Array(0), /^ONNX_/],
  ];
  for (const [name, bytes, code] of broken) {
    writeFileSync(file, bytes);
    const answer = await control(t, 'add', 'load');
    t.is(answer.status, 422, name);
    t.regex(answer.code, code);
    t.deepEqual(await add(t), [1, 3, 5, 7]);
    const row = rowsOf(await index(t)).find(one => one.name === 'add')!;
    t.is(row.state, 'READY');
    t.regex(row.reason, new RegExp(`reload failed: ${answer.code}`));
  }
  writeFileSync(file, encodeModel(addNetwork([10, 20, 30, 40])));
  t.is((await control(t, 'add', 'load')).status, 200);
  t.deepEqual(await add(t), [11, 22, 33, 44]);
});

test.serial('row 54: files that are missing, or too much, are files at fault', async t => {
  writeVersion(at.folder, 'external', addNetwork());
  const file = join(at.folder, 'external', '1', 'model.onnx');
  const external = () => ({ location: 'gone.bin', offset: 0, length: 16 });
  writeFileSync(file, encodeModel(addNetwork(), { external }));
  const { status, code } = await control(t, 'external', 'load');
  t.deepEqual([status, code], [422, 'ONNX_EXTERNAL_MISSING']);
  rmSync(join(at.folder, 'external'), { recursive: true });
});

test.serial('row 55: many loads and unloads at once', async t => {
  writeVersion(at.folder, 'busy', identityNetwork('float32', [1, 4]));
  t.is((await control(t, 'busy', 'load')).status, 200);
  for (let round = 0; round < 3; round++) {
    const calls = Array.from({ length: 25 }, (_, i) => (i * 7 + round) % 3 === 0);
    const answers = await Promise.all(calls.map(isLoad => control(t, 'busy', isLoad ? 'load' : 'unload')));
    for (const { status, code } of answers) {
      t.true([200, 404, 409].includes(status), `${status} ${code}`);
      if (status === 409) t.is(code, 'LOAD_CONFLICT');
    }
    const { status } = await at.get(t, '/v2/models/busy', { headers: infer });
    t.is(status, calls.at(-1)! ? 200 : 404);
  }
  await control(t, 'busy', 'unload');
});

test.serial('row 56: members of a loaded ensemble', async t => {
  const refused = await control(t, 'pic_a', 'unload');
  t.deepEqual([refused.status, refused.code], [409, 'IN_USE']);
  t.regex(refused.error, /ens/);
  t.is((await control(t, 'pic_a', 'unload', { unload_dependents: 1 })).code, 'BAD_PARAMETER');
  t.is((await control(t, 'pic_a', 'unload', { unload_dependents: true })).status, 200);
  for (const name of ['pic_a', 'ens']) t.is((await at.get(t, `/v2/models/${name}`, { headers: infer })).status, 404);
  t.is((await at.get(t, '/v2/models/pic_b', { headers: infer })).status, 200);
  const early = await control(t, 'ens', 'load');
  t.deepEqual([early.status, early.code], [422, 'MODEL_INVALID']);
  t.regex(early.error, /pic_a/);
  t.is((await control(t, 'pic_a', 'load')).status, 200);
  t.is((await control(t, 'ens', 'load', { config: JSON.stringify({ weights: [3, 1] }) })).status, 200);
});

test.serial('row 57: who may load', async t => {
  const load = (headers: Record<string, string>) => control(t, 'add', 'load', undefined, headers);
  const none = await load({});
  t.deepEqual([none.status, none.code], [401, 'UNAUTHENTICATED']);
  const near = await load({ authorization: `Bearer ${keys.admin.slice(0, -1)}2` });
  t.deepEqual([near.status, near.code], [401, 'UNAUTHENTICATED']);
  const other = await load(infer);
  t.deepEqual([other.status, other.code], [403, 'FORBIDDEN']);
  t.is((await load(admin)).status, 200);
  t.is((await at.get(t, '/v2/models')).code, 'UNAUTHENTICATED');
  t.is((await at.get(t, '/v2/models', { headers: infer })).status, 200);
  const lines = JSON.stringify(at.entries());
  t.false(lines.includes(keys.admin) || lines.includes(keys.infer));
});

test.serial('row 57: nobody may where control is off', async t => {
  const off = await startServer(folder => void writeVersion(folder, 'loop', loopNetwork(1)));
  await off.server.started;
  for (const what of ['load', 'unload']) {
    const { status, code } = await off.post(t, `/v2/repository/models/loop/${what}`);
    t.deepEqual([status, code], [403, 'FORBIDDEN']);
  }
  t.is((await off.post(t, '/v2/repository/index')).status, 200);
  await off.close();
});

test.serial('row 58: files and addresses in a request', async t => {
  const before = readdirSync(at.folder, { recursive: true });
  const sent = [{ 'file:1/model.onnx': 'AAAA' }, { 'file:../../root/x': 'AAAA' }, { config: '{"platform":"http://a/b"}' }, { config: 'file:1/model.onnx' }]; // prettier-ignore
  for (const parameters of sent) {
    const { status, code } = await control(t, 'add', 'load', parameters);
    t.deepEqual([status, code], [403, 'FORBIDDEN'], JSON.stringify(parameters));
  }
  t.is((await control(t, 'add', 'load', { config: '{"platform":"onnx"}' })).code, 'BAD_PARAMETER');
  t.deepEqual(readdirSync(at.folder, { recursive: true }), before);
});
