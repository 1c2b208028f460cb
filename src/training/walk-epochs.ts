// The training loop. An epoch is a run or two of the epoch graph; between epochs weights are measured, events told and
// stop wishes heard. State stays on the device and is released when it is replaced.

import type { Tensor } from '../base/index.js';
import type { DeviceTensor, Runtime } from '../runtime/index.js';
import type { Checkpoint } from './checkpoint.js';
import { stepsPerEpoch, windowsOf, type Plan, type Window } from './epoch-plan.js';
import { errors } from './errors.js';
import type { Answer, AveragedWeights, StopReason, TrainingRun } from './events.js';
import { chosenBy, type Figures } from './figures.js';
import { meanWith, roundedMean } from './running-mean.js';
import { averages, trainedNames, type StateLayout } from './state-layout.js';
import { disposeAll, onDevice, readAll, type DeviceState, type Walker } from './walkers.js';

/** A run whose options are settled. */
export interface Settled {
  readonly runtime: Runtime;
  readonly layout: StateLayout;
  readonly plan: Plan;
  readonly epochs: number;
  readonly checkpointEvery: number;
  /** Goes into checkpoints. */
  readonly identity: ReadonlyMap<string, string>;
  readonly from: Pick<Checkpoint, 'epoch' | 'state' | 'best' | 'swa'>;
  readonly isResumed: boolean;
  readonly signal: AbortSignal | undefined;
  readonly openWalker: () => Promise<Walker>;
  /** What tells how much weights are worth; without, the last ones are given. */
  readonly openJudge: (() => Promise<Judge>) | undefined;
  /** What the weights in `from` are worth; where no epoch is done, they are the best until one is better. */
  readonly initial?: Figures;
  /** Averages weights at the ends of epochs. */
  readonly averaging: Averaging | undefined;
  /** Whether windows are long: each is told, and a wish to stop is heard between them. */
  readonly hasLongWindows: boolean;
  /** What is wrong with a window whose loss is not finite, as far as it can be told. */
  readonly diagnose?: (state: ReadonlyMap<string, Tensor>, window: Window, epoch: number) => Promise<string>;
}

/** Stochastic weight averaging. */
export interface Averaging {
  /** Epochs after which the weights, as they are after the last step, go into the average. */
  readonly epochs: readonly number[];
  /** Makes the average one that can be judged: statistics that no network had are estimated anew. */
  readonly settle?: (weights: ReadonlyMap<string, Tensor>) => Promise<ReadonlyMap<string, Tensor>>;
}

/** Tells how much weights are worth. */
export interface Judge {
  /** Of the weights given, under the names of the parameters. */
  figures(parameters: ReadonlyMap<string, DeviceTensor>): Promise<Figures>;
  /** Whether the weights after the last step are judged beside their average. */
  readonly judgesLast: boolean;
  close(): Promise<void>;
}

/** Walks the epochs of a run. */
export async function* walkEpochs(run: Settled): TrainingRun {
  const { runtime, layout, plan, epochs, identity } = run;
  const perEpoch = stepsPerEpoch(plan);
  const names = trainedNames(layout);
  const rawNames = new Map([...names.keys()].map(name => [name, name]));
  let { epoch, best, swa } = run.from;
  let stop: StopReason | undefined;
  let saved: Checkpoint | undefined;
  const hear = (answer: Answer) => (stop ??= answer ?? undefined);
  const untilNow = () => (best ? { best: { epoch: best.epoch, loss: chosenBy(best.validation) } } : {});

  if (run.isResumed) hear(yield { kind: 'resumed', epoch, ...untilNow() });
  const closing: (() => unknown)[] = [];
  try {
    let state = onDevice(runtime, partsOf(layout, run.from.state));
    closing.push(() => disposeAll(state));
    const walker = await run.openWalker();
    closing.push(() => walker.close());
    const judge = await run.openJudge?.();
    closing.push(() => judge?.close());
    const worth = (at: ReadonlyMap<string, string>) => judge?.figures(chosen(state, at));
    if (run.initial && epoch === 0 && !best) {
      best = { epoch, validation: run.initial, trained: await readAll(chosen(state, names)) };
      hear(yield { kind: 'initial', epoch: 0, validation: run.initial });
    }

    while (epoch < epochs && !hear(run.signal?.aborted ? 'asked' : undefined)) {
      epoch++;
      let sum = 0;
      let brokenOff = false;
      for (const window of windowsOf(plan, epoch)) {
        const { next, losses } = await walker.walk(state, window, epoch);
        const bad = losses.findIndex(loss => !Number.isFinite(loss));
        if (bad >= 0 && run.diagnose) await lost(window, losses[bad]!);
        disposeAll(state);
        state = next;
        for (const loss of losses) sum += loss * window.batch;
        if (!run.hasLongWindows) continue;
        const step = window.step.at(-1)!;
        const rate = window.rate.at(-1)!;
        hear(yield { kind: 'steps', epoch, step, of: epochs * perEpoch, rate, loss: losses.at(-1)! });
        await turn();
        brokenOff = hear(run.signal?.aborted ? 'asked' : undefined) === 'asked' && step < epoch * perEpoch;
        if (brokenOff) break;
      }
      if (brokenOff) {
        // What is left of the epoch would be drawn again: the run ends where the epoch began.
        epoch--;
        break;
      }
      const trainLoss = finite(epoch, sum / plan.count);
      const validation = await worth(names);
      const ofLast = averages(layout) && judge?.judgesLast ? await worth(rawNames) : undefined;
      if (validation) finite(epoch, validation.loss);
      const isBest =
        validation !== undefined && !(chosenBy(validation) >= (best ? chosenBy(best.validation) : Infinity));
      if (isBest) best = { epoch, validation, trained: await readAll(chosen(state, names)) };
      if (run.averaging?.epochs.includes(epoch)) swa = meanWith(swa, await readAll(chosen(state, rawNames)));
      const step = epoch * perEpoch;
      hear(
        yield {
          kind: 'epoch',
          epoch,
          step,
          rate: plan.rateAt(step),
          trainLoss,
          ...(validation ? { validation } : {}),
          ...(ofLast ? { validationOfLast: ofLast } : {}),
          ...untilNow(),
        },
      );
      if (isBest) hear(yield { kind: 'best', epoch, validation });
      // Engines that run on this thread let nobody else speak in between: a signal needs a turn of the event loop.
      await turn();
      hear(run.signal?.aborted ? 'asked' : undefined);
      if (stop || epoch === epochs || epoch % run.checkpointEvery === 0) {
        saved = await checkpoint();
        hear(yield { kind: 'checkpoint', epoch, checkpoint: saved });
      }
    }
    const reason = epoch < epochs && stop ? stop : 'finished';
    if (reason !== 'finished') yield { kind: 'stopped', epoch, reason };
    const averaged = epoch === epochs && run.averaging ? await average(run.averaging) : undefined;
    if (averaged) yield { kind: 'swa', epoch, ...figuresOf(averaged), count: averaged.count };
    const last = saved?.epoch === epoch ? saved : stop && epoch === run.from.epoch ? begun() : await checkpoint();
    const rest = { ...(averaged ? { swa: averaged } : {}), reason, last } as const;
    if (best) return { trained: best.trained, epoch: best.epoch, validation: best.validation, ...rest };
    return { trained: await readAll(chosen(state, names)), epoch, ...rest };

    async function average({ settle }: Averaging): Promise<AveragedWeights | undefined> {
      if (!swa) return undefined;
      const mean = roundedMean(swa);
      const weights = (await settle?.(mean)) ?? mean;
      const given = onDevice(runtime, weights);
      const validation = await judge?.figures(given).finally(() => disposeAll(given));
      return { count: swa.count, weights, ...(validation ? { validation } : {}) };
    }

    /** The window whose loss is not finite, told as well as may be; the last checkpoint stays. */
    async function lost(window: Window, found: number): Promise<never> {
      const layer = await run.diagnose!(await readAll(state), window, epoch);
      throw errors.NOT_FINITE({ epoch, step: window.step[0]!, found, layer });
    }
    function begun(): Checkpoint {
      const { best: first, swa: mean } = run.from;
      const more = { ...(first ? { best: first } : {}), ...(mean ? { swa: mean } : {}) };
      return { epoch, step: epoch * perEpoch, state: run.from.state, ...more, run: identity };
    }
    async function checkpoint(): Promise<Checkpoint> {
      const all = await readAll(state);
      const more = { ...(best ? { best } : {}), ...(swa ? { swa } : {}) };
      return { epoch, step: epoch * perEpoch, state: all, ...more, run: identity };
    }
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

const figuresOf = ({ validation }: AveragedWeights) => (validation ? { validation } : {});

/** The parts of a state that the graphs know. */
function partsOf(layout: StateLayout, state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const { parameters, slots, statistics = [] } = layout;
  const names = parameters.flatMap(({ name }) => [name, ...slots.map(slot => `${name}.${slot}`)]);
  for (const { name } of statistics) names.push(name);
  return new Map(names.map(name => [name, state.get(name)!]));
}

/** Parts of a state under the names of the parameters. */
function chosen(state: DeviceState, names: ReadonlyMap<string, string>): Map<string, DeviceTensor> {
  return new Map([...names].map(([name, part]) => [name, state.get(part)!]));
}

function finite(epoch: number, found: number): number {
  if (!Number.isFinite(found)) throw errors.DIVERGED({ epoch, found });
  return found;
}

const turn = () => new Promise<void>(resolve => setTimeout(resolve, 0));
