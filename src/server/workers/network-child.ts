// The process that runs a network: opens it, tries it, then answers one question after another. It is killed where a run
// takes too long, and ends when the server does.

import { errorData, GraftError, nodeRuntime, openServable, type Servable } from '../../serving.js';
import { errors as requestErrors } from '../errors.js';
import type { Channel } from './channel.js';
import type { NetworkFacts, OpenTask } from './description.js';
import { errors } from './errors.js';
import { kinds, type Frame } from './frame.js';
import { heatOf, type HeatSource } from './heat-source.js';
import { answerAll } from './in-child.js';
import { isEmpty, openRunner, type Runner } from './runner.js';
import { signatureOf } from './signature.js';
import { firstRow, provenBatches, timeOf } from './warm-up.js';
import { withoutPaths } from './without-paths.js';

interface Opened {
  readonly servable: Servable;
  readonly runners: readonly Runner[];
  readonly heat: HeatSource;
}

let opened: Opened | undefined;
answerAll(async (frame, channel) => {
  try {
    if (frame.kind === kinds.open) await open(JSON.parse(frame.text!) as OpenTask, frame.id, channel);
    else if (frame.kind === kinds.run) await run(frame, channel);
    else if (frame.kind === kinds.explain) await explain(frame, channel);
  } catch (error) {
    channel.send({ kind: kinds.failed, id: frame.id, text: JSON.stringify(dataOf(error, frame.kind), plainly) });
  }
});

/** Details of errors may hold integers of 64 bits. */
const plainly = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** Anything but our own errors is a fault of the network's run or of ours: told without paths. */
function dataOf(error: unknown, kind: number) {
  if (error instanceof GraftError && error.code !== 'RUNTIME_RUN_FAILED') return errorData(error);
  // the log has what the answer leaves out
  console.error(error instanceof GraftError ? error.message : error);
  const text = withoutPaths(error instanceof Error ? error.message : String(error));
  if (kind === kinds.open) return errorData(requestErrors.MODEL_INVALID({ reason: text }));
  return errorData(requestErrors.RUN_FAILED({ reason: `the network failed on this input: ${text}` }));
}

async function open(
  { path, sha256, threads, trial, rungs: isDeadlined }: OpenTask,
  id: number,
  channel: Channel,
): Promise<void> {
  const servable = await openServable(path, { rungs: isDeadlined });
  if (sha256 !== undefined && servable.sha256 !== sha256)
    throw errors.CHANGED({ found: servable.sha256, wanted: sha256 });
  const inputs = servable.inputs.map(signatureOf);
  const outputs = servable.outputs.map(signatureOf);
  const runtime = nodeRuntime('cpu', { threads });
  const runners: Runner[] = [];
  for (const { model } of [servable, ...servable.rungs]) runners.push(await openRunner(runtime, model, outputs));
  opened = { servable, runners, heat: heatOf(servable, runtime) };
  channel.send({ kind: kinds.opened, id });
  const row = trial === 'none' ? undefined : await firstRow(runners, inputs);
  const isTried = row !== undefined && trial === 'rows';
  const canBatch = isTried && servable.mayBatch && (await provenBatches(runners[0]!, row));
  const milliseconds: number[] = [];
  if (isTried && runners.length > 1) for (const runner of runners) milliseconds.push(await timeOf(runner, row));
  const facts: NetworkFacts = {
    sha256: servable.sha256,
    ...(servable.manifest ? { manifest: servable.manifest } : {}),
    inputs,
    outputs,
    canBatch,
    ...(milliseconds.length > 0 ? { rungs: waysOf(servable, milliseconds) } : {}),
    explains: servable.manifest !== undefined,
  };
  channel.send({ kind: kinds.ready, id, text: JSON.stringify(facts) });
}

/** All ways to answer, the whole first. */
function waysOf({ manifest, rungs }: Servable, milliseconds: readonly number[]): NonNullable<NetworkFacts['rungs']> {
  const whole = manifest!.ensemble!.members.map(({ name }) => name);
  const ways = [whole, ...rungs.map(({ members }) => members)];
  return ways.map((members, i) => ({
    members,
    weights: members.map(() => 1 / members.length),
    milliseconds: milliseconds[i]!,
  }));
}

async function run({ id, rung = 0, text, tensors = new Map() }: Frame, channel: Channel): Promise<void> {
  if (!opened) throw requestErrors.RUN_FAILED({ reason: 'the network is not open' });
  const runner = opened.runners[rung] ?? opened.runners[0]!;
  const wanted = text ? text.split('\0') : undefined;
  const { outputs, numbers } = isEmpty(tensors, runner)
    ? runner.empty(tensors, wanted)
    : await runner.run(tensors, wanted);
  channel.send({ kind: kinds.answer, id, numbers, tensors: outputs });
}

async function explain({ id, numbers = [], tensors }: Frame, channel: Channel): Promise<void> {
  if (!opened) throw requestErrors.RUN_FAILED({ reason: 'the network is not open' });
  const { height, width, rows, columns, values } = await opened.heat(tensors!.get('pixels')!.data, numbers[0]!);
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  channel.send({
    kind: kinds.answer,
    id,
    numbers: [rows.start, rows.step, columns.start, columns.step],
    tensors: new Map([['heat', { datatype: 'FP32', shape: [height, width], data }]]),
  });
}
