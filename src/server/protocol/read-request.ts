// The way in: a body, the header that tells the length of its JSON, and what is known of the model, to a request that can
// be run. Everything a model could be refused for is checked here, against the signature.

import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { RunRequest } from '../served.js';
import { jsonLengthOf, rawTensor, tensorsOf } from './binary-request.js';
import { readJsonRequest, type AnswerForm, type ReadFacts, type ReadRequest } from './json-request.js';
import { readElsewhere } from './reader-pool.js';

/** A request to a model, and how its answer is written. */
export interface InferRequest {
  /** There if it was sent. */
  readonly id?: string;
  readonly run: Omit<RunRequest, 'signal'>;
  readonly form: AnswerForm;
}

/**
 * JSON of at least this many bytes is read in a thread. From about here on (2 ms; 0.6 ms for a quarter) that costs no more
 * time than reading it here would, in which the server answers nobody.
 */
export const bytesForThread = 256 * 1024;

/**
 * Reads the body of an inference request.
 *
 * @param body binary tensors stay views into it. A large JSON body that fills its buffer is handed over to a thread: the
 *   array is empty then
 * @param headerLength the value of `Inference-Header-Content-Length`
 * @throws BAD_JSON, BAD_REQUEST, BAD_SHAPE, BAD_DATATYPE, BAD_DATA, BAD_BINARY, BAD_PARAMETER, UNKNOWN_INPUT,
 *   MISSING_INPUT, DUPLICATE_INPUT, UNKNOWN_OUTPUT, DUPLICATE_OUTPUT; TOO_LARGE
 * @example const { run } = await readInferRequest(body, headers['inference-header-content-length'], model.facts, limits)
 */
export async function readInferRequest(
  body: Uint8Array,
  headerLength: string | undefined,
  facts: ReadFacts,
  limits: Limits,
): Promise<InferRequest> {
  if (body.length > limits.body)
    throw errors.TOO_LARGE({ reason: `a body of ${body.length} bytes, the limit is ${limits.body}` });
  const length = jsonLengthOf(headerLength, body.length);
  if (length === 0) return rawRequest(body, facts, limits);
  const json = body.subarray(0, length ?? body.length);
  const tail = body.subarray(json.length);
  if (tail.length > 0 && json.length > limits.jsonHeader)
    throw errors.TOO_LARGE({
      reason: `a JSON part of ${json.length} bytes, the limit beside binary data is ${limits.jsonHeader}`,
    });
  const tailLength = length === undefined ? undefined : tail.length;
  const isLarge = json.length >= bytesForThread;
  const { inputs, run, ...request }: ReadRequest = isLarge
    ? await readElsewhere(json, tailLength, facts, limits)
    : readJsonRequest(json, tailLength, facts, limits);
  return { ...request, run: { ...run, inputs: tensorsOf(inputs, tail) } };
}

function rawRequest(body: Uint8Array, facts: ReadFacts, limits: Limits): InferRequest {
  if (body.length > limits.tensors)
    throw errors.TOO_LARGE({ reason: `a tensor of ${body.length} bytes, the limit of a request is ${limits.tensors}` });
  const inputs = rawTensor(body, facts);
  return { run: { inputs }, form: { outputs: facts.outputs.map(({ name }) => ({ name, isBinary: true })) } };
}
