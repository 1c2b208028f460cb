// Settles how a network wants its pictures: flags before the file beside the model before the catalogue. What says how
// pixel values become the network's numbers must come from one of them; it is never guessed.

import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GraftError } from '../base/index.js';
import { preprocessingErrors as errors } from './errors.js';
import { checkPixels, type PixelFormat } from './pixels.js';
import { checkPreprocessing, type Filter, type Preprocessing } from './preprocessing.js';
import { ownParts, partsOf, type RecipeParts } from './recipe-parts.js';
import { zooEntry } from './zoo.js';

/** What a user says of a network's preprocessing; each overrides what is known. */
export interface PreprocessingFlags {
  /** Per channel, in the network's order, of pixels after `scale`. With `std` alone, `scale` is 1/255. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Factor for pixels of 0…255. @default 1/255 where mean and std are given */
  readonly scale?: number | undefined;
  /** @default 'RGB', 'grey' where the network has one channel */
  readonly channels?: 'RGB' | 'BGR' | 'grey' | undefined;
  /** @default the network's */
  readonly layout?: 'NCHW' | 'NHWC' | undefined;
  /** Pixels a side, or width and height. @default the network's */
  readonly size?: number | { readonly width: number; readonly height: number } | undefined;
  /** @default 'shorter-side' */
  readonly resize?: 'shorter-side' | 'stretch' | undefined;
  /** Part of each side that the centre crop keeps. @default 0.875; 1 where `resize` is stretch */
  readonly crop?: number | undefined;
  /** @default 'bilinear' */
  readonly filter?: Filter | undefined;
  /** Behind transparent pixels, RGB. @default white */
  readonly background?: readonly [number, number, number] | undefined;
}

export interface SettleOptions {
  /** Of the network's file. */
  readonly sha256: string;
  /** Fingerprint of its large weights, by which a network is recognised in another file. */
  readonly weights?: string | undefined;
  readonly modelPath: string;
  readonly flags?: PreprocessingFlags | undefined;
  /** What the network's input says, where it says it. */
  readonly inputSize?: { readonly width: number; readonly height: number } | undefined;
  readonly layout?: 'NCHW' | 'NHWC' | undefined;
  /** Channels of the input: 1 or 3. */
  readonly channels?: number | undefined;
}

export interface Settled {
  readonly preprocessing: Preprocessing;
  readonly pixels: PixelFormat;
  /** The strongest source that said something. */
  readonly from: 'flags' | 'sidecar' | 'catalogue';
  /** The file beside the model, where one was used. */
  readonly sidecar?: string;
}

/**
 * The recipe of a network.
 *
 * @throws PREPROCESSING_UNKNOWN where mean, std and scale come from nowhere, or size or layout are not known;
 * PREPROCESSING_INVALID where what is said does not fit the network's input; PREPROCESSING_SIDECAR.
 * @example settlePreprocessing({sha256, modelPath: 'net.onnx', flags: {scale: 1 / 127.5, mean: [1], std: [1]}})
 */
export function settlePreprocessing(options: SettleOptions): Settled {
  const sidecar = readSidecar(options.modelPath);
  const entry = zooEntry(options.sha256, options.weights);
  const flags = flagParts(options.flags ?? {});
  const known: RecipeParts = entry ? { ...entry.preprocessing, ...entry.pixels } : {};
  const sources: readonly RecipeParts[] = [flags, sidecar?.parts ?? {}, known];
  const numbers = sources.find(
    ({ scale, mean, std }) => scale !== undefined || mean !== undefined || std !== undefined,
  );
  const parts: RecipeParts = { ...known, ...sidecar?.parts, ...flags };
  const preprocessing = settleGeometry(parts, options, entry?.preprocessing);
  const pixels = settlePixels(parts, numbers ?? {}, options);
  const missing = [...preprocessing.missing, ...pixels.missing];
  if (missing.length > 0) throw errors.UNKNOWN({ model: basename(options.modelPath), missing });
  const settled = {
    preprocessing: checkPreprocessing(preprocessing.parts),
    pixels: checkPixels(pixels.parts),
    from: Object.keys(flags).length > 0 ? ('flags' as const) : sidecar ? ('sidecar' as const) : ('catalogue' as const),
    ...(sidecar ? { sidecar: sidecar.file } : {}),
  };
  checkFits(settled, options);
  return settled;
}

interface Partly {
  readonly parts: object;
  readonly missing: readonly string[];
}

function settleGeometry(parts: RecipeParts, { inputSize }: SettleOptions, known?: Preprocessing): Partly {
  // a size that only the catalogue gives yields to the network's own
  const isOwn = parts.width !== known?.width || parts.height !== known?.height;
  const width = isOwn ? (parts.width ?? inputSize?.width) : (inputSize?.width ?? parts.width);
  const height = isOwn ? (parts.height ?? inputSize?.height) : (inputSize?.height ?? parts.height);
  const { resize = 'shorter-side', filter = 'bilinear', background = [255, 255, 255] } = parts;
  const { cropFraction = resize === 'stretch' ? 1 : 0.875 } = parts;
  return {
    parts: { width, height, resize, cropFraction, filter, background },
    missing: width === undefined || height === undefined ? ['size'] : [],
  };
}

function settlePixels(parts: RecipeParts, numbers: RecipeParts, options: SettleOptions): Partly {
  const layout = parts.layout ?? options.layout;
  const channels = parts.channels ?? (options.channels === 1 ? 'grey' : 'RGB');
  const { mean, std } = numbers;
  // means of 0…1 are torchvision's and timm's way; larger ones could be of 0…255, which only --scale can say
  const isUnit = mean !== undefined && std !== undefined && mean.every(value => Math.abs(value) <= 1);
  const scale = numbers.scale ?? (isUnit ? 1 / 255 : undefined);
  const missing = layout === undefined ? ['layout'] : [];
  if (scale === undefined) {
    if (mean === undefined) missing.push('mean');
    if (std === undefined) missing.push('std');
    missing.push('scale');
  }
  return { parts: { channels, layout, scale, mean: mean ?? [0], std: std ?? [1] }, missing };
}

function checkFits({ preprocessing, pixels }: Settled, { inputSize, layout, channels }: SettleOptions): void {
  const { width, height } = preprocessing;
  if (inputSize && (width !== inputSize.width || height !== inputSize.height))
    throw errors.INVALID({
      key: 'size',
      found: `${width} x ${height}`,
      wanted: `${inputSize.width} x ${inputSize.height}, the size of the network's input`,
    });
  if (layout && pixels.layout !== layout)
    throw errors.INVALID({ key: 'layout', found: pixels.layout, wanted: `${layout}, as the network's input` });
  if (channels !== undefined && (pixels.channels === 'grey' ? 1 : 3) !== channels)
    throw errors.INVALID({
      key: 'channels',
      found: pixels.channels,
      wanted:
        channels === 1 ? "grey: the network's input has one channel" : `${channels} channels, as the network's input`,
    });
}

function flagParts({ crop, ...flags }: PreprocessingFlags): RecipeParts {
  const given = Object.entries({ ...flags, cropFraction: crop }).filter(([, value]) => value !== undefined);
  return ownParts(new Map<string, unknown>(given));
}

/** What the file beside a model says. */
export interface Sidecar {
  readonly file: string;
  readonly parts: RecipeParts;
}

/**
 * Reads the JSON beside a model: `net.json` or `net.onnx.json` of `net.onnx`, else `preprocessor_config.json` or
 * `config.json` of its folder. Understood are our own keys (`preprocessing`, `pixels`, or those of the flags), Hugging
 * Face's and timm's; a file that says nothing of pictures is passed over.
 *
 * @throws PREPROCESSING_SIDECAR where it is no JSON or a known key makes no sense.
 */
export function readSidecar(modelPath: string): Sidecar | undefined {
  const beside = (name: string): string => join(dirname(modelPath), name);
  const own = [modelPath.replace(/\.onnx$/i, '') + '.json', `${modelPath}.json`];
  for (const file of new Set([...own, beside('preprocessor_config.json'), beside('config.json')])) {
    const text = readIfThere(file);
    if (text === undefined) continue;
    try {
      const parts = partsOf(JSON.parse(text));
      if (parts) return { file, parts };
    } catch (cause) {
      if (cause instanceof GraftError) {
        const { key, found, wanted } = cause.details;
        throw errors.SIDECAR({ file, found: `${String(key)} ${JSON.stringify(found)}`, wanted: String(wanted) }, cause);
      }
      // a config.json of anything else is none of ours
      if (own.includes(file)) throw errors.SIDECAR({ file, found: 'no JSON', wanted: 'a JSON object' }, cause);
    }
  }
  return undefined;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw errors.SIDECAR({ file, found: String(code), wanted: 'a file that can be read' }, cause);
  }
}
