// What walks and what judges several heads in one graph: the walker and the judge of one head, with the figures of each
// member told apart and their mean over those that have not ended given to the loop.

import { floats, tensor, type Tensor } from '../base/index.js';
import type { DeviceTensor, Runtime, Session } from '../runtime/index.js';
import { shareRight, type Figures } from './figures.js';
import type { LabelledFeatures } from './labelled-features.js';
import type { EpochArtifacts } from './run.js';
import type { Judge } from './walk-epochs.js';
import { epochAtOnce, rowsOf, type Walker } from './walkers.js';

/** Pictures and what each weighs for each member. */
export interface WeighedFeatures extends LabelledFeatures {
  /** [count, members], from 0. */
  readonly weights: Float32Array;
}

/** What is walked and judged by. */
export interface MembersData {
  readonly runtime: Runtime;
  /** Graphs of stacked heads; `classes` are those of one member. */
  readonly artifacts: EpochArtifacts;
  readonly train: WeighedFeatures;
  /** Chooses the best epoch of each member by the pictures that weigh something for it. */
  readonly validation: WeighedFeatures;
}

/** Members that have not ended, by number from 0. */
export type ActiveMembers = ReadonlySet<{ readonly member: number }>;

/** Walks an epoch at once; keeps each member's losses, summed over the pictures, and gives the mean of the active. */
export function walkMembers({ runtime, artifacts, train }: MembersData, members: number, active: ActiveMembers) {
  const losses: number[] = [];
  const weights = new Map([['weights', tensor('float32', [train.count, members], train.weights)]]);
  const open = async (): Promise<Walker> => {
    const walker = await epochAtOnce(runtime, artifacts.epoch, train, weights);
    return {
      async walk(state, window, epoch) {
        const { next, losses: all } = await walker.walk(state, window, epoch); // [S, members]
        const means = new Float32Array(window.steps);
        for (let step = 0; step < window.steps; step++)
          for (const { member } of active) {
            const loss = all[step * members + member]!;
            losses[member] = (losses[member] ?? 0) + loss * window.batch;
            means[step]! += loss / active.size;
          }
        return { next, losses: means };
      },
      close: () => walker.close(),
    };
  };
  return { losses, open };
}

/** Figures of every member, and the weights that they are of. */
interface Told {
  readonly figures: readonly Figures[];
  readonly parameters: ReadonlyMap<string, DeviceTensor>;
}

/** Judges all members by one run of the evaluation graph; what it found lies in `told` until the epoch is told. */
export function judgeMembers({ runtime, artifacts, validation }: MembersData, members: number, active: ActiveMembers) {
  const told: Told[] = [];
  const { features, count, width, labels, weights } = validation;
  const { classes } = artifacts;
  const seen = Array.from({ length: members }, (_, member) =>
    Array.from({ length: count }, (_row, row) => row).filter(row => weights[row * members + member]! > 0),
  );
  const truth = seen.map(rows => rowsOf(labels, rows));
  const open = async (): Promise<Judge> => {
    const session = await runtime.open(artifacts.evaluation);
    const fed = new Map<string, DeviceTensor>([
      ['features', runtime.tensor(tensor('float32', [count, width], features))],
      ['labels', runtime.tensor(labels)],
      ['weights', runtime.tensor(tensor('float32', [count, members], weights))],
    ]);
    return {
      judgesLast: true,
      async figures(parameters) {
        const { losses, logits } = await judged(session, new Map([...parameters, ...fed]));
        const figures = truth.map((own, member): Figures => ({
          loss: losses[member]!,
          accuracy: shareRight(partOf(logits, classes, seen[member]!, members, member), own),
        }));
        told.push({ figures, parameters });
        const mean = (of: (at: Figures) => number) =>
          [...active].reduce((sum, { member }) => sum + of(figures[member]!), 0) / active.size;
        return { loss: mean(({ loss }) => loss), accuracy: mean(({ accuracy }) => accuracy) };
      },
      async close() {
        for (const value of fed.values()) value.dispose();
        await session.close();
      },
    };
  };
  return { told, open };
}

async function judged(session: Session, feeds: ReadonlyMap<string, DeviceTensor>) {
  const results = await session.run(feeds, ['loss', 'logits']);
  const losses = floats(await results.get('loss')!.read()).slice();
  const logits = floats(await results.get('logits')!.read()).slice();
  for (const result of results.values()) result.dispose();
  return { losses, logits };
}

/** A member's logits [rows, K] of some rows out of those of all, [n, M·K]. */
function partOf(
  logits: Float32Array,
  classes: number,
  rows: readonly number[],
  members: number,
  member: number,
): Tensor {
  const count = rows.length;
  const part = new Float32Array(count * classes);
  rows.forEach((row, i) => {
    const from = (row * members + member) * classes;
    part.set(logits.subarray(from, from + classes), i * classes);
  });
  return tensor('float32', [count, classes], part);
}
