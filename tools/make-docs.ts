// Makes docs/errors.md, docs/commands.md, docs/api.md and docs/coverage.md from the error tables, the commands and the declarations.
// Usage: node dist/tools/make-docs.js

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { ErrorKind } from '../src/base/index.js';
import { commands } from '../src/cli/commands.js';
import { exitStatus, flagForm } from '../src/cli/program.js';
import { writeCoverage } from './coverage.js';
import { publicApi, type Declared } from './public-api.js';

const compiled = fileURLToPath(new URL('../src/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

/** One code as the documentation lists it. */
export interface DocumentedError {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly message: string;
  readonly room: string;
}

interface Maker {
  (at: object): Error;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint?: string;
}
const isMaker = (value: unknown): value is Maker => typeof value === 'function' && 'code' in value && 'kind' in value;

/** Every error that the package throws on purpose, by code. */
export async function documentedErrors(): Promise<DocumentedError[]> {
  const found = new Map<string, DocumentedError>();
  const files = readdirSync(compiled, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'));
  for (const name of files.filter(file => /errors\.js$|tensors\.js$/.test(file)).sort()) {
    const module = (await import(pathToFileURL(join(compiled, name)).href)) as Record<string, unknown>;
    for (const table of Object.values(module)) {
      if (typeof table !== 'object' || table === null) continue;
      for (const maker of Object.values(table).filter(isMaker)) {
        const room = name.replaceAll('\\', '/').split('/')[0]!;
        if (found.has(maker.code)) continue;
        found.set(maker.code, {
          code: maker.code,
          kind: maker.kind,
          hint: maker.hint ?? '',
          message: said(maker),
          room,
        });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** The message with its facts as names in brackets. */
function said(maker: Maker): string {
  const named = (list: boolean) =>
    new Proxy({}, { get: (_, key) => (list ? [`‹${String(key)}›`] : `‹${String(key)}›`) });
  for (const list of [false, true])
    try {
      return maker(named(list)).message.replaceAll('|', '\\|').replaceAll('\n', ' ');
    } catch {
      // The message computes with a fact: try it as a list, else leave it out.
    }
  return '';
}

/** docs/errors.md */
export async function errorsPage(): Promise<string> {
  const rows = (await documentedErrors()).map(
    ({ code, kind, message, hint }) =>
      `| \`${code}\` | ${exitStatus[kind]} | ${message} | ${hint.replaceAll('|', '\\|')} |`,
  );
  return `# Errors

Every refusal has a stable code, a sentence that names the thing, and where there is one a way out. The exit status of
\`graft\` follows from the kind of error: 1 a bug of ours, 2 usage, 3 input refused, 4 a limit, 5 the disk, 6 locked,
7 a check failed, 130 stopped by the user. Made by \`npm run docs\`.

| code | status | says | way out |
|---|---|---|---|
${rows.join('\n')}
`;
}

/** docs/commands.md */
export function commandsPage(): string {
  const sections = commands.map(command => {
    const args = command.arguments.map(({ name }) => name).join(' ');
    const rows = [
      ...command.arguments.map(({ name, help }) => `| \`${name}\` | ${help} |`),
      ...Object.entries(command.flags).map(([key, flag]) => {
        const choices = 'choices' in flag && flag.choices ? ` One of ${flag.choices.join(', ')}.` : '';
        const otherwise = flag.default === undefined ? '' : ` Default: ${String(flag.default)}.`;
        return `| \`${flagForm(key, flag)}\` | ${flag.help}.${choices}${otherwise} |`;
      }),
    ];
    const table = rows.length > 0 ? `| | |\n|---|---|\n${rows.join('\n')}\n\n` : '';
    return `## graft ${command.name}\n\n${command.description ?? `${command.summary}.`}\n\n\`\`\`\ngraft ${command.name} ${args}\n\`\`\`\n\n${table}\`\`\`\n${command.examples.join('\n')}\n\`\`\`\n`;
  });
  return `# Commands

Every command also takes \`--json\` (one JSON value on standard output and nothing else), \`--quiet\` and \`--help\`.
Made by \`npm run docs\`.

${sections.join('\n')}`;
}

/** docs/api.md */
export async function apiPage(): Promise<string> {
  const { doors, further } = publicApi();
  const sections = doors.map(({ specifier, exports, shared }) => {
    const also = shared.length > 0 ? `The same as above: ${shared.map(name => `\`${name}\``).join(', ')}.\n\n` : '';
    const [functions, others] = [true, false].map(wanted => exports.filter(one => one.isFunction === wanted));
    return `## ${specifier}\n\n${also}${[...functions!, ...others!].map(one => section(one)).join('\n')}`;
  });
  const text = `# The interface of the package

What \`import … from 'onnx-graft'\`, \`'onnx-graft/browser'\` and \`'onnx-graft/testing'\` give, as it is declared. Made by \`npm run docs\`; a change
of it is a change for everybody who uses the package.

${sections.join('\n')}

## Types that these are declared with

They have no export of their own.

${further.map(one => section(one, ` (${one.room})`)).join('\n')}
`;
  const path = join(root, 'docs/api.md');
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

function section({ name, description, tags, declarations }: Declared, from = ''): string {
  const code = (text: string) => `\`\`\`ts\n${text}\n\`\`\`\n`;
  const texts = (wanted: string) => tags.filter(({ tag }) => tag === wanted).map(({ text }) => text);
  const facts = [
    ...texts('param').map(text => text.replace(/^(\S+)\s+(- )?/, '- `$1`: ')),
    ...texts('returns').map(text => `- Returns ${text}`),
    ...texts('throws').map(text => `- Throws ${text}`),
  ];
  const parts = [description, facts.join('\n'), code(declarations.join('\n')), ...texts('example').map(code)];
  return `### ${name}${from}\n\n${parts.filter(Boolean).join('\n\n')}`;
}

if (process.argv[1]?.endsWith('make-docs.js')) {
  writeFileSync(join(root, 'docs/errors.md'), await errorsPage());
  writeFileSync(join(root, 'docs/commands.md'), commandsPage());
  writeFileSync(join(root, 'docs/api.md'), await apiPage());
  await writeCoverage();
}
