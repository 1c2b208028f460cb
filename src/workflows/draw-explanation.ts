// How an explanation is shown: the picture as the network sees it, the heat over it, and of an ensemble the heat of its
// members beside that, with what each of them says.

import { basename, join } from 'node:path';
import { makeFolder, writeAtomically } from '../base/node.js';
import type { MapMethod } from '../artifacts/index.js';
import {
  heated,
  heatSheet,
  positiveShare,
  prepare,
  shownRecipe,
  spreadHeat,
  wholeSize,
  type HeatMap,
  type Panel,
  type Pixels,
  type Preprocessing,
} from '../pictures/index.js';
import { decode, encodePng, type AllowedFormat } from '../pictures/node.js';
import { topOf, type Answers } from '../prediction/index.js';
import type { MemberHeat } from './explainer.js';

/** Members drawn beside the whole. */
const mostMembers = 6;

/** Of the whole, or of one member. */
export function probabilitiesOf(
  { probabilities, memberProbabilities }: Answers,
  K: number,
  member?: number,
): Float32Array {
  return member === undefined || !memberProbabilities
    ? probabilities
    : memberProbabilities.subarray(member * K, (member + 1) * K);
}

/** What is known of the explanation that is drawn. */
export interface Explained {
  readonly file: string;
  readonly label: string;
  readonly probability: number;
  readonly member?: string;
  readonly method: MapMethod;
  readonly isFirstStage?: true;
}

/** What the network sees of a picture, finer. */
export async function shownPixels(
  bytes: Uint8Array,
  preprocessing: Preprocessing,
  allowFormats: readonly AllowedFormat[],
): Promise<Pixels> {
  // as fine as the network's own recipe first: the size of the whole picture is known from there
  const first = await decode(bytes, { preprocessing, allowFormats });
  const recipe = shownRecipe(wholeSize(first), preprocessing);
  const pixels = first.reduced ? await decode(bytes, { preprocessing: recipe, allowFormats }) : first;
  return { width: recipe.width, height: recipe.height, data: prepare(pixels, recipe) };
}

interface Drawing {
  readonly labels: readonly string[];
  readonly k: number;
  readonly answers: Answers;
  readonly preprocessing: Preprocessing;
}

/** The picture, the heat over it, and of an ensemble the heat of its members. */
export function panelsOf(
  { label, probability, file, member, method, isFirstStage }: Explained,
  shown: Pixels,
  heats: readonly MemberHeat[],
  { labels, k, answers, preprocessing }: Drawing,
): readonly Panel[] {
  const K = labels.length;
  const over = (maps: readonly HeatMap[]) =>
    positiveShare(summed(maps.map(map => spreadHeat(map, preprocessing, shown))));
  const own = heats.map(({ maps }) => over(maps));
  const shares = heats.map(({ share }) => share);
  const all = positiveShare(summed(own, shares));
  const [best] = topOf(labels, Array.from(answers.probabilities), 1);
  const percent = (value: number) => `${(100 * value).toFixed(1)}%`;
  const whose = member ?? (isFirstStage ? 'first stage' : heats.length > 1 ? `${heats.length} members` : undefined);
  const by = [...(whose === undefined ? [] : [memberName(whose)]), methodName[method]].join(', ');
  const several = heats.length > 1 ? heats.slice(0, mostMembers) : [];
  return [
    { pixels: shown, lines: [basename(file), `says ${best!.label} ${percent(best!.probability)}`] },
    { pixels: heated(shown, all), lines: [`${label} ${percent(probability)}`, by] },
    ...several.map(({ member: m, name }, i) => ({
      pixels: heated(shown, own[i]!),
      lines: [`${label} ${percent(probabilitiesOf(answers, K, m)[k]!)}`, memberName(name ?? '')],
    })),
  ];
}

/** Members are called by the folders of their runs: the end says most. */
const memberName = (name: string): string => name.split('/').at(-1)!;

const methodName: Readonly<Record<MapMethod, string>> = { cam: 'CAM', 'grad-cam': 'Grad-CAM' };

/** Σ weight · heat */
function summed(heats: readonly Float32Array[], weights: readonly number[] = heats.map(() => 1)): Float32Array {
  const sum = new Float32Array(heats[0]!.length);
  heats.forEach((heat, i) => heat.forEach((value, at) => (sum[at]! += weights[i]! * value)));
  return sum;
}

/** Writes a sheet; its folder is made. */
export async function draw(path: string, rows: readonly (readonly Panel[])[], force: boolean): Promise<void> {
  await makeFolder(join(path, '..'));
  await writeAtomically(path, await encodePng(heatSheet(rows)), { force });
}
