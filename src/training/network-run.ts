// A training run over a network: rows of what its frozen part gave (or pictures) go through many steps in one run of a
// steps graph, a window at a time. Rows come from memory, from disk or fresh for each epoch; weights are judged by a
// network that has them inside, since onnxruntime is fastest with weights it knows.

import { floats, tensor, type Tensor } from '../base/index.js';
import type { DeviceTensor, Runtime, Session } from '../runtime/index.js';
import type { Checkpoint } from './checkpoint.js';
import { untilFlat } from './early-stopping.js';
import type { Window } from './epoch-plan.js';
import { errors } from './errors.js';
import type { TrainingRun } from './events.js';
import { figuresOf, type Figures } from './figures.js';
import { averagingOf, checkCounts, checkIdentity, checkRate, identityOf, planOf } from './run-plan.js';
import { oneCycle, type Schedule } from './schedules.js';
import { checkState, type StateLayout } from './state-layout.js';
import { walkEpochs, type Judge } from './walk-epochs.js';
import { disposeAll, nextOf, onDevice, rowsOf, type Walker } from './walkers.js';

/** What a network reads, one row a picture, with labels. */
export interface PictureRows {
  readonly count: number;
  /** Shape of a row, without the batch. */
  readonly shape: readonly number[];
  /** int64 [count], or float32 [count, classes]. */
  readonly labels: Tensor;
  /**
   * Rows in the order asked for, as a tensor [rows, …shape]; `epoch` is for rows that differ by it. The tensor is good
   * until the next rows are asked for.
   */
  read(rows: readonly number[], epoch: number): Promise<Tensor>;
}

/** Encoded graphs of a network's run. */
export interface NetworkArtifacts extends StateLayout {
  /** The name of what the network reads. */
  readonly input: string;
  /** Many steps in one run, for steps of so many pictures. */
  steps(batch: number): Uint8Array;
  /** Rows and labels to `loss` and `logits`, with these weights inside. */
  evaluation(weights: ReadonlyMap<string, Tensor>): Uint8Array;
}

export interface NetworkRunOptions {
  readonly runtime: Runtime;
  readonly artifacts: NetworkArtifacts;
  /** `P`, `P.m`, `P.average` …, statistics; float32. Not read where the run is resumed. */
  readonly initialState: ReadonlyMap<string, Tensor>;
  readonly train: PictureRows;
  /** Chooses the best epoch, by its loss at the best temperature; without, the last one is given. */
  readonly validation?: PictureRows;
  /** What `initialState` is worth on `validation`: no epoch is given that is worse. @default the first epoch is better */
  readonly initial?: Figures;
  /** Sees the logits of the validation pictures, [n, K] row by row, each time they are judged, before the event tells it. */
  readonly onJudged?: (logits: Float32Array) => void;
  readonly epochs: number;
  /** Learning rate at the peak of the schedule. */
  readonly rate: number;
  /** Most pictures in a step. @default 16 */
  readonly batch?: number;
  /** @default oneCycle() */
  readonly schedule?: Schedule;
  /** Half-life of the Polyak average in epochs. @default 1 */
  readonly halfLife?: number;
  /** Epochs without a better one after which the run ends; 0: all epochs are run. @default 0 */
  readonly patience?: number;
  /** Epochs after which the weights go into an average of equal parts (SWA). @default none */
  readonly averageAfter?: readonly number[];
  /** Makes that average one that can be judged, where statistics are to be estimated anew. */
  readonly settle?: (weights: ReadonlyMap<string, Tensor>) => Promise<ReadonlyMap<string, Tensor>>;
  /** Most steps between two looks at progress and signal. @default 8 */
  readonly stepsAtOnce?: number;
  /** @default 0 */
  readonly seed?: number;
  /** Ends the run after the window in hand; what is left of the epoch is done anew where the run is resumed. */
  readonly signal?: AbortSignal;
  readonly resumeFrom?: Checkpoint;
  /** What is wrong with steps whose loss is not finite: the layer where it begins. */
  readonly diagnose?: (weights: ReadonlyMap<string, Tensor>, rows: Tensor) => Promise<string>;
}

const defaults = { batch: 16, halfLife: 1, patience: 0, stepsAtOnce: 8, seed: 0 } as const;
type Resolved = NetworkRunOptions & Required<Pick<NetworkRunOptions, keyof typeof defaults | 'schedule'>>;

/** Pictures that are judged at a time. */
const judgedAtOnce = 32;

/**
 * Trains a network. Nothing happens before the first event is asked for.
 *
 * @throws `TRAINING_OPTION`, `TRAINING_DATA`, `TRAINING_STATE`, `TRAINING_OTHER_RUN` at once; while it goes
 *   `TRAINING_NOT_FINITE`, `TRAINING_DIVERGED` and the runtime's own
 * @example
 * const run = networkRun({ runtime, artifacts, initialState, train, validation, epochs: 5, rate: 1e-4 });
 * const { trained } = await finish(run, event => console.error(event));
 */
export function networkRun(options: NetworkRunOptions): TrainingRun {
  const resolved: Resolved = { ...defaults, schedule: oneCycle(), ...options };
  const { epochs, batch, stepsAtOnce, rate, train, validation, resumeFrom, artifacts, runtime, patience, diagnose } =
    resolved;
  checkCounts({ epochs, batch, stepsAtOnce });
  checkRate(rate);
  checkRows('train', train);
  if (validation) checkRows('validation', validation);
  const plan = { ...planOf(resolved), mostSteps: stepsAtOnce };
  const identity = identityOf(resolved, plan);
  if (resumeFrom) checkIdentity(identity, resumeFrom);
  checkState(artifacts, resumeFrom?.state ?? options.initialState);
  const run = walkEpochs({
    runtime,
    layout: artifacts,
    plan,
    epochs,
    checkpointEvery: 1,
    identity,
    from: resumeFrom ?? { epoch: 0, state: options.initialState },
    isResumed: resumeFrom !== undefined,
    signal: resolved.signal,
    openWalker: () => Promise.resolve(windowWalker(resolved)),
    openJudge: validation && (() => Promise.resolve(judgeBy(resolved, validation))),
    ...(resolved.initial ? { initial: resolved.initial } : {}),
    averaging: averagingOf(resolved),
    hasLongWindows: true,
    ...(diagnose
      ? { diagnose: async (state, window, epoch) => diagnose(state, await train.read(rowsIn(window), epoch)) }
      : {}),
  });
  return patience > 0 && validation ? untilFlat(patience, run) : run;
}

function checkRows(what: string, { count, shape, labels }: PictureRows): void {
  if (count < 1 || shape.some(dim => dim < 1)) throw errors.DATA({ what, found: 'no picture', wanted: 'one at least' });
  if (labels.shape[0] !== count)
    throw errors.DATA({ what: `labels of ${what}`, found: `[${labels.shape.join(',')}]`, wanted: `${count} of them` });
}

const rowsIn = ({ order }: Window): number[] => Array.from(order, Number);

/** A window is one run; each size of step has a graph of its own, opened when it is met. */
function windowWalker({ runtime, artifacts, train }: Resolved): Walker {
  const sessions = new Map<number, Session>();
  const sessionOf = async (batch: number) => {
    const session = sessions.get(batch) ?? (await runtime.open(artifacts.steps(batch)));
    sessions.set(batch, session);
    return session;
  };
  return {
    async walk(state, window, epoch) {
      const { steps, batch, rate, step, averaging, masks } = window;
      const session = await sessionOf(batch);
      const rows = rowsIn(window);
      // the rows of the window come in their order, so each step takes the next ones
      const order = BigInt64Array.from(rows, (_, i) => BigInt(i));
      const feeds = new Map<string, Tensor>([
        [artifacts.input, await train.read(rows, epoch)],
        ['labels', rowsOf(train.labels, rows)],
        ['order', tensor('int64', [steps, batch], order)],
        ['rate', tensor('float32', [steps], rate)],
        ['step', tensor('float32', [steps], step)],
        ['averaging', tensor('float32', [steps], averaging)],
      ]);
      for (const [name, mask] of masks)
        feeds.set(name, tensor('float32', [steps, batch, mask.length / (steps * batch)], mask));
      const fed = onDevice(runtime, feeds);
      const results = await session.run(new Map([...state, ...fed]), session.outputs);
      disposeAll(fed);
      const losses = results.get('losses')!;
      const read = new Float32Array((await losses.read()).bytes.slice().buffer);
      losses.dispose();
      return { next: nextOf(results), losses: read };
    },
    async close() {
      for (const session of sessions.values()) await session.close();
    },
  };
}

/** Judges by the network with the weights inside, some pictures at a time. */
function judgeBy({ runtime, artifacts, onJudged }: Resolved, validation: PictureRows): Judge {
  return {
    judgesLast: false,
    async figures(parameters) {
      const weights = new Map<string, Tensor>();
      for (const [name, value] of parameters) weights.set(name, await value.read());
      const session = await runtime.open(artifacts.evaluation(weights));
      try {
        const { logits, ...figures } = await judged(runtime, session, artifacts.input, validation);
        onJudged?.(logits);
        return figures;
      } finally {
        await session.close();
      }
    },
    close: () => Promise.resolve(),
  };
}

/** Mean loss, share of pictures that are right, and the logits that say so. */
async function judged(
  runtime: Runtime,
  session: Session,
  input: string,
  { count, labels, read }: PictureRows,
): Promise<Figures & { readonly logits: Float32Array }> {
  let loss = 0;
  let logits = new Float32Array(0);
  for (let from = 0; from < count; from += judgedAtOnce) {
    const rows = Array.from({ length: Math.min(judgedAtOnce, count - from) }, (_, i) => from + i);
    const fed = new Map<string, DeviceTensor>([
      [input, runtime.tensor(await read(rows, 0))],
      ['labels', runtime.tensor(rowsOf(labels, rows))],
    ]);
    const results = await session.run(fed, ['loss', 'logits']);
    const [mean] = new Float32Array((await results.get('loss')!.read()).bytes.slice().buffer);
    loss += mean! * rows.length;
    const some = floats(await results.get('logits')!.read());
    const classes = some.length / rows.length;
    if (from === 0) logits = new Float32Array(count * classes);
    logits.set(some, from * classes);
    for (const value of [...fed.values(), ...results.values()]) value.dispose();
  }
  return { ...figuresOf(logits, labels, loss / count), logits };
}
