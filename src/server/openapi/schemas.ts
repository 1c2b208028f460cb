// JSON schemas (2020-12) of what travels, by name: `#/components/schemas/<name>`.

type Json = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const whole = { type: 'integer', minimum: 0 };
const number = { type: 'number' };
const flag = { type: 'boolean' };
const list = (items: Json): Json => ({ type: 'array', items });
const object = (properties: Json, optional: readonly string[] = []): Json => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter(name => !optional.includes(name)),
});

/** A schema of {@link schemas}. */
export const ref = (name: keyof typeof schemas): Json => ({ $ref: `#/components/schemas/${name}` });

const duration = object({ count: whole, ns: whole });
const compute = { compute_input: duration, compute_infer: duration, compute_output: duration };
const signature = object({ name: text, datatype: text, shape: list({ type: 'integer', minimum: -1 }) });
const scored = list(object({ index: whole, label: text, score: { type: 'number', minimum: 0, maximum: 1.00001 } }));
const parameters = { type: 'object', additionalProperties: true };
/** An input or an output. */
const tensor = object({ name: text, datatype: text, shape: list(whole), parameters, data: list({}) }, ['parameters', 'data']); // prettier-ignore
const grid = object({ start: number, step: number });

export const schemas = {
  Error: object({ error: text, code: { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$' }, request_id: text }),
  Live: object({ live: { const: true } }),
  Ready: object({ live: { const: true }, ready: { const: true } }),
  NotReady: object({ live: { const: true }, ready: { const: false }, not_ready: list(text) }),
  Description: object({ openapi: { const: '3.1.0' }, info: parameters, paths: parameters, components: parameters }),
  Server: object({ name: text, version: text, extensions: list(text) }),
  Models: object({ models: list(text) }),
  Metadata: object({ name: text, versions: list(text), platform: { enum: ['onnx_onnxv1', 'graft_ensemble'] }, inputs: list(signature), outputs: list(signature), parameters }), // prettier-ignore
  ModelReady: object({ name: text, ready: flag }),
  Config: object({
    name: text,
    version: text,
    platform: text,
    max_batch_size: whole,
    sha256: text,
    config: parameters,
  }),
  Statistics: object({
    model_stats: list(
      object({
        name: text,
        version: text,
        last_inference: whole,
        inference_count: whole,
        execution_count: whole,
        inference_stats: object({ success: duration, fail: duration, queue: duration, ...compute }),
        batch_stats: list(object({ batch_size: whole, ...compute })),
        memory_usage: list(object({ type: text, id: whole, byte_size: whole })),
      }),
    ),
  }),
  Index: list(object({ name: text, version: text, state: { enum: ['READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE'] }, reason: text }, ['version'])), // prettier-ignore
  IndexRequest: object({ ready: flag }, ['ready']),
  ControlRequest: object({ parameters }, ['parameters']),
  Empty: { type: 'object', maxProperties: 0 },
  InferRequest: object(
    {
      id: text,
      parameters,
      inputs: list(tensor),
      outputs: list(object({ name: text, parameters }, ['parameters'])),
    },
    ['id', 'parameters', 'outputs'],
  ),
  InferAnswer: object(
    {
      model_name: text,
      model_version: text,
      id: text,
      parameters,
      outputs: list(tensor),
      graft_members: list(object({ name: text, weight: number, outputs: list(tensor) }, ['weight'])),
    },
    ['id', 'parameters', 'graft_members'],
  ),
  PicturesRequest: object({ images: list(object({ b64: text })), top: { type: 'integer', minimum: 1, maximum: 100 } }, ['top']), // prettier-ignore
  Predictions: object(
    {
      model_name: text,
      model_version: text,
      id: text,
      predictions: list(
        object(
          {
            labels: scored,
            width: whole,
            height: whole,
            members: list(object({ name: text, weight: number, labels: scored }, ['weight'])),
            uncertainty: object({ entropy: number, mutual_information: number }),
            prediction_set: list(text),
            unknown: flag,
            outlier_score: number,
          },
          ['members', 'uncertainty', 'prediction_set', 'unknown', 'outlier_score'],
        ),
      ),
      degraded: { const: true },
      degraded_reason: { enum: ['member-failure', 'deadline'] },
      missing_members: list(text),
    },
    ['degraded', 'degraded_reason', 'missing_members'],
  ),
  Heat: object({ model_name: text, model_version: text, id: text, label: text, score: number, height: whole, width: whole, values: list({ type: 'number', minimum: -1, maximum: 1 }), rows: grid, columns: grid, picture: object({ width: whole, height: whole }) }), // prettier-ignore
} satisfies Readonly<Record<string, Json>>;
