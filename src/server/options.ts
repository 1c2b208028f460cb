// What a server is started with. Everything has a default but what is served.

import { errors } from './options-errors.js';
import { defaultLimits, type Limits } from './limits.js';

/** Options of {@link serve}. Limits have options of their own names: see {@link Limits}. */
export interface ServeOptions {
  /**
   * What is served: bundles, runs, folders with `model.onnx`, networks; each a path, or `name=path`. Without a name it is
   * called as its folder or file is.
   */
  readonly models?: readonly string[];
  /** A model repository, `<name>/<version>/`. */
  readonly repository?: string;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 takes a free one. @default 8000 */
  readonly port?: number;
  /** Whether models are loaded and unloaded by requests: `explicit` lets admin keys. @default 'none' */
  readonly modelControl?: 'none' | 'explicit';
  /** Of a repository, the models to load at start. @default all; none where control is explicit and this is empty */
  readonly load?: readonly string[];
  /** Whether changes of the repository are taken up as they come. @default false */
  readonly watch?: boolean;
  /** Milliseconds between looks at the repository, beside what the system tells. @default 2000 */
  readonly poll?: number;
  /** Which versions answer: `latest`, `latest:N`, `all`, or numbers with commas. @default 'latest' */
  readonly versions?: string;
  /** A file of keys, `infer KEY` or `admin KEY` a line. @default the environment's GRAFT_API_KEYS and GRAFT_ADMIN_KEYS */
  readonly apiKeys?: string;
  /** Whether an address that others reach may be served without keys. @default false */
  readonly insecureNoAuth?: boolean;
  /** Whether `/metrics` is open where keys are set. @default false */
  readonly openMetrics?: boolean;
  /** Exact origins whose pages may call. @default none */
  readonly corsOrigin?: readonly string[];
  /** Requests a minute of a key, or of an address without keys. @default no limit */
  readonly rateLimit?: number;
  /** PEM files. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Processes of each model. @default 1 */
  readonly instances?: number;
  /** Threads inside one operator. @default 1 */
  readonly threads?: number;
  /** Most rows of a run. @default 32 */
  readonly maxBatch?: number;
  /** Bytes of answers that are kept of each model, found again by the contents of their requests. @default 0 */
  readonly cache?: number;
  /** Milliseconds by which an ensemble answers with fewer members or views rather than late. @default none */
  readonly deadlineMs?: number;
  /** Processes that decode pictures. @default half of the processors, at least 1 */
  readonly pictureProcesses?: number;
  /** Whether the page is served at `/`. @default true */
  readonly page?: boolean;
  /** @default 'info' */
  readonly logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
  /** What differs from {@link defaultLimits}. */
  readonly limits?: Partial<Limits>;
}

/** Which versions of a model answer. */
export type VersionPolicy =
  | { readonly kind: 'latest'; readonly count: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'specific'; readonly versions: readonly string[] };

/** @throws SERVE_OPTION */
export function versionPolicy(text: string): VersionPolicy {
  const latest = /^latest(?::([1-9][0-9]{0,3}))?$/.exec(text);
  if (latest) return { kind: 'latest', count: Number(latest[1] ?? 1) };
  if (text === 'all') return { kind: 'all' };
  if (/^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*$/.test(text)) return { kind: 'specific', versions: text.split(',') };
  throw errors.OPTION({ option: 'versions', found: text, wanted: 'latest, latest:N, all, or numbers with commas' });
}

/** Whole numbers among the options, with the least and the most that each may be. */
const numbers = {
  port: [0, 65_535],
  poll: [10, 3_600_000],
  rateLimit: [1, 1e9],
  instances: [1, 256],
  threads: [1, 256],
  maxBatch: [1, 4096],
  cache: [0, Number.MAX_SAFE_INTEGER],
  deadlineMs: [1, 600_000],
  pictureProcesses: [1, 256],
} as const satisfies Partial<Record<keyof ServeOptions, readonly [least: number, most: number]>>;

/** @throws SERVE_OPTION for a number that nothing can be served with */
export function checkNumbers(options: ServeOptions): void {
  for (const option of Object.keys(numbers) as (keyof typeof numbers)[]) {
    const [[least, most], found] = [numbers[option], options[option]];
    if (found !== undefined && (!Number.isInteger(found) || found < least || found > most))
      throw errors.OPTION({ option, found: String(found), wanted: `a whole number of ${least} to ${most}` });
  }
}

/** @throws SERVE_OPTION for a limit that is no whole number from 0 on */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  for (const [option, found] of Object.entries(given))
    if (!Number.isSafeInteger(found) || found < 0)
      throw errors.OPTION({ option, found: String(found), wanted: 'a whole number from 0 on' });
  return { ...defaultLimits, ...given };
}

/** What is served under which name. */
export interface NamedPath {
  readonly name: string;
  readonly path: string;
}

const nameForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Names of what is given on the command line: `cats=run/bundle`, or the name of the folder or file; `bundle` says nothing,
 * so that the folder around it gives the name.
 *
 * @throws SERVE_OPTION for names that no request could ask for, or that are given twice
 */
export function namedPaths(given: readonly string[]): NamedPath[] {
  const named = given.map(text => {
    const at = text.indexOf('=');
    if (at > 0 && nameForm.test(text.slice(0, at))) return { name: text.slice(0, at), path: text.slice(at + 1) };
    return { name: nameIn(text), path: text };
  });
  for (const { name } of named)
    if (named.filter(one => one.name === name).length > 1)
      throw errors.OPTION({ option: 'models', found: `${name} twice`, wanted: 'a name for each: name=path' });
  return named;
}

function nameIn(path: string): string {
  const parts = path.split(/[\\/]+/).filter(part => part !== '' && part !== '.');
  const [last = '', before = ''] = [...parts].reverse();
  const name = (last === 'bundle' && before !== '' && before !== '..' ? before : last).replace(/\.onnx$/i, '');
  if (!nameForm.test(name))
    throw errors.OPTION({
      option: 'models',
      found: path,
      wanted: 'letters, digits, ., _ and - in the name: name=path',
    });
  return name;
}
