// Every limit of the server with its default; each has a flag of the same name. Sizes in bytes, times in milliseconds.

const MiB = 1024 * 1024;

/** What a server takes. */
export interface Limits {
  /** Largest body, before and after it is unpacked. */
  readonly body: number;
  /** Most that a packed body may grow, over 1 MiB. */
  readonly ratio: number;
  /** Most bytes of all tensors of a request, unpacked. */
  readonly tensors: number;
  /** Largest picture file. */
  readonly picture: number;
  readonly pictures: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly rank: number;
  readonly jsonDepth: number;
  /** Largest JSON part of a body with binary tensors. */
  readonly jsonHeader: number;
  /** Largest block of headers. */
  readonly headers: number;
  readonly url: number;
  /** Longest `id`, in characters. */
  readonly id: number;
  readonly parameters: number;
  /** Longest parameter, in characters. */
  readonly parameter: number;
  readonly connections: number;
  readonly inFlight: number;
  /** Most bytes of their bodies together; one that does not announce its length counts as the largest. */
  readonly inFlightBytes: number;
  /** Waiting requests of a model. */
  readonly queue: number;
  readonly headersTime: number;
  readonly requestTime: number;
  readonly checkInterval: number;
  readonly keepAlive: number;
  /** Longest silence within a request. */
  readonly idleTime: number;
  readonly queueTime: number;
  readonly runTime: number;
  readonly loadTime: number;
  /** Most that a request waits for others to run with it. */
  readonly batchDelay: number;
  /** How long a draining server still takes requests. */
  readonly drainAccept: number;
  /** How long it then finishes those it took. */
  readonly drainFinish: number;
  /** Largest memory of a process that runs a network or decodes. */
  readonly workerMemory: number;
}

export const defaultLimits: Limits = {
  body: 64 * MiB,
  ratio: 100,
  tensors: 64 * MiB,
  picture: 20 * MiB,
  pictures: 32,
  inputs: 64,
  outputs: 64,
  rank: 32,
  jsonDepth: 100,
  jsonHeader: MiB,
  headers: 16 * 1024,
  url: 8 * 1024,
  id: 256,
  parameters: 64,
  parameter: 1024,
  connections: 1024,
  inFlight: 256,
  inFlightBytes: 2048 * MiB,
  queue: 128,
  headersTime: 10_000,
  requestTime: 60_000,
  checkInterval: 2_000,
  keepAlive: 72_000,
  idleTime: 30_000,
  queueTime: 5_000,
  runTime: 30_000,
  loadTime: 120_000,
  batchDelay: 2,
  drainAccept: 5_000,
  drainFinish: 20_000,
  workerMemory: 4096 * MiB,
};
