// What the package gives is written down: a change of the public declarations is seen, and every function says what
// it does.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { apiPage } from '../../tools/make-docs.js';
import { publicApi } from '../../tools/public-api.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const api = publicApi();

test('docs/api.md is the interface of this source (npm run docs)', async t => {
  t.is(await apiPage(), readFileSync(join(root, 'docs/api.md'), 'utf8'));
});

test('every exported function says what it does', t => {
  const functions = api.doors.flatMap(({ specifier, exports }) =>
    exports.filter(({ isFunction }) => isFunction).map(one => ({ specifier, ...one })),
  );
  t.true(functions.length > 15);
  const silent = functions.filter(({ description }) => !/^\S+(\s+\S+){2,}[.:]/.test(description));
  t.deepEqual(
    silent.map(({ specifier, name, description }) => `${specifier} ${name}: ${description}`),
    [],
  );
});

test('the doors give what their modules give at run time', async t => {
  const loaded = {
    'onnx-graft': await import('../../src/index.js'),
    'onnx-graft/browser': await import('../../src/browser.js'),
    'onnx-graft/testing': await import('../../src/testing.js'),
  };
  for (const [specifier, module] of Object.entries(loaded)) {
    const values = Object.entries(module).filter(([, value]) => typeof value === 'function' && !isClass(value));
    const door = api.doors.find(one => one.specifier === specifier)!;
    const declared = [...door.exports.filter(({ isFunction }) => isFunction).map(({ name }) => name), ...door.shared];
    t.deepEqual(
      values.map(([name]) => name).filter(name => !declared.includes(name)),
      [],
    );
  }
});

const isClass = (value: unknown) =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
