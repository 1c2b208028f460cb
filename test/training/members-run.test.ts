// Several heads trained at once: each gives what a run of its own gives, with its own best epoch and its own end. The
// reference is trainingRun over one head.

import test from 'ava';
import { elements, floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import {
  adamw,
  crossEntropy,
  linear,
  membersLoss,
  mlp,
  sgd,
  stacked,
  type TrainHeadOptions,
} from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import {
  bootstrapOf,
  foldsOf,
  membersRun,
  trainingRun,
  type Checkpoint,
  type LabelledFeatures,
  type MemberEvent,
  type MembersRun,
  type TrainingResult,
  type WeighedFeatures,
} from '../../src/training/index.js';
import { artifactsOf, bitsOf, blobs, walked } from './heads.js';

const runtime = nodeRuntime();
const [width, classes, members] = [6, 3, 3];
const train = blobs(50, width, classes, 1, 1.5);
const validation = blobs(31, width, classes, 2, 1.5);

const weighed = (data: LabelledFeatures, weightOf: (row: number, member: number) => number): WeighedFeatures => ({
  ...data,
  weights: Float32Array.from({ length: data.count * members }, (_, i) =>
    weightOf(Math.floor(i / members), i % members),
  ),
});
const once = () => 1;

/** Graphs of heads together and alone, and a state of each member to begin with. */
function headsOf(hidden: readonly number[], optimizer = adamw()) {
  const common = { features: width, classes, optimizer };
  const alone = artifactsOf({
    ...common,
    head: hidden.length ? mlp({ hidden, dropout: 0 }) : linear,
    loss: crossEntropy(),
  } satisfies TrainHeadOptions);
  const { artifacts } = artifactsOf({
    ...common,
    head: stacked({ members, hidden, dropout: 0 }),
    loss: membersLoss(crossEntropy(), members),
  });
  const initialStates = Array.from({ length: members }, (_, member) => {
    const random = new Random(`member ${member}`);
    return new Map(
      [...alone.initialState].map(([name, value]): [string, Tensor] => [
        name,
        /\.(m|v|average)$/.test(name)
          ? value
          : tensor(
              'float32',
              value.shape,
              floats(value).map(() => 0.3 * random.normal()),
            ),
      ]),
    );
  });
  return { artifacts, alone: alone.artifacts, initialStates };
}

async function together(run: MembersRun): Promise<{ events: MemberEvent[]; results: readonly TrainingResult[] }> {
  const events: MemberEvent[] = [];
  for (;;) {
    const { done, value } = await run.next();
    if (done) return { events, results: value };
    events.push(value);
  }
}

const far = (one: ReadonlyMap<string, Tensor>, other: ReadonlyMap<string, Tensor>): number =>
  Math.max(
    ...[...one].flatMap(([name, value]) => {
      const second = floats(other.get(name)!);
      return Array.from(floats(value), (x, i) => Math.abs(x - second[i]!));
    }),
  );

for (const hidden of [[], [8], [8, 5]])
  test(`each member gives what its own run gives, and ends where that ends: hidden layers [${hidden}]`, async t => {
    const { artifacts, alone, initialStates } = headsOf(hidden);
    const how = { runtime, epochs: 25, rate: 0.02, batch: 16, patience: 3, seed: 5 };
    const run = membersRun({
      ...how,
      artifacts,
      initialStates,
      train: weighed(train, once),
      validation: weighed(validation, once),
    });
    const { events, results } = await together(run);
    for (const [member, initialState] of initialStates.entries()) {
      const own = await walked(trainingRun({ ...how, artifacts: alone, initialState, train, validation }));
      const told = events.filter(event => event.member === member).map(({ event }) => event);
      const kinds = (list: readonly { kind: string; epoch: number }[]) => list.map(at => `${at.kind} ${at.epoch}`);
      t.deepEqual(kinds(told), kinds(own.events));
      for (const [i, event] of told.entries()) {
        const other = own.events[i]!;
        if (event.kind !== 'epoch' || other.kind !== 'epoch') continue;
        t.true(Math.abs(event.trainLoss - other.trainLoss) < 1e-5);
        t.true(Math.abs(event.validation!.loss - other.validation!.loss) < 1e-5);
        t.true(Math.abs(event.validationOfLast!.loss - other.validationOfLast!.loss) < 1e-5);
        t.is(event.validation!.accuracy, other.validation!.accuracy);
        t.is(event.best!.epoch, other.best!.epoch);
      }
      const result = results[member]!;
      t.is(result.epoch, own.result.epoch);
      t.is(result.reason, own.result.reason);
      t.true(far(result.trained, own.result.trained) < 1e-5);
      t.true(far(result.last.state, own.result.last.state) < 1e-5);
      t.is(result.last.epoch, own.result.last.epoch);
    }
  });

test('members end by their own patience, at epochs of their own', async t => {
  const { artifacts, initialStates } = headsOf([8]);
  const { results } = await together(
    membersRun({
      runtime,
      artifacts,
      initialStates,
      train: weighed(train, once),
      validation: weighed(validation, once),
      epochs: 60,
      rate: 0.05,
      patience: 2,
    }),
  );
  t.true(new Set(results.map(({ last }) => last.epoch)).size > 1);
  t.true(results.every(({ reason, last, epoch }) => reason === 'flat' && last.epoch - epoch === 2));
});

test('folds and bootstraps as weights are the runs over those pictures', async t => {
  // One step an epoch, so that the steps of a run over fewer or more pictures are those of the weights.
  const { artifacts, alone, initialStates } = headsOf([], sgd({ momentum: 0.9 }));
  const random = new Random(3);
  const parts = foldsOf(train.labels, train.count, 2, random);
  const drawn = bootstrapOf(train.labels, train.count, random);
  const times = [
    Uint32Array.from({ length: train.count }, (_, row) => Number(!parts[0]!.has(row))),
    Uint32Array.from({ length: train.count }, (_, row) => Number(!parts[1]!.has(row))),
    drawn,
  ];
  const judged = foldsOf(validation.labels, validation.count, 3, random);
  const how = { runtime, epochs: 12, rate: 0.1, batch: 64, seed: 5 };
  const { results } = await together(
    membersRun({
      ...how,
      artifacts,
      initialStates,
      train: weighed(train, (row, member) => times[member]![row]!),
      validation: weighed(validation, (row, member) => Number(judged[member]!.has(row))),
    }),
  );
  for (const [member, initialState] of initialStates.entries()) {
    const rows = Array.from(times[member]!).flatMap((many, row) => new Array<number>(many).fill(row));
    const own = await walked(
      trainingRun({
        ...how,
        artifacts: alone,
        initialState,
        train: chosen(train, rows),
        validation: chosen(validation, [...judged[member]!]),
      }),
    );
    const result = results[member]!;
    t.is(result.epoch, own.result.epoch);
    t.true(far(result.trained, own.result.trained) < 1e-5);
    t.true(Math.abs(result.validation!.loss - own.result.validation!.loss) < 1e-5);
    t.is(result.validation!.accuracy, own.result.validation!.accuracy);
  }
});

function chosen({ features, labels }: LabelledFeatures, rows: readonly number[]): LabelledFeatures {
  const all = elements(labels) as BigInt64Array;
  const some = new Float32Array(rows.length * width);
  rows.forEach((from, to) => some.set(features.subarray(from * width, (from + 1) * width), to * width));
  const own = tensor(
    'int64',
    [rows.length],
    BigInt64Array.from(rows, row => all[row]!),
  );
  return { features: some, count: rows.length, width, labels: own };
}

test('members that are resumed, some of them ended, give the bytes of an unbroken run', async t => {
  const { artifacts, initialStates } = headsOf([8]);
  const options = {
    runtime,
    artifacts,
    initialStates,
    train: weighed(train, once),
    validation: weighed(validation, once),
    epochs: 60,
    rate: 0.05,
    patience: 2,
  };
  const whole = await together(membersRun(options));
  const ends = whole.results.map(({ last }) => last.epoch);
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  t.true(first + 1 < last);
  const stop = new AbortController();
  const newest = new Map<number, Checkpoint>();
  const run = membersRun({ ...options, checkpointEvery: 100, signal: stop.signal });
  for await (const { member, event } of run) {
    if (event.kind === 'checkpoint') newest.set(member, event.checkpoint);
    if (event.kind === 'epoch' && event.epoch === first + 1) stop.abort();
  }
  t.deepEqual([...newest.values()].map(({ epoch }) => epoch).sort(), ends.map(end => Math.min(end, first + 1)).sort());
  const resumeFrom = initialStates.map((_, member) => newest.get(member)!);
  const gone = await together(membersRun({ ...options, resumeFrom }));
  for (const [member, result] of gone.results.entries()) {
    t.deepEqual(bitsOf(result.trained), bitsOf(whole.results[member]!.trained));
    t.deepEqual(bitsOf(result.last.state), bitsOf(whole.results[member]!.last.state));
    t.is(result.reason, 'flat');
  }
  const ended = await together(membersRun({ ...options, resumeFrom: gone.results.map(({ last: at }) => at) }));
  t.deepEqual(ended.results.map(({ epoch }) => epoch), whole.results.map(({ epoch }) => epoch)); // prettier-ignore
  const other = { ...options, resumeFrom: [resumeFrom[1]!, resumeFrom[0]!, resumeFrom[2]!] };
  t.throws(() => membersRun(other), { code: 'TRAINING_OTHER_RUN', message: /member/ });
});

test('what cannot be trained is refused', async t => {
  const { artifacts, initialStates } = headsOf([]);
  const how = { runtime, artifacts, initialStates, epochs: 3, rate: 0.1, validation: weighed(validation, once) };
  const blind = weighed(train, (_, member) => Number(member !== 1));
  t.throws(() => membersRun({ ...how, train: blind }), { code: 'TRAINING_DATA', message: /member 2/ });
  const negative = weighed(train, () => -1);
  t.throws(() => membersRun({ ...how, train: negative }), { code: 'TRAINING_DATA' });
  const wild = { ...how, train: weighed(train, once), rate: 1e38, artifacts: headsOf([]).artifacts };
  await t.throwsAsync(together(membersRun(wild)), { code: 'TRAINING_DIVERGED' });
});

test('a bootstrap has as many pictures of each class as there are, and leaves a third out', t => {
  const labels = tensor(
    'int64',
    [900],
    BigInt64Array.from({ length: 900 }, (_, i) => BigInt(i < 600 ? 0 : i < 897 ? 1 : 2)),
  );
  const drawn = bootstrapOf(labels, 900, new Random(1));
  const sum = (from: number, to: number) => drawn.subarray(from, to).reduce((a, b) => a + b, 0);
  t.deepEqual([sum(0, 600), sum(600, 897), sum(897, 900)], [600, 297, 3]);
  // (1 − 1/n)^n → e⁻¹
  const out = drawn.filter(times => times === 0).length / 900;
  t.true(Math.abs(out - Math.exp(-1)) < 0.05, String(out));
  t.deepEqual(bootstrapOf(labels, 900, new Random(1)), drawn);
});
