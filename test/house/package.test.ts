// What a user installs: every dependency is pinned by its bytes and comes from the registry, licences are ones that
// anybody may build on, nothing runs on install, and the package holds what it needs and nothing else.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}
interface Own {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const own = read('package.json') as Own;
const locked = Object.entries((read('package-lock.json') as { packages: Record<string, Locked> }).packages).filter(
  ([path]) => path !== '',
);

test('the lock file pins every package by its bytes, whatever registry they come from', t => {
  t.true(locked.length > 100);
  for (const [path, { version, resolved, integrity, link }] of locked) {
    t.regex(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
    t.is(resolved, undefined, `${path} names a host: npm install with omit-lockfile-registry-resolved`);
    t.falsy(link, path);
    t.regex(version ?? '', /^\d+\.\d+\.\d+/, path);
  }
  for (const [name, range] of Object.entries({ ...own.dependencies, ...own.devDependencies }))
    // an older version beside the one in use has a name of its own: npm:package@version, from the registry like all
    t.notRegex(
      range.replace(/^npm:[\w-]+@/, ''),
      /[:/]/,
      `${name} comes from the registry, not from git, a file or an address`,
    );
});

/** Licences that let anybody use, change and ship the package, also in closed programs. */
const free = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);
/** Others, each with the reason why it may be here. */
const exceptions: readonly { readonly name: RegExp; readonly licence: string; readonly why: string }[] = [
  {
    name: /^@img\/sharp-(libvips-.+|win32-.+|wasm32)$/,
    licence: 'LGPL-3.0-or-later',
    why: 'libvips comes unchanged, in packages of its own beside sharp; nothing of it is in this package',
  },
];

test('licences of everything that is installed with the package', t => {
  const production = locked.filter(([, { dev }]) => !dev);
  t.true(production.length > 30);
  for (const [path, { license: inLock }] of production) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const manifest = join(path, 'package.json');
    // what other machines install instead is only known from the lock file
    const licence = existsSync(join(root, manifest)) ? (read(manifest) as { license?: string }).license : inLock;
    const excused = exceptions.filter(one => one.name.test(name)).map(one => one.licence);
    t.true(permits(licence ?? 'none', new Set([...free, ...excused])), `${name}: ${licence}`);
  }
  for (const { name } of exceptions)
    t.true(
      production.some(([path]) => name.test(path.replace(/^.*node_modules\//, ''))),
      `no package needs the exception ${name.source}`,
    );
});

/** An SPDX expression of names, AND and OR, without inner brackets. */
function permits(expression: string, allowed: ReadonlySet<string>): boolean {
  const choices = expression.replace(/^\(|\)$/g, '').split(' OR ');
  return choices.some(choice => choice.split(' AND ').every(name => allowed.has(name)));
}

test('SPDX expressions', t => {
  t.true(permits('(MIT OR CC0-1.0)', free));
  t.true(permits('Apache-2.0 AND MIT', free));
  t.false(permits('Apache-2.0 AND LGPL-3.0-or-later', free));
  t.false(permits('GPL-3.0-only OR SSPL-1.0', free));
  t.false(permits('none', free));
});

test('nothing runs on install', t => {
  const hooks = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
  t.deepEqual(
    hooks.filter(name => name in own.scripts),
    [],
  );
  t.true(readFileSync(join(root, '.npmrc'), 'utf8').split('\n').includes('ignore-scripts=true'));
});

test('the package holds what it needs and nothing else', t => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'error' },
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  const names = new Set(files.map(({ path }) => path));
  const allowed =
    /^(dist\/src\/.+\.(js|d\.ts)|fixtures\/.+|graphs\/zoo\/.+\.json|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;
  t.deepEqual(
    [...names].filter(name => !allowed.test(name)),
    [],
  );
  const needed = [
    ...Object.values(own.bin),
    ...Object.values(own.exports).flatMap(door => Object.values(door)),
    './fixtures/backbone.onnx',
    './fixtures/backbone.json',
    './graphs/zoo/squeezenet1.1-fp32.json',
    './README.md',
    './LICENSE',
    './CHANGELOG.md',
  ];
  t.deepEqual(
    needed.map(name => name.replace(/^\.\//, '')).filter(name => !names.has(name)),
    [],
  );
});
