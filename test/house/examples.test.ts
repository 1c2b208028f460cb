// Examples are programs: those of the README and of the functions' comments compile as they stand, and run on the
// fixtures; the README's commands do what it says.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { publicApi } from '../../tools/public-api.js';
import { userProject } from './user-project.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language,
  text: text!,
}));
const programs = new Map(
  blocks.filter(({ language }) => language === 'ts').map(({ text }, i) => [`readme-${i + 1}`, text]),
);
const commands = blocks
  .flatMap(({ language, text }) => (language === '' ? text.split('\n') : []))
  .map(line => line.replace(/\s+#.*$/, ''))
  .filter(line => line.startsWith('graft '));

/** What an example may speak of without making it. */
const givens = {
  bytes: `await (await import('node:fs/promises')).readFile('mobilenet.onnx')`,
  classes: `['ants', 'bees']`,
  labels: '[0, 1]',
  logits: 'Float32Array.of(2, 0, 0.5, 1)',
  probabilities: 'Float32Array.of(0.9, 0.1, 0.4, 0.6)',
  data: 'new Uint8Array(500 * 375 * 3)',
  preprocessing: `{ width: 224, height: 224, resize: 'shorter-side', cropFraction: 0.875, filter: 'bilinear', background: [255, 255, 255] } as const`,
};

const { doors } = publicApi();
const examples = new Map(
  doors.flatMap(({ specifier, exports, shared }) =>
    exports.flatMap(({ name, tags }) =>
      tags
        .filter(({ tag }) => tag === 'example')
        .map(({ text }, i) => {
          const names = [...exports.map(one => one.name), ...shared];
          return [`${specifier.replace('/', '-')}-${name}-${i + 1}`, programOf(text, specifier, names)] as const;
        }),
    ),
  ),
);

/** An example with its imports and what it is given; where a line ends in `// 1`, that is what it comes to. */
function programOf(example: string, specifier: string, names: readonly string[]): string {
  const speaksOf = (name: string) => new RegExp(`(?<![.\\w])${name}\\b`).test(example);
  const checked = example.replace(
    /^(.+?);?[ \t]+\/\/ (-?\d+(?:\.\d+)?)$/gm,
    (_, expression: string, shown: string) =>
      `{ const found: number = ${expression}; if (Math.abs(found - ${shown}) > 1e-4) throw new Error(String(found)); }`,
  );
  return [
    `import { ${names.filter(speaksOf).join(', ')} } from '${specifier}';`,
    ...Object.entries(givens)
      .filter(([name]) => speaksOf(name))
      .map(([name, value]) => `const ${name} = ${value};`),
    `{\n${checked}\n}`,
    'export {};\n',
  ].join('\n');
}

test('the examples compile', t => {
  t.is(programs.size, 1);
  t.true(examples.size >= 10);
  const project = userProject();
  t.teardown(project.remove);
  t.deepEqual(project.complaints(new Map([...programs, ...examples])), []);
  t.regex(
    project.complaints(new Map([['wrong', `import { transfer } from 'onnx-graft';\nvoid transfer(1);`]])).join(),
    /wrong\.ts: Expected 3 arguments/,
  );
});

test.serial('the program of the README and the examples of the functions run', async t => {
  const first = userProject();
  t.teardown(first.remove);
  for (const [name, program] of programs) {
    const { status, out, err } = await first.run(name, program);
    t.is(status, 0, err);
    t.regex(out, /^0\.\d+ \[ 0\.\d+, (0\.\d+|1) \]\n/);
    t.regex(out, /label: '(checks|dots|rings|scales|stripes)'/);
  }
  for (const [name, program] of examples) {
    // what trains makes its own run; everything else finds the one that the README made
    const project = userProject(program.includes('transfer(') ? undefined : join(first.folder, 'run/bundle'));
    t.teardown(project.remove);
    const { status, err } = await project.run(name, program);
    t.is(status, 0, `${name}: ${err}`);
  }
});

test.serial("the README's five commands do what it says", async t => {
  t.deepEqual(
    commands.map(line => line.split(' ')[1]),
    ['inspect', 'train', 'evaluate', 'predict', 'split'],
  );
  const project = userProject();
  t.teardown(project.remove);
  for (const command of commands) {
    const { status, err } = await project.graft(...command.split(' ').slice(1));
    t.is(status, 0, `${command}: ${err}`);
  }
  for (const made of [
    'run/bundle/model.onnx',
    'run/bundle/manifest.json',
    'report.html',
    'parts/featurizer.onnx',
    'parts/head.onnx',
  ])
    t.true(existsSync(join(project.folder, made)), made);
});
