// graft explain: which places of a picture speak for a label. The bundle's network is walked back to where it last knows
// places; what lies behind is differentiated. Drawn over the part of the picture that the network sees.

import { basename, extname, join } from 'node:path';
import { GraftError } from '../base/index.js';
import type { MapMethod } from '../artifacts/index.js';
import type { Panel } from '../pictures/index.js';
import { listPictures, preparePicture, readPictureFile, type AllowedFormat } from '../pictures/node.js';
import { openPredictor, type Answers, type Predictor } from '../prediction/index.js';
import type { Runtime } from '../runtime/index.js';
import { draw, panelsOf, probabilitiesOf, shownPixels } from './draw-explanation.js';
import { explainErrors as errors } from './explain-errors.js';
import { openExplainer, type Explainer, type MemberHeat } from './explainer.js';
import { openBundle } from './open-bundle.js';
import type { Progress } from './progress.js';

export interface ExplainOptions {
  /**
   * What is drawn: a name ending in `.png` is one sheet, a row for each picture; any other a folder, a file for each.
   * @default nothing is drawn
   */
  readonly out?: string;
  /** The label that is explained. @default each picture's most probable one */
  readonly label?: string;
  /** Of an ensemble, the one member that is explained: its name, or its number from 1 on. @default all of them together */
  readonly member?: string;
  /** Write over files that are there. @default false */
  readonly force?: boolean;
  readonly allowFormats?: readonly AllowedFormat[];
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/** The heat of one map of a network. */
export interface ExplainedMap {
  /** Of an ensemble: whose. */
  readonly member?: string;
  /** The value of the network, rows and columns. */
  readonly value: string;
  readonly height: number;
  readonly width: number;
  /**
   * Row by row: above 0 for the label, below 0 against it. By `cam` their mean is the logit but for a constant; by
   * `grad-cam` they are Selvaraju's before his Relu, with gradients summed over places.
   */
  readonly values: readonly (readonly number[])[];
  /** Which pixel of the prepared picture cells are centred on: `start + i · step`, from 0. */
  readonly rows: { readonly start: number; readonly step: number };
  readonly columns: { readonly start: number; readonly step: number };
}

/** Why a picture gets its label. */
export interface Explanation {
  readonly file: string;
  readonly label: string;
  /** Of the bundle, or of the member that was asked for. */
  readonly probability: number;
  readonly member?: string;
  readonly method: MapMethod;
  /** Of a cascade: what is explained is its first stage, whoever answered. */
  readonly isFirstStage?: true;
  readonly maps: readonly ExplainedMap[];
  /** The file that shows it. */
  readonly drawn?: string;
}

/** A picture that could not be read. */
export interface UnexplainedFile {
  readonly file: string;
  readonly error: GraftError;
}

/** A sheet of more rows is nothing to look at. */
const mostRows = 64;
/**
 * Explains what a bundle says of pictures.
 *
 * @throws EXPLAIN_NO_MAP, EXPLAIN_LABEL, EXPLAIN_MEMBER, EXPLAIN_TOO_MANY; BUNDLE_…, DATA_…, DISK_EXISTS
 * @example
 * const [first] = await explain('run/bundle', ['cat.jpg'], { out: 'heat.png' }, nodeRuntime());
 */
export async function explain(
  bundle: string,
  paths: readonly string[],
  { out, label, member, force = false, allowFormats = [], onProgress, signal }: ExplainOptions,
  runtime: Runtime,
): Promise<(Explanation | UnexplainedFile)[]> {
  const opened = await openBundle(bundle);
  const files = await listPictures(paths);
  const { labels } = opened.manifest;
  if (label !== undefined && !labels.includes(label)) throw errors.LABEL({ found: label, labels });
  const isSheet = out !== undefined && extname(out).toLowerCase() === '.png';
  if (isSheet && files.length > mostRows) throw errors.TOO_MANY({ pictures: files.length, most: mostRows });
  const explainer = await openExplainer(opened, runtime);
  let predictor: Predictor | undefined;
  try {
    predictor = await openPredictor(opened, runtime);
    const chosen = member === undefined ? undefined : memberAt(explainer, member);
    const rows: (readonly Panel[])[] = [];
    const explained: (Explanation | UnexplainedFile)[] = [];
    for (const file of files) {
      signal?.throwIfAborted();
      try {
        const bytes = readPictureFile(file);
        const pixels = await preparePicture(bytes, predictor.preprocessing, { allowFormats });
        const answers = await predictor.predict([pixels]);
        const k =
          label === undefined ? mostProbable(probabilitiesOf(answers, labels.length, chosen)) : labels.indexOf(label);
        const heats = await explainer.explain(pixels, k, chosen === undefined ? undefined : [chosen]);
        const found = told(file, labels, k, { answers, heats, chosen, explainer });
        if (out === undefined) explained.push(found);
        else {
          const shown = await shownPixels(bytes, predictor.preprocessing, allowFormats);
          const panels = panelsOf(found, shown, heats, { labels, k, answers, preprocessing: predictor.preprocessing });
          if (isSheet) rows.push(panels);
          const drawn = isSheet ? out : fileIn(out, file, explained);
          if (!isSheet) await draw(drawn, [panels], force);
          explained.push({ ...found, drawn });
        }
      } catch (error) {
        if (!(error instanceof GraftError && error.code.startsWith('IMAGE_'))) throw error;
        explained.push({ file, error });
      }
      onProgress?.({ what: 'explaining', done: explained.length, total: files.length });
    }
    if (isSheet && rows.length > 0) await draw(out, rows, force);
    return explained;
  } finally {
    await predictor?.close();
    await explainer.close();
  }
}

const mostProbable = (probabilities: Float32Array): number =>
  probabilities.reduce((best, p, k) => (p > probabilities[best]! ? k : best), 0);

/** A member by its name, or its number from 1 on. */
function memberAt({ members }: Explainer, said: string): number {
  const named = members.indexOf(said);
  const at = named >= 0 ? named : /^\d+$/.test(said) ? Number(said) - 1 : -1;
  if (at < 0 || at >= members.length) throw errors.MEMBER({ found: said, members });
  return at;
}

interface Said {
  readonly answers: Answers;
  readonly heats: readonly MemberHeat[];
  readonly chosen: number | undefined;
  readonly explainer: Explainer;
}

function told(
  file: string,
  labels: readonly string[],
  k: number,
  { answers, heats, chosen, explainer }: Said,
): Explanation {
  const name = (member: number) => explainer.members[member];
  const maps = heats.flatMap(({ member, maps: own }) =>
    own.map(({ value, values, height, width, rows, columns }): ExplainedMap => {
      const whose = name(member);
      const lines = Array.from({ length: height }, (_, y) => Array.from(values.slice(y * width, (y + 1) * width)));
      return { ...(whose === undefined ? {} : { member: whose }), value, height, width, values: lines, rows, columns };
    }),
  );
  const whose = chosen === undefined ? undefined : name(chosen);
  return {
    file,
    label: labels[k]!,
    probability: probabilitiesOf(answers, labels.length, chosen)[k]!,
    ...(whose === undefined ? {} : { member: whose }),
    method: explainer.method,
    ...(explainer.isFirstStage ? { isFirstStage: true } : {}),
    maps,
  };
}

/** A name of its own in the folder. */
function fileIn(folder: string, file: string, before: readonly (Explanation | UnexplainedFile)[]): string {
  const taken = new Set(before.flatMap(one => ('drawn' in one && one.drawn !== undefined ? [one.drawn] : [])));
  const name = basename(file, extname(file));
  let path = join(folder, `${name}.png`);
  for (let n = 2; taken.has(path); n++) path = join(folder, `${name}-${n}.png`);
  return path;
}
