// What several commands share: flags of the network's recipe, progress with rate and time left, warnings about pictures.

import {
  filters,
  openRuntime,
  printable,
  type BackboneOptions,
  type GraftError,
  type NodeProvider,
  type Runtime,
  type TransferProgress,
} from '../index.js';
import type { FlagsOf } from './command.js';
import type { Output } from './output.js';

/** How a network wants its pictures, where neither the catalogue nor a file beside it says so. */
export const backboneFlags = {
  at: {
    type: 'string',
    value: 'cut',
    help: "where features come out: features, block3, or a value's name (default: features)",
  },
  size: { type: 'integer', value: 'pixels', help: "picture side (default: the network's)" },
  mean: { type: 'numbers', value: 'number', help: 'per channel, after --scale' },
  std: { type: 'numbers', value: 'number', help: 'per channel, after --scale' },
  scale: { type: 'number', help: 'factor for pixels of 0 to 255 (default: 1/255)' },
  channels: { type: 'choice', choices: ['RGB', 'BGR', 'grey'], help: 'channel order of the network' },
  layout: { type: 'choice', choices: ['NCHW', 'NHWC'], help: 'axes of the network’s input' },
  resize: {
    type: 'choice',
    choices: ['shorter-side', 'stretch'],
    help: 'how pictures meet the size (default: shorter-side)',
  },
  crop: { type: 'number', value: 'share', help: 'part of each side that the centre crop keeps (default: 0.875)' },
  filter: { type: 'choice', choices: filters, help: 'resize filter (default: bilinear)' },
} satisfies FlagsOf<BackboneOptions>;

/** Formats beside the usual ones, for commands that read pictures. */
export const pictureFlags = {
  allowFormats: {
    type: 'list',
    value: 'format',
    choices: ['avif', 'tiff'],
    help: 'also read pictures of these formats',
  },
} as const;

/** Where networks run, for commands whose time they take. */
export const runtimeFlags = {
  provider: {
    type: 'choice',
    choices: ['cpu', 'cuda', 'webgpu', 'auto'],
    help: 'where networks run; auto: cuda where it is installed and answers, or else cpu (default: cpu)',
  },
  threads: { type: 'integer', help: 'inside one operator of a network on the cpu (default: 1)' },
} as const;

/** The runtime that the flags ask for, proven before anything else is done. */
export async function runtimeFrom(flags: Record<string, unknown>, output: Output): Promise<Runtime> {
  const { provider, threads } = flags as { provider?: NodeProvider | 'auto'; threads?: number };
  const runtime = await openRuntime(provider, threads === undefined ? {} : { threads });
  if (provider === 'auto') output.say(`networks run on ${runtime.name}`);
  return runtime;
}

/** Shows progress with rate and time left. */
export function progressOf(output: Output): (at: TransferProgress) => void {
  let what = '';
  let began = 0;
  let first = 0;
  return at => {
    const now = performance.now();
    if (at.what !== what) {
      what = at.what;
      began = now;
      // work that is resumed, or the part of one of several members, does not begin at 0
      first = at.done;
    }
    const passed = (now - began) / 1000;
    const rate = passed > 0.2 ? (at.done - first) / passed : undefined;
    const left = rate ? { rate, secondsLeft: (at.total - at.done) / rate } : {};
    output.progress({ ...at, ...left });
  };
}

/** Says which files were passed over, by name, a few of each kind. */
export function warnAbout(
  output: Output,
  {
    errors = [],
    stray = [],
    duplicates = [],
  }: {
    readonly errors?: readonly { readonly file: string; readonly error: GraftError }[];
    readonly stray?: readonly { readonly file: string; readonly reason: string }[];
    readonly duplicates?: readonly { readonly files: readonly { readonly split: string; readonly name: string }[] }[];
  },
): void {
  const some = (lines: readonly string[], what: string) => {
    if (lines.length === 0) return;
    const shown = lines.slice(0, 5).map(line => `\n  ${line}`);
    const more = lines.length > 5 ? `\n  and ${lines.length - 5} more (--json lists all)` : '';
    output.warn(`${lines.length} ${what}:${shown.join('')}${more}`);
  };
  some(
    errors.map(({ file, error }) => `${printable(file)}: ${error.code}: ${error.message}`),
    errors.length === 1 ? 'picture could not be read and was left out' : 'pictures could not be read and were left out',
  );
  some(
    stray.map(({ file, reason }) => `${printable(file)}: ${reason}`),
    stray.length === 1 ? 'file was passed over' : 'files were passed over',
  );
  some(
    duplicates.map(({ files }) => files.map(({ split, name }) => `${split}: ${printable(name)}`).join('  =  ')),
    duplicates.length === 1
      ? 'picture is in two splits: the figures flatter'
      : 'pictures are in two splits: the figures flatter',
  );
}

/** The options of a workflow as its flags give them, with its progress and its warnings; a cache named none is none. */
export function optionsFrom(
  given: Record<string, unknown>,
  output: Output,
  signal: AbortSignal,
): Record<string, unknown> {
  const { cache, quiet: _q, json: _j, provider: _p, threads: _t, ...rest } = given;
  return {
    ...rest,
    ...(cache === undefined ? {} : { cache: cache === 'none' ? false : cache }),
    onProgress: progressOf(output),
    onWarning: (text: string) => output.warn(text),
    signal,
  };
}
