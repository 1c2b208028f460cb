// A network for tests that runs in this process, one run at a time for each "process", and can be kept busy.

import { encodeModel } from '../../../src/codec/index.js';
import type { Model } from '../../../src/graph/index.js';
import type { Tensor } from '../../../src/index.js';
import { nodeRuntime } from '../../../src/runtime/node.js';
import { errors } from '../../../src/server/errors.js';
import { defaultLimits, type Limits } from '../../../src/server/limits.js';
import type { NetworkAnswer, ServedNetwork } from '../../../src/server/models/network-contract.js';
import { servedModel, type ServedModelOptions } from '../../../src/server/models/served-model.js';
import type { Heat, Outcome, ServedRung } from '../../../src/server/served.js';
import {
  datatypeOf,
  datatypes,
  piecesOf,
  type SentTensor,
  type Signature,
  type WireTensor,
} from '../../../src/server/tensors.js';

export interface RealOptions {
  readonly processes?: number;
  readonly canBatch?: boolean;
  readonly rungs?: readonly ServedRung[];
}

/** A run as it was asked for. */
interface Asked {
  readonly rows: number;
  readonly rung: number | undefined;
  readonly timeLimit: number;
  readonly inputs: ReadonlyMap<string, SentTensor>;
}

const runtime = nodeRuntime('cpu', { threads: 1 });

export async function realNetwork(model: Model, { processes = 1, canBatch, rungs }: RealOptions = {}) {
  const session = await runtime.open(encodeModel(model));
  const signature = ({ name, type, shape }: Model['graph']['inputs'][number]): Signature => ({
    name,
    datatype: datatypeOf(type!)!,
    shape: shape!.map(dim => (typeof dim === 'number' ? dim : -1)),
  });
  const [inputs, outputs] = [model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name)).map(signature), model.graph.outputs.map(signature)]; // prettier-ignore
  const runs: Asked[] = [];
  const fails: unknown[] = [];
  let [idle, running, isClosed, isReady] = [processes, 0, false, true];
  let listener: () => void = () => undefined;
  const free = (): void => {
    idle++;
    listener();
  };
  const compute = async (given: Asked['inputs'], wanted: readonly string[]): Promise<NetworkAnswer['outputs']> => {
    const feeds = [...given].map(([name, tensor]) => [name, runtime.tensor(hostTensor(tensor))] as const);
    try {
      const answer = await session.run(new Map(feeds), wanted);
      const read = wanted.map(async name => [name, wireTensor(await answer.get(name)!.read())] as const);
      return new Map(await Promise.all(read));
    } catch (error) {
      throw errors.RUN_FAILED({ reason: 'the network failed' }, error);
    }
  };
  const network: ServedNetwork = {
    facts: { sha256: 'a'.repeat(64), inputs, outputs, canBatch: canBatch ?? inputs.every(({ shape }) => shape[0] === -1), explains: true, ...(rungs ? { rungs } : {}) }, // prettier-ignore
    get idle() {
      return idle;
    },
    get isReady() {
      return isReady;
    },
    reason: 'its process is being replaced',
    memory: 1234,
    run: async (given, wanted = outputs.map(({ name }) => name), { rung, timeLimit }) => {
      if (idle === 0 || isClosed) throw new Error('no process is free');
      idle--;
      running++;
      runs.push({ rows: [...given.values()][0]!.shape[0]!, rung, timeLimit, inputs: given });
      try {
        await new Promise(setImmediate);
        const fault = fails.shift();
        if (fault !== undefined) throw fault;
        return { outputs: await compute(given, wanted), inputNs: 10, inferNs: 100, outputNs: 1 };
      } finally {
        running--;
        setImmediate(free);
      }
    },
    explain: async (_pixels, label): Promise<Heat> => {
      if (idle === 0 || isClosed) throw new Error('no process is free');
      idle--;
      setImmediate(free);
      const cells = { start: 0, step: 1 };
      return { height: 1, width: 1, values: Float32Array.of(label), rows: cells, columns: cells };
    },
    onFree: told => {
      listener = told;
    },
    close: async () => {
      if (isClosed || running > 0) throw new Error('closed twice, or while it runs');
      isClosed = true;
      await session.close();
    },
  };
  return {
    network,
    runs,
    /** What the next run ends with. */
    failNext: (error: unknown) => void fails.push(error),
    /** Keeps a process busy until the function it gives is called. */
    busy: (): (() => void) => {
      idle--;
      return free;
    },
    ready: (is: boolean) => {
      isReady = is;
    },
    /** What a request alone gives, past everything that is tested. */
    alone: (given: Asked['inputs'], wanted = outputs.map(({ name }) => name)) => compute(given, wanted),
    isClosed: () => isClosed,
  };
}

/** A served model over such a network, and what it told. */
export async function realModel(
  model: Model,
  { limits, ...options }: Partial<Omit<ServedModelOptions, 'limits'>> & { readonly limits?: Partial<Limits> } = {},
  real: RealOptions = {},
) {
  const made = await realNetwork(model, real);
  const told = { queued: 0, ran: [] as number[], degraded: 0, outcomes: new Map<Outcome, number>(), rows: 0 };
  const served = servedModel(made.network, {
    name: 'm',
    version: '1',
    limits: { ...defaultLimits, ...limits },
    telemetry: {
      queued: () => {
        told.queued++;
      },
      ran: (_facts, rows) => void told.ran.push(rows),
      degraded: () => {
        told.degraded++;
      },
      answered: (_facts, outcome, rows) => {
        told.outcomes.set(outcome, (told.outcomes.get(outcome) ?? 0) + 1);
        told.rows += rows;
      },
    },
    now: () => 1_700_000_000_000,
    ...options,
  });
  return { served, told, ...made };
}

function hostTensor(tensor: SentTensor): Tensor {
  const { datatype, shape } = tensor;
  const data = Buffer.concat(piecesOf(tensor));
  const { type } = datatypes[datatype];
  if (type !== 'string') return { type, shape, bytes: Uint8Array.from(data) };
  return { type, shape, bytes: new Uint8Array(0), strings: elementsOf(data) };
}

function wireTensor({ type, shape, bytes, strings }: Tensor): WireTensor {
  const datatype = datatypeOf(type)!;
  return { datatype, shape, data: strings ? bytesElements(strings) : bytes };
}

/** Elements of BYTES, one after the other. */
export function elementsOf(data: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length;) {
    const end = at + 4 + view.getUint32(at, true);
    elements.push(data.slice(at + 4, end));
    at = end;
  }
  return elements;
}

/** BYTES of elements. */
export function bytesElements(elements: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    elements.flatMap(element => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.length);
      return [length, element];
    }),
  );
}

/** FP32 rows as they are sent. */
export const floats = (shape: readonly number[], values: readonly number[]): WireTensor => ({
  datatype: 'FP32',
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
});

/** FP32 as it was answered. */
export const numbers = ({ data }: WireTensor): number[] => [...new Float32Array(Uint8Array.from(data).buffer)];

/** Turns of the event loop. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}
