// A project of somebody who installed the package: it finds `onnx-graft` by name, and lies among the files that the
// documentation speaks of: mobilenet.onnx is the fixtures' backbone, the squeezenets are a small network with blocks.

import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { settings } from '../../tools/public-api.js';
import { writeNetwork } from '../walks/small-network.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiled = fileURLToPath(new URL('../../', import.meta.url));

/** What a command or a program did. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with the package and the documentation's files. */
export interface UserProject {
  readonly folder: string;
  /** Compiles programs by name, strictly, and gives what the compiler has to say. */
  complaints(programs: ReadonlyMap<string, string>): string[];
  /** Runs a TypeScript program. */
  run(name: string, program: string): Promise<Ran>;
  /** Runs `graft` with these arguments. */
  graft(...args: readonly string[]): Promise<Ran>;
  remove(): void;
}

/** @param bundle a bundle to lay at `run/bundle` */
export function userProject(bundle?: string): UserProject {
  const folder = mkdtempSync(join(tmpdir(), 'graft-user-'));
  const installed = join(folder, 'node_modules', 'onnx-graft');
  mkdirSync(installed, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
  symlinkSync(compiled, join(installed, 'dist'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const small = writeNetwork(folder);
  for (const [network, path] of [
    ['mobilenet', join(root, 'fixtures/backbone.onnx')],
    ['squeezenet1.0', small],
    ['squeezenet1.1', small],
  ] as const)
    for (const kind of ['.onnx', '.json'])
      copyFileSync(path.replace(/\.onnx$/, kind), join(folder, `${network}${kind}`));
  for (const name of ['pictures', 'test-pictures'])
    symlinkSync(join(root, 'fixtures/pictures'), join(folder, name), 'junction');
  copyFileSync(join(root, 'fixtures/pictures/val/rings/rings-01.jpg'), join(folder, 'holiday.jpg'));
  if (bundle) cpSync(bundle, join(folder, 'run/bundle'), { recursive: true });
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), NO_COLOR: '1' };
  const node = (...args: readonly string[]): Promise<Ran> =>
    new Promise(done => {
      execFile(process.execPath, args, { cwd: folder, env }, (error, out, err) => {
        done({ status: error ? Number(error.code) : 0, out, err });
      });
    });
  return {
    folder,
    complaints(programs) {
      const files = [...programs].map(([name, program]) => {
        const path = join(folder, `${name}.ts`);
        writeFileSync(path, program);
        return path;
      });
      const options = { ...settings, typeRoots: [join(root, 'node_modules/@types')] };
      return ts.getPreEmitDiagnostics(ts.createProgram(files, options)).map(({ file, messageText }) => {
        const where = file ? file.fileName.slice(folder.length + 1) : '';
        return `${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
      });
    },
    async run(name, program) {
      const { outputText } = ts.transpileModule(program, {
        compilerOptions: { target: settings.target!, module: ts.ModuleKind.ESNext },
      });
      writeFileSync(join(folder, `${name}.mjs`), outputText);
      return node(`${name}.mjs`);
    },
    graft: (...args) => node(join(compiled, 'src/cli/graft.js'), ...args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
