// What members say of pictures, once: logits of every member and view are kept by content, and what is missing is
// computed by one graph in which members share what they have in common.

import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeSafetensors, encodeSafetensors, floats, GraftError, tensor, type Tensor } from '../base/index.js';
import { makeFolder, sha256, writeAtomically } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { membersModel } from '../ensembles/index.js';
import { defaultCacheFolder } from '../features/node.js';
import type { Model } from '../graph/index.js';
import type { Preprocessing, TestView } from '../pictures/index.js';
import { pictureStream, type AllowedFormat } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { errors } from './errors.js';
import type { Progress } from './progress.js';
import { headLogits, trunkParts } from './trunk-parts.js';

/** A member as it is measured. */
export interface MeasuredMember {
  readonly name: string;
  /** `pictures` → `logits` [N, K]. */
  readonly model: Model;
  /** Of the network and its weights. */
  readonly sha256: string;
  /** Members of one group share a trunk, as far as is known; they are measured together. */
  readonly group: string;
  /** Share of the common picture's sides that it looks at. */
  readonly crop: number;
  readonly views: readonly TestView[];
  /** The folder of its run, where that has predictions of the same pixels by the same weights. */
  readonly run?: string;
}

/** The pictures that are asked about. */
export interface AskedPictures {
  readonly files: readonly string[];
  /** SHA-256 of each. */
  readonly hashes: readonly string[];
  readonly classes: number;
}

export interface MemberLogitsOptions {
  /** Where predictions are kept, or false for nowhere. @default as features are: $XDG_CACHE_HOME/onnx-graft */
  readonly cache?: string | false;
  /** What was said already in this process, by what it depends on. @default nothing is remembered */
  readonly memory?: Map<string, Float32Array>;
  readonly allowFormats?: readonly AllowedFormat[];
  /** Pictures a run. @default 8 */
  readonly batch?: number;
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Members of one graph at most. */
const mostTogether = 32;

/**
 * The logits of members, view by view: [pictures, classes] each.
 *
 * @param preprocessing the common recipe of all members
 * @throws GRAFT_PICTURES_MISSING where a picture cannot be read any more; the signal's reason
 */
export async function memberLogits(
  runtime: Runtime,
  members: readonly MeasuredMember[],
  preprocessing: Preprocessing,
  asked: AskedPictures,
  options: MemberLogitsOptions = {},
): Promise<Float32Array[][]> {
  const folder =
    options.cache === false ? undefined : join(options.cache ?? defaultCacheFolder(process.env), 'predictions');
  const set = sha256(...asked.hashes);
  const found = await Promise.all(
    members.map(async member =>
      Promise.all(
        member.views.map(async view => {
          const key = sha256(JSON.stringify([member.sha256, member.crop, view.map, preprocessing, set, runtime.name]));
          const file = folder && join(folder, `${key}.safetensors`);
          const read = async () => options.memory?.get(key) ?? (file ? await readKept(file, asked) : undefined);
          return { key, file, kept: (await ofRun(member, view, asked)) ?? (await read()) };
        }),
      ),
    ),
  );
  const missing = members.flatMap((member, i) => {
    const views = member.views.flatMap((view, v) => (found[i]![v]!.kept ? [] : [{ view, at: found[i]![v]! }]));
    return views.length === 0 ? [] : [{ member, views }];
  });
  const keep = async (leaf: (typeof found)[number][number], logits: Float32Array) => {
    leaf.kept = logits;
    options.memory?.set(leaf.key, logits);
    if (!leaf.file || !folder) return;
    await makeFolder(folder);
    const kept = tensor('float32', [asked.files.length, asked.classes], logits);
    await writeAtomically(leaf.file, encodeSafetensors(new Map([['logits', kept]])), { force: true });
  };
  const whole: typeof missing = [];
  for (const one of missing) {
    const parts = trunkParts(one.member.model);
    if (!parts) {
      whole.push(one);
      continue;
    }
    // the trunk is asked like a member, its features kept like logits
    const { name, crop, group } = one.member;
    const views = one.views.map(({ view }) => view);
    const trunk = { name, model: parts.trunk, sha256: parts.sha256, group, crop, views };
    const [features] = await memberLogits(runtime, [trunk], preprocessing, { ...asked, classes: parts.width }, options);
    for (const [v, { at }] of one.views.entries())
      await keep(at, await headLogits(runtime, parts, features![v]!, asked.classes));
  }
  for (const group of groupsOf(whole)) {
    const model = membersModel(
      group.map(({ member: { name, model: of, crop }, views }) => ({ name, model: of, crop, views: views.map(({ view }) => view) })), // prettier-ignore
      preprocessing,
    );
    const leaves = group.flatMap(({ views }) => views.map(({ at }) => at));
    const names = group.map(({ member: { name } }) =>
      name
        .split(' ')
        .map(word => basename(word))
        .join(' '),
    );
    const what = names.length === 1 ? `asking ${names[0]}` : `asking ${names.length} members`;
    const told = { ...options, what: leaves.length > names.length ? `${what}, ${leaves.length} views` : what };
    const logits = await throughGraph(runtime, encodeModel(model), leaves.length, preprocessing, asked, told);
    for (const [i, leaf] of leaves.entries()) await keep(leaf, logits[i]!);
  }
  return found.map(views => views.map(({ kept }) => kept!));
}

/** Members with a trunk in common beside each other. */
function groupsOf<T extends { readonly member: MeasuredMember }>(missing: readonly T[]): T[][] {
  const byGroup = new Map<string, T[]>();
  for (const one of missing) byGroup.set(one.member.group, [...(byGroup.get(one.member.group) ?? []), one]);
  return [...byGroup.values()].flatMap(list =>
    Array.from({ length: Math.ceil(list.length / mostTogether) }, (_, i) =>
      list.slice(i * mostTogether, (i + 1) * mostTogether),
    ),
  );
}

/** Predictions that the member's run wrote, of the picture as it is. */
async function ofRun(
  { run }: MeasuredMember,
  view: TestView,
  { hashes, classes }: AskedPictures,
): Promise<Float32Array | undefined> {
  if (run === undefined || view.name !== 'identity') return undefined;
  const tensors = await readTensors(join(run, 'predictions', 'validation.safetensors'));
  const [logits, written] = [tensors?.get('logits'), tensors?.get('hashes')];
  if (logits?.shape[1] !== classes || written?.shape[1] !== 32) return undefined;
  const sums = Buffer.from(written.bytes);
  const rows = new Map<string, number>();
  for (let row = 0; row < written.shape[0]!; row++)
    rows.set(sums.subarray(32 * row, 32 * row + 32).toString('hex'), row);
  if (!hashes.every(hash => rows.has(hash))) return undefined;
  const values = floats(logits);
  const taken = new Float32Array(hashes.length * classes);
  hashes.forEach((hash, i) => {
    const row = rows.get(hash)!;
    taken.set(values.subarray(row * classes, (row + 1) * classes), i * classes);
  });
  return taken;
}

/** What was kept; damaged files are made again. */
async function readKept(file: string, { files, classes }: AskedPictures): Promise<Float32Array | undefined> {
  const logits = (await readTensors(file))?.get('logits');
  return logits?.shape.join() === [files.length, classes].join() ? floats(logits).slice() : undefined;
}

/** What a file holds; a damaged one holds nothing. */
async function readTensors(file: string): Promise<ReadonlyMap<string, Tensor> | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return undefined;
  try {
    return decodeSafetensors(bytes).tensors;
  } catch (error) {
    if (error instanceof GraftError) return undefined;
    throw error;
  }
}

/** Runs pictures through a graph whose one output is [N, leaves, classes]. */
async function throughGraph(
  runtime: Runtime,
  model: Uint8Array,
  leaves: number,
  preprocessing: Preprocessing,
  { files, classes }: AskedPictures,
  { batch = 8, allowFormats = [], onProgress, signal, what }: MemberLogitsOptions & { readonly what: string },
): Promise<Float32Array[]> {
  const { width, height } = preprocessing;
  const size = width * height * 3;
  const logits = Array.from({ length: leaves }, () => new Float32Array(files.length * classes));
  const session = await runtime.open(model);
  try {
    let waiting: { readonly index: number; readonly pixels: Uint8Array }[] = [];
    let done = 0;
    const flush = async (): Promise<void> => {
      if (waiting.length === 0) return;
      const bytes = new Uint8Array(waiting.length * size);
      waiting.forEach(({ pixels }, i) => bytes.set(pixels, i * size));
      const feed = runtime.tensor(tensor('uint8', [waiting.length, height, width, 3], bytes));
      const results = await session.run(new Map([['pictures', feed]]), ['memberLogits']);
      const values = floats(await results.get('memberLogits')!.read());
      waiting.forEach(({ index }, row) => {
        for (let leaf = 0; leaf < leaves; leaf++) {
          const from = (row * leaves + leaf) * classes;
          logits[leaf]!.set(values.subarray(from, from + classes), index * classes);
        }
      });
      for (const value of [feed, ...results.values()]) value.dispose();
      done += waiting.length;
      waiting = [];
      onProgress?.({ what, done, total: files.length });
    };
    for await (const picture of pictureStream(files, preprocessing, { allowFormats, ...(signal ? { signal } : {}) })) {
      if ('error' in picture) throw errors.PICTURES_MISSING({ source: picture.file, missing: 1 }, picture.error);
      waiting.push(picture);
      if (waiting.length >= batch) await flush();
    }
    await flush();
    return logits;
  } finally {
    await session.close();
  }
}
