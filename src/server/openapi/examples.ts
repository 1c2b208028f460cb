// An example of each body, by the name of its schema; a test holds them to the schemas.

import type { schemas } from './schemas.js';

const duration = { count: 3, ns: 1_500_000 };
const signature = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const labels = [
  { index: 1, label: 'dog', score: 0.75 },
  { index: 0, label: 'cat', score: 0.25 },
];
const compute = { compute_input: duration, compute_infer: duration, compute_output: duration };

export const examples = {
  Error: { error: 'model dogs is not loaded', code: 'MODEL_NOT_FOUND', request_id: 'a1' },
  Live: { live: true },
  Ready: { live: true, ready: true },
  NotReady: { live: true, ready: false, not_ready: ['dogs'] },
  Description: { openapi: '3.1.0', info: { title: 'graft serve', version: '1.0.0' }, paths: {}, components: {} },
  Server: { name: 'graft', version: '1.0.0', extensions: ['binary_tensor_data', 'classification'] },
  Models: { models: ['cats'] },
  Metadata: { name: 'cats', versions: ['1'], platform: 'onnx_onnxv1', inputs: [signature], outputs: [{ ...signature, name: 'y' }], parameters: { labels: ['cat', 'dog'] } }, // prettier-ignore
  ModelReady: { name: 'cats', ready: true },
  Config: { name: 'cats', version: '1', platform: 'onnx_onnxv1', max_batch_size: 32, sha256: '0'.repeat(64), config: { batch_delay_ms: 2 } }, // prettier-ignore
  Statistics: {
    model_stats: [
      {
        name: 'cats',
        version: '1',
        last_inference: 1_764_000_000_000,
        inference_count: 24,
        execution_count: 3,
        inference_stats: { success: duration, fail: { count: 0, ns: 0 }, queue: duration, ...compute },
        batch_stats: [{ batch_size: 8, ...compute }],
        memory_usage: [{ type: 'CPU', id: 0, byte_size: 80_000_000 }],
      },
    ],
  },
  Index: [{ name: 'cats', version: '1', state: 'READY', reason: '' }],
  IndexRequest: { ready: true },
  ControlRequest: { parameters: { config: '{"max_batch_size":8}' } },
  Empty: {},
  InferRequest: { id: '42', inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }], outputs: [{ name: 'y' }] }, // prettier-ignore
  InferAnswer: { model_name: 'add', model_version: '1', id: '42', outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 4], data: [1, 3, 5, 7] }] }, // prettier-ignore
  PicturesRequest: { images: [{ b64: 'iVBORw0KGgo=' }], top: 2 },
  Predictions: { model_name: 'cats', model_version: '1', id: 'a1', predictions: [{ labels, width: 640, height: 480 }] },
  Heat: { model_name: 'cats', model_version: '1', id: 'a1', label: 'dog', score: 0.75, height: 1, width: 2, values: [1, -0.5], rows: { start: 0, step: 32 }, columns: { start: 0, step: 32 }, picture: { width: 640, height: 480 } }, // prettier-ignore
} as const satisfies Readonly<Record<keyof typeof schemas, unknown>>;
