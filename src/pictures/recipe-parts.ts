// Parts of a recipe as flags and files beside models give them: our own keys, Hugging Face's preprocessor_config.json,
// timm's config.json. Nothing is filled in here; settle.ts puts the parts together.

import { preprocessingErrors as errors } from './errors.js';
import { filters, type Filter } from './preprocessing.js';
import { checkChannels, checkLayout } from './pixels.js';

/** Everything a recipe says, each part optional. */
export interface RecipeParts {
  readonly width?: number;
  readonly height?: number;
  readonly resize?: 'shorter-side' | 'stretch';
  readonly cropFraction?: number;
  readonly filter?: Filter;
  readonly background?: readonly [number, number, number];
  readonly channels?: 'RGB' | 'BGR' | 'grey';
  readonly layout?: 'NCHW' | 'NHWC';
  readonly scale?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

type Fields = ReadonlyMap<string, unknown>;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;

/**
 * The parts of a recipe in a parsed JSON file, whichever of the known dialects it speaks.
 *
 * @returns undefined where the file says nothing of pictures.
 * @throws PREPROCESSING_INVALID where a known key has a value that makes no sense.
 */
export function partsOf(json: unknown): RecipeParts | undefined {
  const top = fieldsOf(json);
  if (!top) return undefined;
  const timm = fieldsOf(top.get('pretrained_cfg'));
  if (timm) return timmParts(timm);
  const hugging = ['image_mean', 'image_std', 'do_normalize', 'do_resize', 'image_processor_type'];
  if (hugging.some(key => top.has(key))) return huggingFaceParts(top);
  if (top.has('crop_pct') || top.has('input_size') || top.has('interpolation')) return timmParts(top);
  const nested = ['preprocessing', 'pixels'].flatMap(key => [...(fieldsOf(top.get(key)) ?? [])]);
  const own = new Map([...top, ...nested].filter(([key]) => ownKeys.has(key)));
  return own.size > 0 ? ownParts(own) : undefined;
}

const ownKeys = new Set(
  'width height size resize cropFraction crop filter background channels layout scale mean std'.split(' '),
);

/** Our own keys: those of `preprocessing` and `pixels` in a bundle or the catalogue, and the names of the flags. */
export function ownParts(fields: Fields): RecipeParts {
  const resize = fields.get('resize');
  if (resize !== undefined && resize !== 'shorter-side' && resize !== 'stretch')
    throw errors.INVALID({ key: 'resize', found: resize, wanted: 'shorter-side or stretch' });
  const filter = fields.get('filter');
  const background = fields.get('background') === undefined ? undefined : numbers('background', fields);
  if (background && background.length !== 3)
    throw errors.INVALID({ key: 'background', found: background, wanted: 'three whole numbers from 0 to 255' });
  const channels = fields.get('channels');
  const layout = fields.get('layout');
  const side = (key: string): number | undefined => optional(key, fields);
  const width = side('width');
  const height = side('height');
  return defined({
    ...sizeParts(fields.get('size')),
    ...defined({ width, height }),
    resize,
    cropFraction: optional('cropFraction', fields) ?? optional('crop', fields),
    filter: filter === undefined ? undefined : filterNamed(filter),
    background: background ? ([background[0]!, background[1]!, background[2]!] as const) : undefined,
    channels: channels === undefined ? undefined : checkChannels(channels),
    layout: layout === undefined ? undefined : checkLayout(layout),
    scale: optional('scale', fields),
    mean: fields.has('mean') ? numbers('mean', fields) : undefined,
    std: fields.has('std') ? numbers('std', fields) : undefined,
  });
}

/** timm: `input_size` [channels, height, width]; resize to floor(size / crop_pct); x / 255. */
function timmParts(fields: Fields): RecipeParts {
  const input = fields.get('input_size');
  const size: unknown[] = Array.isArray(input) ? input : [];
  const crop = fields.get('crop_mode');
  if (crop !== undefined && crop !== 'center' && crop !== 'squash')
    throw errors.INVALID({ key: 'crop_mode', found: crop, wanted: 'center or squash' });
  const interpolation = fields.get('interpolation');
  const grey = size[0] === 1;
  return defined({
    ...(size.length === 3 ? sizeParts({ height: size[1], width: size[2] }) : {}),
    resize: crop === 'squash' ? 'stretch' : 'shorter-side',
    cropFraction: optional('crop_pct', fields),
    // timm draws "random" at training time only; its evaluation default is bilinear
    filter: interpolation === undefined || interpolation === 'random' ? undefined : filterNamed(interpolation),
    channels: grey ? 'grey' : 'RGB',
    scale: fields.has('mean') ? 1 / 255 : undefined,
    mean: fields.has('mean') ? numbers('mean', fields) : undefined,
    std: fields.has('std') ? numbers('std', fields) : undefined,
  });
}

/** Hugging Face image processors: `size` {shortest_edge} or {height, width}, `crop_size`, `crop_pct`, `resample`. */
function huggingFaceParts(fields: Fields): RecipeParts {
  const flag = (key: string, otherwise: boolean): boolean => {
    const value = fields.get(key);
    return typeof value === 'boolean' ? value : otherwise;
  };
  const normalize = flag('do_normalize', fields.has('image_mean'));
  const mean = normalize ? numbers('image_mean', fields) : [0];
  // `rescale_offset` moves the pixels to −1…1 before mean and std
  const offset = flag('rescale_offset', false) ? 1 : 0;
  const resample = fields.get('resample');
  const filter = typeof resample === 'number' ? pillowFilters.get(resample) : undefined;
  if (resample !== undefined && resample !== null && filter === undefined)
    throw errors.INVALID({ key: 'resample', found: resample, wanted: "0 to 4, Pillow's filters without Hamming" });
  return defined({
    ...huggingFaceGeometry(fields, flag('do_center_crop', fields.has('crop_size'))),
    filter,
    scale: flag('do_rescale', true) ? (optional('rescale_factor', fields) ?? 1 / 255) : 1,
    mean: mean.map(value => value + offset),
    std: normalize ? numbers('image_std', fields) : [1],
  } as const);
}

function huggingFaceGeometry(fields: Fields, crops: boolean): RecipeParts {
  const size = fieldsOf(fields.get('size'));
  const plain = fields.get('size');
  const edge = size?.get('shortest_edge') ?? (crops ? plain : undefined);
  const target = sizeParts(crops ? fields.get('crop_size') : (size?.get('shortest_edge') ?? plain));
  const percent = optional('crop_pct', fields);
  if (percent !== undefined && typeof edge === 'number') {
    // ConvNeXt: below 384 resize to edge / crop_pct and crop, from 384 on squash
    const sides = { width: edge, height: edge };
    return edge < 384
      ? { ...sides, resize: 'shorter-side', cropFraction: percent }
      : { ...sides, resize: 'stretch', cropFraction: 1 };
  }
  if (typeof edge === 'number' && target.width !== undefined && target.height !== undefined)
    return { ...target, resize: 'shorter-side', cropFraction: Math.min(target.width, target.height) / edge };
  return { ...target, resize: 'stretch', cropFraction: 1 };
}

const pillowFilters = new Map<number, Filter>([
  [0, 'nearest'],
  [1, 'lanczos'],
  [2, 'bilinear'],
  [3, 'bicubic'],
  [4, 'box'],
]);

function filterNamed(value: unknown): Filter {
  const filter = filters.find(
    name => name === (value === 'linear' ? 'bilinear' : value === 'cubic' ? 'bicubic' : value),
  );
  if (filter === undefined) throw errors.INVALID({ key: 'filter', found: value, wanted: filters.join(', ') });
  return filter;
}

/** 224, [width, height] or {width, height}. */
function sizeParts(size: unknown): { width?: number; height?: number } {
  if (size === undefined || size === null) return {};
  const fields = fieldsOf(size);
  const sides: unknown[] = Array.isArray(size) ? size : fields ? [fields.get('width'), fields.get('height')] : [size];
  const [width, height = width] = sides;
  if (typeof width !== 'number' || typeof height !== 'number' || sides.length > 2)
    throw errors.INVALID({ key: 'size', found: size, wanted: 'one number of pixels, or width and height' });
  return { width, height };
}

function numbers(key: string, fields: Fields): number[] {
  const value = fields.get(key);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((n): n is number => typeof n === 'number' && Number.isFinite(n))) return list;
  throw errors.INVALID({ key, found: value, wanted: 'a list of numbers' });
}

function optional(key: string, fields: Fields): number | undefined {
  const value = fields.get(key);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw errors.INVALID({ key, found: value, wanted: 'a number' });
  return value;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The entries that are not undefined. */
function defined<T extends object>(entries: T): Defined<T> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Defined<T>;
}
