// What is counted, as Prometheus text 0.0.4 (serving-protocol.md, section 10). A registry of its own, so that two servers
// in a process do not meet. Labels are names of loaded models, route templates and codes: no request can make a series.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import { version } from '../serving.js';
import type { ModelFacts, ModelStateName, Telemetry } from './served.js';

/** An answered request. */
export interface HttpFacts {
  /** The template of the route, `/v2/models/:model`; missing where no route was found. */
  readonly route?: string | undefined;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** What is read when somebody looks; what is missing is not shown. */
export interface Watched {
  /** Loaded versions: series of others are removed. */
  readonly models: () => Iterable<ModelFacts>;
  readonly states: () => ReadonlyMap<ModelStateName, number>;
  /** Waiting requests of each loaded version. */
  readonly queues: () => Iterable<readonly [model: ModelFacts, length: number]>;
  /** Processes that run networks or decode pictures. */
  readonly workers: () => number;
}

/** What a server counts. */
export interface Metrics extends Telemetry {
  http(facts: HttpFacts): void;
  /** One request more or less is being answered. */
  inFlight(delta: 1 | -1): void;
  /** Sets where figures of the moment come from; those set before stay. */
  watch(watched: Partial<Watched>): void;
  /** The text for `/metrics`. */
  render(): Promise<string>;
  /** The `content-type` of that text. */
  readonly contentType: string;
}

/** Seconds: from a fifth of a millisecond, which a small network takes, to the longest run. */
const durations = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
const rowCounts = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const states: readonly ModelStateName[] = ['READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE'];
const ofModel = ['model', 'version'] as const;

/**
 * Counters of one server, all at zero.
 *
 * @example
 * const metrics = createMetrics();
 * metrics.watch({ workers: () => 2 });
 * console.log(await metrics.render());
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `graft_${name}_total`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `graft_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets = durations) =>
    new Histogram({ name: `graft_${name}`, help, labelNames, buckets, registers });

  gauge('build_info', 'Always 1; the labels say what runs', ['version', 'node']).set({ version, node: process.version }, 1); // prettier-ignore
  const requests = counter('http_requests', 'Answered requests', ['route', 'method', 'status']);
  const requestTime = histogram('http_request_duration_seconds', 'From first byte to answer', ['route']);
  const inFlight = gauge('http_requests_in_flight', 'Requests that are being answered');
  const answers = counter('inference_requests', 'Requests to a model', [...ofModel, 'outcome']);
  const rows = counter('inferences', 'Rows that were answered', ofModel);
  const runs = counter('inference_executions', 'Runs of a network, each of one or more requests', ofModel);
  const queueTime = histogram('inference_queue_duration_seconds', 'From request to start of its run', ofModel);
  const runTime = histogram('inference_run_duration_seconds', 'Of a run', ofModel);
  const batch = histogram('inference_batch_size', 'Rows of a run', ofModel, rowCounts);
  const queue = gauge('inference_queue_length', 'Requests that wait', ofModel);
  const memberFailures = counter('ensemble_member_failures', 'Members without an answer', ['model', 'member', 'reason']); // prettier-ignore
  const degraded = counter('ensemble_degraded', 'Answers of fewer members or views', ['model']);
  const pictures = counter('images_rejected', 'Pictures that were refused', ['code']);
  const models = gauge('models', 'Versions by state', ['state']);
  const loadTime = histogram('model_load_duration_seconds', 'From asking for a model to its first answer', []);
  const loadFailures = counter('model_load_failures', 'Loads that failed', ['code']);
  const restarts = counter('worker_restarts', 'Processes that were replaced', ['reason']);
  const workers = gauge('workers', 'Processes that run networks or decode pictures');
  const modelSeries: readonly Metric[] = [answers, rows, runs, queueTime, runTime, batch, memberFailures, degraded];

  const from: { -readonly [K in keyof Watched]?: Watched[K] } = {};
  const look = async (): Promise<void> => {
    if (from.models) await prune(modelSeries, from.models());
    if (from.states) {
      const now = from.states();
      for (const state of states) models.set({ state }, now.get(state) ?? 0);
    }
    if (from.queues) {
      queue.reset();
      for (const [model, length] of from.queues()) queue.set(named(model), length);
    }
    if (from.workers) workers.set(from.workers());
  };

  return {
    http: ({ route = 'unknown', method, status, seconds }) => {
      requests.inc({ route, method: methods.has(method) ? method : 'other', status: String(status) });
      requestTime.observe({ route }, seconds);
    },
    inFlight: delta => {
      inFlight.inc(delta);
    },
    queued: (model, seconds) => {
      queueTime.observe(named(model), seconds);
    },
    ran: (model, count, seconds) => {
      runs.inc(named(model));
      runTime.observe(named(model), seconds);
      batch.observe(named(model), count);
    },
    answered: (model, outcome, count) => {
      answers.inc({ ...named(model), outcome });
      if (outcome === 'ok') rows.inc(named(model), count);
    },
    memberFailed: ({ name }, member, reason) => {
      memberFailures.inc({ model: name, member, reason: word(reason) });
    },
    degraded: ({ name }) => {
      degraded.inc({ model: name });
    },
    pictureRefused: code => {
      pictures.inc({ code: word(code) });
    },
    loaded: (_name, seconds) => {
      loadTime.observe(seconds);
    },
    loadFailed: (_name, code) => {
      loadFailures.inc({ code: word(code) });
    },
    workerRestarted: reason => {
      restarts.inc({ reason: word(reason) });
    },
    watch: watched => {
      Object.assign(from, watched);
    },
    render: async () => {
      await look();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

const named = ({ name, version: of }: ModelFacts) => ({ model: name, version: of });

/** A code or reason as a label: one word, never a sentence. */
const word = (text: string): string => (/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(text) ? text : 'other');

/** Removes series of models that are no longer loaded. */
async function prune(series: readonly Metric[], loaded: Iterable<ModelFacts>): Promise<void> {
  const names = new Set<string>();
  const versions = new Set<string>();
  for (const { name, version: of } of loaded) {
    names.add(name);
    versions.add(`${name}/${of}`);
  }
  for (const metric of series) {
    const { values } = await metric.get();
    for (const { labels } of values) {
      const own = new Map(Object.entries(labels));
      own.delete('le');
      const isLoaded = own.has('version')
        ? versions.has(`${own.get('model')}/${own.get('version')}`)
        : names.has(String(own.get('model')));
      if (own.has('model') && !isLoaded) metric.remove(Object.fromEntries(own));
    }
  }
}
