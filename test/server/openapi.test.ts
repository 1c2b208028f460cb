// The description of the interface: valid OpenAPI 3.1, its examples those of its schemas, and every described path asked
// of a real server, with answers that are what it says. The checker is checked too.

import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiDocument } from '../../src/server/openapi/document.js';
import { schemas } from '../../src/server/openapi/schemas.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { run } from '../workflows/ensemble-runs.js';
import { addNetwork, temporary, writeVersion } from './networks.js';
import { assertAnswer, described, faultsOf } from './openapi-check.js';
import { startServer, type Read, type Running } from './running.js';

let at: Running;
const picture = new Uint8Array(readFileSync(join(demoPictures, 'train', 'dots', 'dots-03.jpg')));
test.before(async () => {
  // a run as graft train leaves it: its bundle, and a report beside it
  const trained = temporary();
  cpSync(await run(), trained, { recursive: true });
  at = await startServer(folder => void writeVersion(folder, 'add', addNetwork()), {
    models: [`cats=${trained}`],
    modelControl: 'explicit',
  });
  await at.server.started;
});
test.after.always(() => at.close());

const document = JSON.parse(JSON.stringify(openapiDocument('1.0.0'))) as Record<string, unknown>;

test('the document is valid OpenAPI 3.1', async t => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document);
  t.true(valid, JSON.stringify(errors));
  t.is(validator.version, '3.1');
});

test('the document is what is served', async t => {
  const { info, ...served } = (await at.get(t, '/openapi.json')).json;
  const { info: _, ...wanted } = document;
  t.deepEqual(served, wanted);
  t.is((info as { title: string }).title, 'graft serve');
});

test('every example is one of its schema', t => {
  let count = 0;
  const look = (value: unknown, path: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, held] of Object.entries(value)) {
      const isOfSchema = path.at(-2) === 'schemas' && key === 'examples';
      for (const example of isOfSchema ? (held as unknown[]) : key === 'example' ? [held] : []) {
        const schema = isOfSchema ? path : [...path, 'schema'];
        t.is(faultsOf(example, schema), '', schema.join('/'));
        count++;
      }
      look(held, [...path, key]);
    }
  };
  look(document, []);
  t.true(count > Object.keys(schemas).length + 300, `${count} examples`);
});

test.serial('every described path answers as it says', async t => {
  const asked = new Set<string>();
  const good = (answer: Read, template: string) => {
    t.is(answer.status, 200, `${template}: ${answer.text.slice(0, 200)}`);
    asked.add(template);
  };
  const jpeg = { 'content-type': 'image/jpeg' };
  const inputs = [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }];
  for (const path of ['/v2/health/live', '/v2/health/ready', '/v2', '/v2/models', '/v2/models/stats', '/metrics', '/', '/openapi.json']) good(await at.get(t, path), `GET ${path}`); // prettier-ignore
  const script = /(?:src|href)="(\/?page\/[^"]+)"/.exec((await at.get(t, '/')).text)![1]!;
  good(await at.get(t, `/${script.replace(/^\//, '')}`), 'GET /page/{file}');
  for (const [where, template] of [
    ['add', '{model}'],
    ['add/versions/1', '{model}/versions/{version}'],
  ] as const) {
    for (const [end, name] of [
      ['', ''],
      ['/ready', '/ready'],
      ['/config', '/config'],
      ['/stats', '/stats'],
    ] as const)
      good(await at.get(t, `/v2/models/${where}${end}`), `GET /v2/models/${template}${name}`);
    good(await at.infer(t, where, { inputs }), `POST /v2/models/${template}/infer`);
  }
  for (const [where, template] of [
    ['cats', '{model}'],
    ['cats/versions/1', '{model}/versions/{version}'],
  ] as const) {
    good(await at.post(t, `/v1/models/${where}/predict?top=2`, picture, jpeg), `POST /v1/models/${template}/predict`);
    good(await at.post(t, `/v1/models/${where}/explain`, picture, jpeg), `POST /v1/models/${template}/explain`);
    good(await at.get(t, `/v1/models/${where}/report`), `GET /v1/models/${template}/report`);
  }
  good(await at.post(t, '/v2/repository/index'), 'POST /v2/repository/index');
  for (const what of ['unload', 'load'] as const) good(await at.post(t, `/v2/repository/models/add/${what}`), `POST /v2/repository/models/{model}/${what}`); // prettier-ignore
  t.deepEqual([...asked].sort(), [...described].sort());
});

test('every described path refuses as it says', async t => {
  for (const operation of described) {
    const [method, template] = operation.split(' ') as [string, string];
    if (!template.includes('{')) continue;
    for (const [name, statuses] of [
      ['nope', [404, 405]],
      ['a%2Fb', [400, 404]],
      ['%ff', [400, 404]],
    ] as const) {
      const path = template.replace('{model}', name).replace('{version}', '7').replace('{file}', name);
      const answer = await (method === 'GET' ? at.get(t, path) : at.post(t, path));
      // a body is looked at after the name
      t.true([...statuses, 400].includes(answer.status), `${operation}: ${answer.status} ${answer.text}`);
    }
    const wrong = await (method === 'GET' ? at.post(t, template.replaceAll(/\{\w+\}/g, '1'), '{}') : at.get(t, template.replaceAll(/\{\w+\}/g, '1'))); // prettier-ignore
    t.is(wrong.status, 405, operation);
  }
});

test('the page is told to be the same to who has it', async t => {
  const first = await at.get(t, '/');
  const again = await at.get(t, '/', { headers: { 'if-none-match': first.headers.get('etag')! } });
  t.is(again.status, 304);
});

test('heat: a map over the picture, of a label that may be chosen', async t => {
  const ask = (query: string) => at.post(t, `/v1/models/cats/explain${query}`, picture, { 'content-type': 'image/jpeg' }); // prettier-ignore
  const { json } = await ask('');
  const { values, height, width } = json as { values: number[]; height: number; width: number };
  t.is(values.length, height * width);
  t.true(Math.abs(Math.max(...values.map(Math.abs)) - 1) < 1e-3);
  t.is((await ask('?label=rings')).json['label'], 'rings');
  t.is((await ask('?label=none')).code, 'BAD_PARAMETER');
  t.is((await at.post(t, '/v1/models/add/explain', picture, { 'content-type': 'image/jpeg' })).code, 'BAD_REQUEST');
  t.is((await at.get(t, '/v1/models/add/report')).code, 'NOT_FOUND');
});

test('the check finds answers that are not as described', async t => {
  const answer = await at.get(t, '/v2/models/add');
  const told = (changes: Record<string, unknown>, more: Partial<Read> = {}) => ({ ...answer, ...more, body: Buffer.from(JSON.stringify({ ...answer.json, ...changes })) }); // prettier-ignore
  const template = '/v2/models/{model}';
  const wrong = [told({ inputs: 4 }), told({ versions: undefined }), told({ platform: 'other' }), told({}, { status: 418 }), told({}, { headers: new Map() }), told({ error: 'x' }, { status: 404 })]; // prettier-ignore
  for (const one of wrong) {
    const tried = await t.try(inner => assertAnswer(inner, 'GET', template, one));
    tried.discard();
    t.false(tried.passed);
  }
  assertAnswer(t, 'GET', template, told({}));
});
