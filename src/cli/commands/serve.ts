// graft serve: models over HTTP. A signal drains; a second one ends at once.

import { printable } from '../../index.js';
import type { Limits, ServeOptions } from '../../server/index.js';
import type { Command, FlagSpec, FlagsOf } from '../command.js';
import { growHeapFreely } from '../heap-growth.js';

const flags = {
  repository: { type: 'string', value: 'folder', help: 'serve a model repository, <name>/<version>/' },
  host: { type: 'string', help: 'address to listen at; another than this machine needs keys', default: '127.0.0.1' },
  port: { type: 'integer', help: 'port; 0 takes a free one', default: 8000 },
  modelControl: {
    type: 'choice',
    choices: ['none', 'explicit'],
    help: 'explicit: admin keys load and unload models (default: none)',
  },
  load: { type: 'list', value: 'model', help: 'load only these of the repository at start (default: all)' },
  watch: { type: 'boolean', help: 'take up changes of the repository as they come' },
  poll: {
    type: 'integer',
    value: 'ms',
    help: 'look at the repository so often, beside what the system tells (default: 2000)',
  },
  versions: {
    type: 'string',
    value: 'policy',
    help: 'which versions answer: latest, latest:N, all, or numbers with commas (default: latest)',
  },
  apiKeys: {
    type: 'string',
    value: 'file',
    help: 'keys, `infer KEY` or `admin KEY` a line (default: GRAFT_API_KEYS and GRAFT_ADMIN_KEYS of the environment)',
  },
  insecureNoAuth: { type: 'boolean', help: 'listen at any address without keys' },
  openMetrics: { type: 'boolean', help: '/metrics needs no key' },
  corsOrigin: { type: 'list', value: 'origin', help: 'pages of these origins may call (default: none)' },
  rateLimit: {
    type: 'integer',
    value: 'number',
    help: 'requests a minute of a key, or of an address (default: no limit)',
  },
  tlsCert: { type: 'string', value: 'file', help: 'certificate, PEM' },
  tlsKey: { type: 'string', value: 'file', help: 'its key, PEM' },
  instances: { type: 'integer', help: 'processes of each model (default: 1)' },
  threads: { type: 'integer', help: 'inside one operator (default: 1)' },
  maxBatch: { type: 'integer', value: 'rows', help: 'most rows of a run (default: 32)' },
  cache: { type: 'integer', value: 'bytes', help: 'keep so many bytes of answers of each model (default: 0)' },
  deadlineMs: { type: 'integer', value: 'ms', help: 'ensembles answer with fewer members or views rather than later' },
  pictureProcesses: { type: 'integer', help: 'processes that decode pictures (default: half of the processors)' },
  logLevel: {
    type: 'choice',
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
    help: 'lines of the log, JSON on standard output (default: warn; info without a terminal)',
  },
} satisfies FlagsOf<ServeOptions>;

/** A flag for every limit, named after it. */
const limitHelp = {
  body: 'largest body, packed or unpacked, in bytes',
  ratio: 'most that a packed body may grow, over 1 MiB',
  tensors: 'most bytes of the tensors of a request',
  picture: 'largest picture file, in bytes',
  pictures: 'most pictures of a request',
  inputs: 'most inputs of a request',
  outputs: 'most outputs of a request',
  rank: 'most dimensions of a tensor',
  jsonDepth: 'deepest JSON',
  jsonHeader: 'largest JSON part of a request with binary tensors, in bytes',
  headers: 'largest block of headers, in bytes',
  url: 'longest address, in bytes',
  id: 'longest id, in characters',
  parameters: 'most parameters of a request',
  parameter: 'longest parameter, in characters',
  connections: 'most connections',
  inFlight: 'most requests at once',
  inFlightBytes: 'most bytes of all bodies at once',
  queue: 'most waiting requests of a model',
  headersTime: 'ms for the headers of a request',
  requestTime: 'ms for a whole request to arrive',
  checkInterval: 'ms between looks at slow clients',
  keepAlive: 'ms that an idle connection is kept',
  idleTime: 'longest silence within a request, in ms',
  queueTime: 'most ms in the queue',
  runTime: 'most ms of a run; then its process is ended',
  loadTime: 'most ms that loading a model takes',
  batchDelay: 'most ms that a request waits for others to run with',
  drainAccept: 'ms that a draining server still takes requests',
  drainFinish: 'ms that it then finishes those it took',
  workerMemory: 'most bytes of a process that runs a network or decodes',
} satisfies Record<keyof Limits, string>;
type LimitName = keyof Limits;
const flagOf = (name: string): string => `limit${name[0]!.toUpperCase()}${name.slice(1)}`;
const limitFlags: Record<string, FlagSpec> = Object.fromEntries(
  Object.entries(limitHelp).map(([name, help]) => [flagOf(name), { type: 'integer', help }]),
);

export const serveCommand: Command = {
  name: 'serve',
  summary: 'serve models over HTTP, with a page to try them',
  description:
    'Serves bundles, networks and repositories of them: a page at /, pictures at /v1/models/NAME/predict, the Open Inference Protocol below /v2, its description at /openapi.json. Networks run in processes of their own. SIGTERM or Ctrl-C lets requests finish; again ends at once.',
  arguments: [{ name: '[models...]', help: 'bundles, run folders or networks, as PATH or NAME=PATH' }],
  flags: { ...flags, ...limitFlags },
  examples: [
    'graft serve run/bundle',
    'graft serve cats=run/bundle ensemble --port 8080',
    'graft serve --repository models/ --watch --model-control explicit --api-keys keys.txt --host 0.0.0.0',
  ],
  endsItself: true,
  async run({ args, flags: given, output }) {
    growHeapFreely();
    const { serve } = await import('../../server/index.js');
    const isTold = process.stdout.isTTY && given['logLevel'] === undefined;
    const options = { ...optionsOf(given), models: (args[0] as readonly string[] | undefined) ?? [] };
    const server = await serve({ ...options, ...(isTold ? { logLevel: 'warn' as const } : {}) });
    const ending = new Promise<number>(resolve => {
      let isEnding = false;
      const end = (): void => {
        if (isEnding) process.exit(1);
        isEnding = true;
        output.say('finishing what was asked; once more ends at once');
        void server.drain().then(status => {
          // what still runs by then is not waited for
          setTimeout(() => process.exit(status), 500).unref();
          resolve(status);
        });
      };
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
    });
    output.say(`serving at ${server.url}`);
    void server.started.then(() => {
      const failed = server.notReady();
      if (failed.length > 0)
        output.warn(`not ready: ${failed.map(printable).join(', ')}; ${server.url}/v2/repository/index says why`);
      else output.say(`ready: open ${server.url} in a browser, or`);
      if (failed.length === 0)
        output.say(
          `  curl --data-binary @picture.jpg -H 'content-type: image/jpeg' ${server.url}/v1/models/NAME/predict`,
        );
    });
    return ending;
  },
};

/** Options as the flags give them. */
function optionsOf(given: Record<string, unknown>): ServeOptions {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const name of Object.keys(limitHelp) as LimitName[]) {
    const value = given[flagOf(name)];
    if (value !== undefined) limits[name] = value as number;
  }
  const own = Object.fromEntries(
    Object.keys(flags).flatMap(key => (given[key] === undefined ? [] : [[key, given[key]]])),
  );
  return { ...own, limits };
}
