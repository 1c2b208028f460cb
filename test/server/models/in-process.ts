// Repositories for tests: networks that run in this process, what is told kept in lists.

import { openServable } from '../../../src/serving.js';
import { nodeRuntime } from '../../../src/runtime/node.js';
import { defaultLimits } from '../../../src/server/limits.js';
import { factsOf } from '../../../src/server/models/facts.js';
import type { OpenedModel, OpenRequest } from '../../../src/server/models/opened-model.js';
import { openRepository, type RepositoryOptions } from '../../../src/server/models/repository.js';
import type { ModelStatistics, ServedModel, Telemetry } from '../../../src/server/served.js';
import { datatypeOf, datatypes, type Signature, type WireTensor } from '../../../src/server/tensors.js';

const nothing = { count: 0, ns: 0 };

/** Opens as the server does, but in this process; `alive` counts what is open. */
export function inProcess() {
  const runtime = nodeRuntime('cpu', { threads: 1 });
  const told = { alive: 0, mostAlive: 0, opened: [] as string[], requests: [] as OpenRequest[] };
  const open = async (request: OpenRequest): Promise<OpenedModel> => {
    const { name, version, path, settings, config } = request;
    const { model, mayBatch, ...servable } = await openServable(path);
    const signatures = (values: typeof servable.inputs): Signature[] =>
      values.map(({ name: of, type, shape }) => ({ name: of, datatype: datatypeOf(type)!, shape }));
    const network = { sha256: servable.sha256, ...(servable.manifest ? { manifest: servable.manifest } : {}), inputs: signatures(servable.inputs), outputs: signatures(servable.outputs), canBatch: mayBatch, explains: false }; // prettier-ignore
    const facts = factsOf(network, { name, version, maxBatch: settings.maxBatch, config });
    const session = await runtime.open(model);
    told.alive++;
    told.mostAlive = Math.max(told.mostAlive, told.alive);
    told.opened.push(`${name}/${version}`);
    told.requests.push(request);
    let isOpen = true;
    let runs = 0;
    return {
      facts,
      get state() {
        return { isReady: isOpen, reason: isOpen ? '' : 'closed' };
      },
      get statistics(): ModelStatistics {
        const success = { count: runs, ns: runs };
        return { last_inference: runs, inference_count: runs, execution_count: runs, inference_stats: { success, fail: nothing, queue: nothing, compute_input: nothing, compute_infer: nothing, compute_output: nothing }, batch_stats: runs > 0 ? [{ batch_size: 1, compute_input: nothing, compute_infer: success, compute_output: nothing }] : [], memory_usage: [] }; // prettier-ignore
      },
      run: async ({ inputs, outputs = facts.outputs.map(one => one.name) }) => {
        if (!isOpen) throw new Error('it was closed while it was asked');
        const feeds = [...inputs].map(([key, { datatype, shape, data }]) => [key, runtime.tensor({ type: datatypes[datatype].type, shape, bytes: data.slice() })] as const); // prettier-ignore
        const given = await session.run(new Map(feeds), outputs);
        runs++;
        const answers = new Map<string, WireTensor>();
        for (const key of outputs) {
          const { type, shape, bytes } = await given.get(key)!.read();
          answers.set(key, { datatype: datatypeOf(type)!, shape, data: bytes });
        }
        return { outputs: answers };
      },
      refused: () => undefined,
      close: async () => {
        if (!isOpen) throw new Error('closed twice');
        isOpen = false;
        told.alive--;
        await session.close();
      },
    };
  };
  return { open, told };
}

/** A repository, with everything that was told of it. */
export async function repositoryOf(given: Partial<RepositoryOptions>) {
  const process = inProcess();
  const lines: { readonly level: string; readonly facts: Readonly<Record<string, unknown>>; readonly text: string }[] =
    [];
  const events: (readonly unknown[])[] = [];
  const line = (level: string) => (facts: Readonly<Record<string, unknown>>, text: string) => void lines.push({ level, facts, text }); // prettier-ignore
  const event =
    (kind: string) =>
    (...facts: readonly unknown[]) =>
      void events.push([kind, ...facts]);
  const telemetry: Telemetry = {
    queued: event('queued'),
    ran: event('ran'),
    answered: event('answered'),
    memberFailed: ({ name }, member, reason) => void events.push(['memberFailed', name, member, reason]),
    degraded: ({ name }) => void events.push(['degraded', name]),
    pictureRefused: event('pictureRefused'),
    loaded: name => void events.push(['loaded', name]),
    loadFailed: event('loadFailed'),
    workerRestarted: event('workerRestarted'),
  };
  const repository = await openRepository({
    policy: { kind: 'latest', count: 1 },
    load: 'all',
    isWatching: false,
    pollMs: 60_000,
    limits: defaultLimits,
    maxBatch: 32,
    batchDelay: 2,
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    telemetry,
    open: process.open,
    ...given,
  });
  return { repository, lines, events, told: process.told };
}

/** x FP32 [1, 4]. */
export const four = (...values: number[]): ReadonlyMap<string, WireTensor> =>
  new Map([['x', { datatype: 'FP32', shape: [1, 4], data: new Uint8Array(Float32Array.from(values).buffer) }]]);

/** Numbers of an output. */
export const numbersOf = (outputs: ReadonlyMap<string, WireTensor>, name: string): number[] => [
  ...new Float32Array(outputs.get(name)!.data.slice().buffer),
];

/** What `add` with other summands answers to zeros: its summands. */
export const shiftOf = async (model: ServedModel): Promise<number[]> =>
  numbersOf((await model.run({ inputs: four(0, 0, 0, 0) })).outputs, 'y');
