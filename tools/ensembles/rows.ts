// The rows of the table for one seed: every way of averaging answers the test pictures, with and without calibration. All
// that is learnt is learnt from the held-out part of the training pictures.

import { applyCalibrator, fitCalibrator, type Predictions } from '../../src/evaluation/index.js';
import { hashFiles, readSource } from '../../src/pictures/node.js';
import type { Runtime } from '../../src/runtime/index.js';
import { answerTree, rowsAt, truthAt, type AnswerOptions, type Asked } from '../../src/workflows/ensemble-answers.js';
import { askingOf } from '../../src/workflows/ensemble-ask.js';
import { choicesOf } from '../../src/workflows/ensemble-candidates.js';
import { partsOf, type Judged } from '../../src/workflows/ensemble-choose.js';
import { compare } from '../../src/workflows/ensemble-compare.js';
import { flopsOfTree } from '../../src/workflows/ensemble-cost.js';
import { leavesOf, openTree, type OpenedNode } from '../../src/workflows/ensemble-leaves.js';
import { openNetworks } from '../../src/workflows/ensemble-networks.js';
import { choosingPictures, type ChoosingPictures } from '../../src/workflows/ensemble-pictures.js';
import { parseRecipe } from '../../src/workflows/recipe.js';
import type { Measured } from './figures.js';

/** A run's folder and the CPU time of its training, in milliseconds. */
export interface Trained {
  readonly out: string;
  readonly cpu: number;
}
export type RunFolders = Readonly<Record<'single' | 'snapshots' | 'swa' | 'seeds' | 'folds', Trained>>;

/** The rows, in the order of the table. */
export const rowNames = [
  'single',
  'best epoch',
  'last 5 checkpoints',
  '5 snapshots',
  'Polyak average',
  'SWA',
  'uniform soup of 5 checkpoints',
  'greedy soup of 5 checkpoints',
  'uniform soup of 5 seeds',
  'greedy soup of 5 seeds',
  '5 seeds',
  '5 folds',
  'views: mirrored',
  'views: five crops',
  'graft ensemble of 5 seeds',
  'graft ensemble of 5 folds',
] as const;

interface Row {
  readonly name: (typeof rowNames)[number];
  readonly recipe: string;
  readonly trained: Trained;
}

/** Answers of one seed. */
export async function answersOf(
  runtime: Runtime,
  runs: RunFolders,
  {
    test,
    cache,
    seed,
    small,
  }: { readonly test: string; readonly cache: string; readonly seed: number; readonly small: boolean },
): Promise<Map<string, Measured>> {
  const quoted = (run: Trained, which = '') => `"${run.out}${which}"`;
  const { single, snapshots, swa, seeds, folds } = runs;
  const rows: Row[] = [
    { name: 'single', recipe: `average[${quoted(single, '@last')}]`, trained: single },
    { name: 'best epoch', recipe: `average[${quoted(single)}]`, trained: single },
    { name: 'last 5 checkpoints', recipe: `average[${quoted(single, '@checkpoints')}]`, trained: single },
    { name: '5 snapshots', recipe: `average[${quoted(snapshots, '@snapshots')}]`, trained: snapshots },
    { name: 'Polyak average', recipe: `average[${quoted(single, '@average')}]`, trained: single },
    { name: 'SWA', recipe: `average[${quoted(swa, '@swa')}]`, trained: swa },
    { name: 'uniform soup of 5 checkpoints', recipe: `soup[${quoted(single, '@checkpoints')}]`, trained: single },
    {
      name: 'greedy soup of 5 checkpoints',
      recipe: `soup(greedy)[${quoted(single, '@checkpoints')}]`,
      trained: single,
    },
    { name: 'uniform soup of 5 seeds', recipe: `soup[${quoted(seeds, '@last')}]`, trained: seeds },
    { name: 'greedy soup of 5 seeds', recipe: `soup(greedy)[${quoted(seeds, '@last')}]`, trained: seeds },
    { name: '5 seeds', recipe: `average[${quoted(seeds, '@last')}]`, trained: seeds },
    { name: 'views: mirrored', recipe: `tta(hflip)[${quoted(single, '@last')}]`, trained: single },
    ...(small
      ? [{ name: 'views: five crops', recipe: `tta(five_crop)[${quoted(single, '@last')}]`, trained: single } as const]
      : []),
  ];
  const found = new Map<string, Measured>();
  const setting = { runtime, test, cache, seed };
  const trees = new Map<string, OpenedNode>();
  for (const { name, recipe } of rows) trees.set(name, await openTree(parseRecipe(recipe).root, seed));
  for (const [name, answer] of await judged(setting, trees)) {
    const { trained } = rows.find(row => row.name === name)!;
    found.set(name, { ...answer, training: trained.cpu / single.cpu });
  }
  const ofFolds = new Map([['5 folds', await openTree(parseRecipe(`average[${quoted(folds, '@last')}]`).root, seed)]]);
  found.set('5 folds', { ...(await judged(setting, ofFolds)).get('5 folds')!, training: folds.cpu / single.cpu });
  for (const [name, members] of [
    ['graft ensemble of 5 seeds', seeds],
    ['graft ensemble of 5 folds', folds],
  ] as const) {
    const best = await chosen(setting, [members.out]);
    const answer = (await judged(setting, new Map([[name, best.node]]), best)).get(name)!;
    found.set(name, { ...answer, training: members.cpu / single.cpu });
  }
  return found;
}

interface Setting {
  readonly runtime: Runtime;
  readonly test: string;
  readonly cache: string;
  readonly seed: number;
}

/** What graft ensemble would ship. */
async function chosen({ runtime, cache, seed }: Setting, members: readonly string[]): Promise<Judged> {
  const options = { out: '', cache, seed };
  const choices = await choicesOf(members, options);
  const networks = choices.singles.flatMap(({ node }) => leavesOf(node)).flatMap(leaf => leaf.networks);
  const chosenBy = await choosingPictures(networks);
  const asked = askedOf(networks[0]!.bundle.manifest.labels, chosenBy);
  const ask = askingOf(runtime, networks, chosenBy, asked, options);
  const { best } = await compare(choices, {
    runtime,
    asked,
    parts: partsOf(asked, seed),
    isOutOfFold: chosenBy.owners !== undefined,
    options,
    open: async leaves => openNetworks(leaves, { asked, ask, seed }),
  });
  return best;
}

const askedOf = (classes: readonly string[], { labels, files }: Pick<ChoosingPictures, 'labels' | 'files'>): Asked => ({
  classes,
  task: 'single',
  truth: { labels: labels as readonly number[] },
  count: files.length,
});

/** Trees fitted to the held-out pictures, their answers to the test pictures. */
async function judged(
  { runtime, test, cache, seed }: Setting,
  trees: ReadonlyMap<string, OpenedNode>,
  { memberFirst, kind }: Pick<Judged, 'memberFirst' | 'kind'> = { memberFirst: false, kind: 'temperature' },
): Promise<Map<string, Omit<Measured, 'training'>>> {
  const leaves = [...trees.values()].flatMap(leavesOf);
  const networks = leaves.flatMap(leaf => leaf.networks);
  const held = await choosingPictures(networks);
  const classes = networks[0]!.bundle.manifest.labels;
  const shown = await testPictures(test, classes);
  const seen = new Set([...networks.flatMap(({ bundle }) => [...bundle.manifest.data.train]), ...held.hashes]);
  if (shown.hashes.some(hash => seen.has(hash))) throw new Error('a test picture was trained on or chosen by');
  // held-out answers first, then those of the test pictures, as one list
  const K = classes.length;
  const asked = askedOf(classes, { labels: [...held.labels, ...shown.labels], files: [...held.files, ...shown.files] });
  const askHeld = askingOf(runtime, networks, held, asked, { cache });
  const askShown = askingOf(runtime, networks, shown, asked, { cache });
  const opened = await openNetworks(leaves, {
    asked,
    seed,
    async ask(members, preprocessing) {
      const before = await askHeld(members, preprocessing);
      const after = await askShown(members, preprocessing);
      return before.map((views, m) => views.map((logits, v) => joined(logits, after[m]![v]!)));
    },
  });
  const fit = held.files.map((_, row) => row);
  const rows = shown.files.map((_, row) => held.files.length + row);
  const truth = truthAt(asked, rows) as { labels: ArrayLike<number> };
  const of = (all: Float32Array): Predictions => ({ probabilities: rowsAt(all, rows, K), classes, ...truth });
  const options: AnswerOptions = {
    fit,
    memberFirst,
    metric: 'negativeLogLikelihood',
    seed,
    measured: opened.measured,
    costOf: fusion => flopsOfTree(fusion, opened.frame),
  };
  const answers = new Map<string, Omit<Measured, 'training'>>();
  for (const [name, tree] of trees) {
    const answer = await answerTree(tree, asked, options);
    const calibrator = fitCalibrator(kind, { logits: rowsAt(answer.logits, fit, K), classes, ...truthAt(asked, fit) }); // prettier-ignore
    answers.set(name, {
      raw: of(answer.probabilities),
      calibrated: of(applyCalibrator(calibrator, { logits: answer.logits, classes })),
      flops: flopsOfTree(answer.fusion, opened.frame),
    });
  }
  return answers;
}

function joined(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** The pictures of a folder, by the labels of a bundle. */
async function testPictures(path: string, classes: readonly string[]): Promise<ChoosingPictures> {
  const set = await readSource(path, { purpose: 'evaluate' });
  const items = [...set.splits.values()].flat();
  const hashes: string[] = [];
  for await (const hashed of hashFiles(items.map(({ file }) => file))) {
    if ('error' in hashed) throw hashed.error;
    hashes.push(hashed.sha256);
  }
  const place = new Map(classes.map((label, i) => [label, i]));
  return {
    files: items.map(({ file }) => file),
    names: items.map(({ name }) => name),
    hashes,
    labels: items.map(({ label }) => place.get(set.classes[label as number]!)!),
  };
}
