// A training run of several heads in one graph (artifacts' stacked heads). They share the batches and their order, the
// rate and what is carried through the loop; weights, dropout masks, the weight of each picture, the best epoch and the
// end by patience are each member's own. Every member tells what a run of its own would: its epochs, its checkpoints
// with its state alone. The loop is that of one head, with the members end to end and a judge that judges each.

import type { Tensor } from '../base/index.js';
import type { Best, Checkpoint } from './checkpoint.js';
import { hasEnded } from './early-stopping.js';
import { errors } from './errors.js';
import { abandon, type Answer, type StopReason, type TrainingEvent, type TrainingResult } from './events.js';
import { chosenBy } from './figures.js';
import { checkLabelled } from './labelled-features.js';
import { memberState, stackedState } from './member-state.js';
import { judgeMembers, walkMembers, type MembersData, type WeighedFeatures } from './member-walkers.js';
import { checkCounts, checkIdentity, checkRate, identityOf, planOf } from './run-plan.js';
import { oneCycle, type Schedule } from './schedules.js';
import { checkState } from './state-layout.js';
import { walkEpochs } from './walk-epochs.js';
import { readAll } from './walkers.js';

export interface MembersRunOptions extends MembersData {
  /** The state of each member before the first step; not read where the run is resumed. */
  readonly initialStates: readonly ReadonlyMap<string, Tensor>[];
  readonly epochs: number;
  /** Learning rate at the peak of the schedule. */
  readonly rate: number;
  /** Most pictures in a step, those of weight 0 among them. @default 32 */
  readonly batch?: number;
  /** @default oneCycle() */
  readonly schedule?: Schedule;
  /** Half-life of the Polyak average in epochs. @default 1 */
  readonly halfLife?: number;
  /** Epochs without a better one after which a member ends; 0: all epochs are run. @default 0 */
  readonly patience?: number;
  /** Epochs from checkpoint to checkpoint; there is always one at a member's end. @default 1 */
  readonly checkpointEvery?: number;
  /** @default 0 */
  readonly seed?: number;
  /** Ends the run after the epoch in hand. */
  readonly signal?: AbortSignal;
  /** A checkpoint of each member: those that have not ended by patience all of one epoch. */
  readonly resumeFrom?: readonly Checkpoint[];
}

/** What a member's own run would tell. */
export interface MemberEvent {
  /** From 0. */
  readonly member: number;
  readonly event: TrainingEvent;
}

/** A run of several; it gives what each member's own run would. */
export type MembersRun = AsyncGenerator<MemberEvent, readonly TrainingResult[], Answer>;

const defaults = { batch: 32, halfLife: 1, patience: 0, checkpointEvery: 1, seed: 0 } as const;

/** A member that has not ended yet. */
interface Active {
  readonly member: number;
  best: Best | undefined;
  /** The newest checkpoint that was told. */
  last: Checkpoint;
}

/**
 * Trains several heads at once. Nothing happens before the first event is asked for.
 *
 * @throws `TRAINING_OPTION`, `TRAINING_DATA`, `TRAINING_STATE`, `TRAINING_OTHER_RUN` at once; while it goes
 *   `TRAINING_DIVERGED`, where any member that has not ended does, and the runtime's own
 * @example
 * const run = membersRun({ runtime, artifacts, initialStates, train, validation, epochs: 30, rate: 1e-3 });
 */
export function membersRun(options: MembersRunOptions): MembersRun {
  const resolved = { ...defaults, schedule: oneCycle(), ...options };
  const { epochs, batch, checkpointEvery, patience, rate, artifacts, initialStates, resumeFrom, train } = resolved;
  const members = initialStates.length;
  checkCounts({ epochs, batch, checkpointEvery, members });
  if (!Number.isSafeInteger(patience) || patience < 0)
    throw errors.OPTION({ option: 'patience', found: patience, wanted: 'a whole number from 0' });
  checkRate(rate);
  checkWeighed('train', train, members);
  checkWeighed('validation', resolved.validation, members);
  // logits of all members are held until their losses are made
  const plan = planOf({ ...resolved, artifacts: { ...artifacts, classes: members * artifacts.classes } });
  const identities = initialStates.map(
    (_, member) => new Map([...identityOf(resolved, plan), ['members', String(members)], ['member', String(member)]]),
  );
  resumeFrom?.forEach((checkpoint, member) => checkIdentity(identities[member]!, checkpoint));
  const begun = initialStates.map((state, member): Checkpoint => ({
    epoch: 0,
    step: 0,
    state,
    run: identities[member]!,
  }));
  const from = resumeFrom ?? begun;
  const state = stackedState(from.map(checkpoint => checkpoint.state));
  checkState(artifacts, state);

  const active = new Set(from.map((last, member): Active => ({ member, best: last.best, last })));
  const results = new Map<number, TrainingResult>();
  return walk();

  async function* walk(): MembersRun {
    for (const one of active) {
      const { member, best, last } = one;
      if (resumeFrom) {
        const untilNow = best ? { best: { epoch: best.epoch, loss: chosenBy(best.validation) } } : {};
        yield { member, event: { kind: 'resumed', epoch: last.epoch, ...untilNow } };
      }
      if (hasEnded(last, patience)) end(one, 'flat');
    }
    const at = [...active].map(({ last }) => last.epoch);
    if (new Set(at).size > 1)
      throw errors.CHECKPOINT({ reason: `members go on from different epochs: ${at.join(', ')}` });
    if (active.size === 0) return inOrder();
    const judge = judgeMembers(resolved, members, active);
    const walker = walkMembers(resolved, members, active);
    const { epoch } = [...active][0]!.last;
    let now = epoch;
    const run = walkEpochs({
      runtime: resolved.runtime,
      layout: artifacts,
      plan,
      epochs,
      // read after each epoch was told: a member that ends there needs its state, others do not
      get checkpointEvery() {
        return [...active].some(({ best }) => hasEnded({ epoch: now, best }, patience)) ? 1 : checkpointEvery;
      },
      identity: new Map(),
      from: { epoch, state },
      isResumed: false,
      signal: resolved.signal,
      openWalker: walker.open,
      openJudge: judge.open,
      averaging: undefined,
      hasLongWindows: false,
    });
    let answer: StopReason | undefined;
    let newest: Checkpoint | undefined;
    let ended = false;
    try {
      for (;;) {
        const { done, value } = await run.next(answer);
        if (done) {
          ended = true;
          for (const one of active) end(one, value.reason);
          return inOrder();
        }
        if (value.kind === 'epoch') answer = (yield* epochOver(value)) ?? undefined;
        else if (value.kind === 'checkpoint') {
          newest = value.checkpoint;
          answer = (yield* saved(newest)) ?? undefined;
        } else if (value.kind === 'stopped' && value.reason === 'asked')
          for (const { member } of [...active]) yield { member, event: value };
        if (active.size === 0) answer = 'flat';
      }
    } finally {
      if (!ended) await abandon(run);
    }

    /** Tells each member's figures, and which are its best. */
    async function* epochOver(
      told: TrainingEvent & { readonly kind: 'epoch' },
    ): AsyncGenerator<MemberEvent, Answer, Answer> {
      const [ofTrained, ofLast] = judge.told.splice(0);
      const { epoch: number } = told;
      now = number;
      const trainLosses = walker.losses.splice(0).map(sum => sum / train.count);
      let asked: Answer;
      let trained: Map<string, Tensor> | undefined;
      for (const one of active) {
        const { member } = one;
        const validation = ofTrained!.figures[member]!;
        const isBest = !(chosenBy(validation) >= (one.best ? chosenBy(one.best.validation) : Infinity));
        if (isBest) {
          trained ??= await readAll(ofTrained!.parameters);
          one.best = { epoch: number, validation, trained: memberState(trained, members, member) };
        }
        const best = one.best!;
        asked ??= yield {
          member,
          event: {
            ...told,
            trainLoss: trainLosses[member]!,
            validation,
            ...(ofLast ? { validationOfLast: ofLast.figures[member]! } : {}),
            best: { epoch: best.epoch, loss: chosenBy(best.validation) },
          },
        };
        if (isBest) asked ??= yield { member, event: { kind: 'best', epoch: number, validation } };
      }
      return asked;
    }

    /** Tells the checkpoints that are due, and the members that end. */
    async function* saved({
      epoch: number,
      step,
      state: all,
    }: Checkpoint): AsyncGenerator<MemberEvent, Answer, Answer> {
      const isDue = number === epochs || number % checkpointEvery === 0 || answer !== undefined || isAsked();
      let asked: Answer;
      for (const one of [...active]) {
        const { member, best } = one;
        const isFlat = hasEnded({ epoch: number, best }, patience);
        if (!isDue && !isFlat) continue;
        const own = { epoch: number, step, state: memberState(all, members, member), run: identities[member]! };
        one.last = { ...own, ...(best ? { best } : {}) };
        asked ??= yield { member, event: { kind: 'checkpoint', epoch: number, checkpoint: one.last } };
        if (!isFlat) continue;
        if (number < epochs) asked ??= yield { member, event: { kind: 'stopped', epoch: number, reason: 'flat' } };
        end(one, number < epochs ? 'flat' : 'finished');
      }
      return asked;
    }
  }

  function isAsked(): boolean {
    return resolved.signal?.aborted ?? false;
  }

  function end(one: Active, reason: TrainingResult['reason']): void {
    const { member, best, last } = one;
    active.delete(one);
    const { epoch, validation, trained } = best ?? { epoch: last.epoch, validation: undefined, trained: last.state };
    const told = validation ? { validation } : {};
    results.set(member, { trained, epoch, ...told, reason: last.epoch < epochs ? reason : 'finished', last });
  }

  function inOrder(): readonly TrainingResult[] {
    return initialStates.map((_, member) => results.get(member)!);
  }
}

/** Refuses weights that are none, and members that see no picture. */
function checkWeighed(what: string, data: WeighedFeatures, members: number): void {
  checkLabelled(what, data);
  const { weights, count } = data;
  if (weights.length !== count * members || weights.some(weight => !(weight >= 0 && Number.isFinite(weight))))
    throw errors.DATA({
      what: `weights of ${what}`,
      found: `${weights.length} numbers`,
      wanted: `${count} × ${members}, from 0`,
    });
  for (let member = 0; member < members; member++)
    if (!Array.from({ length: count }, (_, row) => weights[row * members + member]!).some(weight => weight > 0))
      throw errors.DATA({ what: `${what} of member ${member + 1}`, found: 'no picture', wanted: 'one at least' });
}
