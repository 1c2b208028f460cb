// What a server is started with: policies, limits, names, and what it is not started with, each with a code.

import test from 'ava';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { defaultLimits, serve, type Limits, type ServeOptions } from '../../src/server/index.js';
import { checkNumbers, limitsOf, namedPaths, versionPolicy } from '../../src/server/options.js';
import { codeOf } from '../code-of.js';
import { addNetwork, temporary, writeVersion } from './networks.js';

test('versions: the latest, all, or some', t => {
  t.deepEqual(versionPolicy('latest'), { kind: 'latest', count: 1 });
  t.deepEqual(versionPolicy('latest:3'), { kind: 'latest', count: 3 });
  t.deepEqual(versionPolicy('all'), { kind: 'all' });
  t.deepEqual(versionPolicy('2,10'), { kind: 'specific', versions: ['2', '10'] });
  for (const wrong of ['', 'newest', 'latest:0', 'latest:', '0', '1,', ',1', '01', '1, 2', '-1', '1.5', '9999999999'])
    t.throws(() => versionPolicy(wrong), { code: 'SERVE_OPTION', message: /latest:N/ } as never, wrong);
});

test('limits: defaults but for those given, which are whole numbers', t => {
  t.deepEqual(limitsOf(), defaultLimits);
  t.deepEqual(limitsOf({ body: 5, queue: 0 }), { ...defaultLimits, body: 5, queue: 0 });
  for (const wrong of [-1, 1.5, NaN, Infinity, '5'])
    t.throws(() => limitsOf({ body: wrong } as Partial<Limits>), { code: 'SERVE_OPTION', message: /body/ } as never);
});

test('names: as said, or as the folder or file is called', t => {
  const names = (...given: string[]) => namedPaths(given).map(({ name, path }) => `${name} ${path}`);
  t.deepEqual(names('cats=run/bundle', 'run/bundle', 'models/net.onnx', './other/', 'C:\\nets\\a.ONNX'), [
    'cats run/bundle',
    'run run/bundle',
    'net models/net.onnx',
    'other ./other/',
    'a C:\\nets\\a.ONNX',
  ]);
  // a name that is none is part of the path
  t.deepEqual(names('a b=c/net.onnx'), ['net a b=c/net.onnx']);
  for (const wrong of ['', '..', '../..', 'bundle/..', 'a b.onnx', 'é.onnx', 'x'.repeat(200), '.hidden'])
    t.throws(() => namedPaths([wrong]), { code: 'SERVE_OPTION' } as never, wrong);
  t.throws(() => namedPaths(['a/net.onnx', 'b/net.onnx']), { code: 'SERVE_OPTION', message: /net twice/ } as never);
});

test('numbers that nothing can be served with', t => {
  const wrong: readonly ServeOptions[] = [{ port: -1 }, { port: 65_536 }, { instances: 0 }, { threads: 0 }, { maxBatch: 0 }, { cache: -1 }, { deadlineMs: 0 }, { pictureProcesses: 0 }, { rateLimit: 0 }, { poll: 0 }, { instances: 1.5 }]; // prettier-ignore
  for (const options of wrong) t.throws(() => checkNumbers(options), { code: 'SERVE_OPTION' } as never, JSON.stringify(options)); // prettier-ignore
  t.notThrows(() => checkNumbers({ port: 0, instances: 2, cache: 0 }));
});

test('what does not go together is refused before anything listens', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const keysFile = join(folder, 'keys');
  writeFileSync(keysFile, 'infer short\n', { mode: 0o600 });
  const busy = createServer();
  await new Promise<void>(resolve => busy.listen(0, '127.0.0.1', resolve));
  const { port } = busy.address() as AddressInfo;
  const keys = { GRAFT_API_KEYS: 'k'.repeat(32) };
  const refused: readonly (readonly [code: string, options: ServeOptions, env?: Record<string, string>])[] = [
    ['SERVE_NO_MODELS', { repository: undefined }],
    ['SERVE_OPTION', { instances: 0 }],
    ['SERVE_OPTION', { versions: 'newest' }],
    ['SERVE_OPTION', { models: ['a/x.onnx', 'b/x.onnx'] }],
    ['SERVE_OPTION', { limits: { body: -1 } }],
    ['SERVE_NO_KEYS', { host: '0.0.0.0' }],
    ['SERVE_KEYS_FILE', { apiKeys: join(folder, 'none') }],
    ['SERVE_KEY', { apiKeys: keysFile }],
    ['SERVE_KEY', {}, { GRAFT_API_KEYS: 'short' }],
    ['SERVE_CORS', { corsOrigin: ['example.org'] }],
    ['SERVE_CORS', { corsOrigin: ['*'] }, keys],
    ['SERVE_TLS', { tlsCert: join(folder, 'cert.pem') }],
    ['SERVE_TLS', { tlsCert: join(folder, 'cert.pem'), tlsKey: join(folder, 'key.pem') }],
    ['SERVE_ADDRESS', { port }],
  ];
  const sink = { write: () => undefined, flush: async () => undefined, dropped: 0 };
  for (const [code, options, env = {}] of refused) {
    const all = { repository: folder, port: 0, pictureProcesses: 1, logLevel: 'silent', ...options } as const;
    t.is(await codeOf(serve(all, { sink, env })), code, JSON.stringify(options));
  }
  busy.close();
});
