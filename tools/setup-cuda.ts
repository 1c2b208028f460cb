// Fetches the CUDA provider of onnxruntime-node, which its package leaves out, with onnxruntime-node's own script, and
// looks whether a network opens on it. Nothing is fetched by any install.   Usage: node dist/tools/setup-cuda.js [--force]

import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defineErrors, GraftError, printable } from '../src/base/index.js';
import { exitStatus } from '../src/cli/program.js';
import { nodeRuntime } from '../src/runtime/node.js';
import { demoBackbone } from '../src/workflows/fixtures.js';

export const setupErrors = defineErrors('SETUP', {
  PLATFORM: {
    kind: 'unsupported',
    message: (at: { platform: string }) => `onnxruntime-node has no CUDA provider for ${at.platform}`,
    hint: 'CUDA needs Linux on x64; the providers cpu and webgpu work without it.',
  },
  FETCH: {
    kind: 'missing',
    message: (at: { from: string; reason: string }) =>
      `the CUDA provider could not be fetched from ${printable(at.from)}: ${printable(at.reason)}`,
    hint: 'Behind a proxy set GLOBAL_AGENT_HTTPS_PROXY; docs/cuda.md says which files go where without a network.',
  },
  FILES: {
    kind: 'missing',
    message: (at: { files: readonly string[] }) =>
      `the fetch ended, but these files are not there: ${at.files.join(', ')}`,
    hint: 'Run npm run setup:cuda -- --force.',
  },
  NOT_RUNNING: {
    kind: 'check',
    message: (at: { missing: readonly string[]; reason: string }) =>
      `the CUDA provider is installed, but no network opens on it: ${at.missing.length > 0 ? `missing are ${at.missing.join('; ')}` : printable(at.reason)}`,
    hint: 'docs/cuda.md lists what the machine needs.',
  },
});

/** What onnxruntime-node's install script would fetch. */
export interface CudaPlan {
  /** The script. */
  readonly script: string;
  /** Name and version on NuGet. */
  readonly package: string;
  readonly from: string;
  /** CUDA's major version, as onnxruntime-node names it. */
  readonly cuda: string;
  /** Where the files go. */
  readonly files: readonly string[];
}

interface Metadata {
  readonly requirements: Readonly<Record<string, readonly string[]>>;
  readonly manifests: Readonly<Record<string, Readonly<Record<string, { readonly package: string }>>>>;
  readonly packages: Readonly<
    Record<
      string,
      { readonly name: string; readonly versions: readonly { readonly feed: string; readonly version: string }[] }
    >
  >;
  readonly feeds: Readonly<Record<string, { readonly index: string }>>;
}

/**
 * Reads from onnxruntime-node itself what it would fetch.
 *
 * @throws SETUP_PLATFORM where it has nothing for the platform
 */
export function cudaPlan(platform: string = process.platform, architecture: string = process.arch): CudaPlan {
  const require = createRequire(import.meta.url);
  const script = require.resolve('onnxruntime-node/script/install.js');
  const { requirements, manifests, packages, feeds } =
    require('onnxruntime-node/script/install-metadata.js') as Metadata;
  const place = `${platform}/${architecture}`;
  const wanted = (requirements[place] ?? []).find(name => name.startsWith('cuda'));
  const manifest = wanted ? manifests[`${place}:${wanted}`] : undefined;
  const [source] = Object.values(manifest ?? {}).map(entry => packages[entry.package]);
  const [version] = source?.versions ?? [];
  if (!wanted || !manifest || !source || !version)
    throw setupErrors.PLATFORM({ platform: `${platform} ${architecture}` });
  return {
    script,
    package: `${source.name} ${version.version}`,
    from: feeds[version.feed]!.index,
    cuda: wanted.slice('cuda'.length),
    files: Object.keys(manifest).map(name => join(dirname(script), '../bin/napi-v6', platform, architecture, name)),
  };
}

/**
 * Fetches what is not there, after saying what and from where, and opens a network on CUDA.
 *
 * @param force fetch also what is there
 * @throws SETUP_PLATFORM, SETUP_FETCH, SETUP_FILES, SETUP_NOT_RUNNING
 */
export async function setupCuda(say: (line: string) => void, { force = false } = {}): Promise<void> {
  const plan = cudaPlan();
  const absent = () => plan.files.filter(file => !existsSync(file));
  if (force || absent().length > 0) {
    say(`fetching ${plan.package} (some hundred megabytes) from ${plan.from}`);
    for (const file of plan.files) say(`  → ${file}`);
    await runInstall(plan);
    if (absent().length > 0) throw setupErrors.FILES({ files: absent() });
  } else say(`the CUDA provider is there: ${plan.package}`);
  try {
    await (await nodeRuntime('cuda').open(readFileSync(demoBackbone))).close();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw setupErrors.NOT_RUNNING({ missing: await missingParts(plan), reason }, error);
  }
  say('a network opens on CUDA');
}

function runInstall({ script, from }: CudaPlan): Promise<void> {
  return new Promise((done, fail) => {
    // of all its values only `true` makes the script fetch, whatever npm says about the folder it runs in
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' };
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'inherit', 'pipe'] });
    let heard = '';
    child.stderr.on('data', (bytes: Buffer) => (heard = `${heard}${bytes.toString('utf8')}`.slice(-10_000)));
    child.on('error', error => fail(setupErrors.FETCH({ from, reason: error.message }, error)));
    child.on('close', status => {
      if (status === 0) done();
      else fail(setupErrors.FETCH({ from, reason: reasonIn(heard) || `the script ended with status ${status}` }));
    });
  });
}

/** The line of a stack trace that says what happened. */
const reasonIn = (stderr: string): string =>
  /^(?:\w*Error(?: \[\w+\])?: )(.+)$/m.exec(stderr)?.[1] ?? stderr.trim().split('\n').at(-1)!;

/** What the machine lacks, as far as the loader and the driver's own tool can tell. */
async function missingParts({ files, cuda }: CudaPlan): Promise<string[]> {
  const provider = files.find(file => file.endsWith('_providers_cuda.so'))!;
  const driver = await printed('nvidia-smi', '--query-gpu=name', '--format=csv,noheader');
  const libraries = missingLibraries((await printed('ldd', provider)) ?? '', cuda);
  return [...(driver ? [] : ['the NVIDIA driver (nvidia-smi does not answer)']), ...libraries];
}

/** Libraries that `ldd` did not find, by what they come with. */
export function missingLibraries(ldd: string, cuda: string): string[] {
  const names = [...ldd.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name!);
  const cudnn = names.filter(name => name.startsWith('libcudnn'));
  const others = names.filter(name => !cudnn.includes(name) && /^lib(cu|nv)/.test(name));
  return [
    ...(others.length > 0 ? [`CUDA ${cuda} (${others.join(', ')})`] : []),
    ...(cudnn.length > 0 ? [`cuDNN ${/\.so\.(\d+)/.exec(cudnn[0]!)?.[1] ?? '9'} (${cudnn.join(', ')})`] : []),
  ];
}

const printed = (program: string, ...args: readonly string[]): Promise<string | undefined> =>
  new Promise(done => execFile(program, args, (error, out) => done(error ? undefined : out)));

if (process.argv[1]?.endsWith('setup-cuda.js')) {
  try {
    await setupCuda(line => process.stdout.write(`${line}\n`), { force: process.argv.includes('--force') });
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    process.stderr.write(`error ${error.code}: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`);
    process.exitCode = exitStatus[error.kind];
  }
}
