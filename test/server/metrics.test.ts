// Counters as Prometheus reads them: every name of the contract is there, no request makes a series, and series of
// unloaded models go.

import test from 'ava';
import { createMetrics } from '../../src/server/metrics.js';
import type { ModelFacts } from '../../src/server/served.js';

const facts = (name: string, version = '1'): ModelFacts => ({ name, version, platform: 'onnx_onnxv1', inputs: [], outputs: [], maxBatch: 8, sha256: '', config: {} }); // prettier-ignore

const names =
  'build_info http_requests_total http_request_duration_seconds http_requests_in_flight inference_requests_total inferences_total inference_executions_total inference_queue_duration_seconds inference_run_duration_seconds inference_batch_size inference_queue_length ensemble_member_failures_total ensemble_degraded_total images_rejected_total models model_load_duration_seconds model_load_failures_total worker_restarts_total workers';

test('every name of the contract is there', async t => {
  const text = await createMetrics().render();
  for (const name of names.split(' ')) t.regex(text, new RegExp(`^# TYPE graft_${name} `, 'm'));
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']) t.true(text.includes(name), name);
});

test('unknown names make no series', async t => {
  const metrics = createMetrics();
  const series = async () => (await metrics.render()).split('\n').filter(line => /^graft_/.test(line)).length;
  metrics.http({ method: 'GET', status: 404, seconds: 0.1 });
  metrics.http({ method: 'NOPE0', status: 404, seconds: 0.1 });
  metrics.loadFailed('nope', 'no such model 0');
  const before = await series();
  for (let i = 1; i <= 1000; i++) {
    metrics.http({ method: `NOPE${i}`, status: 404, seconds: 0.1 });
    metrics.loadFailed(`nope-${i}`, `no such model ${i}`);
  }
  t.is(await series(), before);
});

test('series of unloaded models go, those of others stay', async t => {
  const metrics = createMetrics();
  let loaded = [facts('cats'), facts('cats', '2'), facts('dogs')];
  metrics.watch({ models: () => loaded, workers: () => 3, queues: () => [[facts('dogs'), 4]] });
  for (const model of loaded) {
    metrics.ran(model, 8, 0.01);
    metrics.queued(model, 0.001);
    metrics.answered(model, 'ok', 8);
    metrics.memberFailed(model, 'm', 'WORKER_LOST');
    metrics.degraded(model);
  }
  t.regex(await metrics.render(), /^graft_inferences_total\{model="cats",version="1"\} 8$/m);
  loaded = loaded.slice(2);
  const text = await metrics.render();
  t.false(text.includes('cats'));
  t.regex(text, /^graft_inference_requests_total\{model="dogs",version="1",outcome="ok"\} 1$/m);
  t.regex(text, /^graft_inference_queue_length\{model="dogs",version="1"\} 4$/m);
  t.regex(text, /^graft_workers 3$/m);
});
