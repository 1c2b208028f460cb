// The JSON part of an inference request (Open Inference Protocol v2) against the signature of the model. It needs nothing
// but the part itself and the length of what follows it, so that it can be read in another thread (reader-pool.ts);
// tensors that follow in binary are places here, and become views in binary-request.ts.

import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { ModelFacts, RunRequest } from '../served.js';
import { datatypes, type Datatype, type Signature } from '../tensors.js';
import { bytesOfElements, isJsonDatatype } from './elements.js';
import { field, listOf, objectOf, textOf, type JsonObject } from './fields.js';
import { parseJson } from './json.js';
import { inputParameters, requestParameters } from './parameters.js';
import { quoted } from './quoted.js';
import { checkRows, checkShape } from './shape.js';
import { listed, wantedOutputs, type WantedOutput } from './wanted-outputs.js';

/** What reading needs to know of a model. */
export type ReadFacts = Pick<ModelFacts, 'inputs' | 'outputs' | 'maxBatch'>;

/** An input whose elements are here, or in the bytes after the JSON. */
export interface ReadInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly count: number;
  readonly data: Uint8Array | { readonly start: number; readonly length: number };
}

/** How the answer is written. */
export interface AnswerForm {
  readonly outputs: readonly WantedOutput[];
}

/** A request but for the views of its binary tensors. */
export interface ReadRequest {
  readonly id?: string;
  readonly run: Omit<RunRequest, 'signal' | 'inputs'>;
  readonly form: AnswerForm;
  /** In the order of the signature. */
  readonly inputs: readonly ReadInput[];
}

/**
 * @param tail bytes after the JSON; undefined where the body was sent without the length of its JSON
 * @throws every 400 of the protocol, and TOO_LARGE
 */
export function readJsonRequest(
  json: Uint8Array,
  tail: number | undefined,
  facts: ReadFacts,
  limits: Limits,
): ReadRequest {
  const request = objectOf(parseJson(json, limits, mostValues(facts, limits)), 'the request');
  const id = idOf(field(request, 'id'), limits);
  const parameters = requestParameters(field(request, 'parameters'), limits);
  const outputs = wantedOutputs(field(request, 'outputs'), parameters.binary_data_output ?? false, facts, limits);
  const inputs = readInputs(field(request, 'inputs'), tail, facts, limits);
  const { priority, timeout, graft_members, graft_on_member_failure, graft_deadline_ms } = parameters;
  const run: ReadRequest['run'] = {
    ...(listOf(field(request, 'outputs'), 'outputs').length > 0 ? { outputs: outputs.map(({ name }) => name) } : {}),
    ...(priority === undefined ? {} : { priority }),
    ...(timeout ? { queueLimit: timeout / 1000 } : {}),
    ...(graft_deadline_ms === undefined ? {} : { deadline: graft_deadline_ms }),
    ...(graft_on_member_failure === undefined ? {} : { onMemberFailure: graft_on_member_failure }),
    ...(graft_members === undefined ? {} : { members: graft_members }),
  };
  return { ...(id === undefined ? {} : { id }), run, form: { outputs }, inputs };
}

/** Values of a text whose tensors could pass: each takes its bytes there. The rest of a request has fewer than 2^16. */
function mostValues({ inputs }: ReadFacts, { tensors }: Limits): number {
  const least = Math.min(...inputs.map(({ datatype }) => datatypes[datatype].bytes || 4), 8);
  return Math.floor(tensors / least) + 2 ** 16;
}

function idOf(value: unknown, limits: Limits): string | undefined {
  if (value === undefined) return undefined;
  const id = textOf(value, 'id');
  if (id.length > limits.id)
    throw errors.BAD_REQUEST({ reason: `id: ${id.length} characters, the limit is ${limits.id}` });
  return id;
}

function readInputs(value: unknown, tail: number | undefined, facts: ReadFacts, limits: Limits): readonly ReadInput[] {
  const given = listOf(value, 'inputs');
  if (given.length > limits.inputs)
    throw errors.TOO_LARGE({ reason: `${given.length} inputs, the limit is ${limits.inputs}` });
  const read = new Map<string, ReadInput>();
  let start = 0;
  let bytes = 0;
  for (const [index, entry] of given.entries()) {
    const object = objectOf(entry, `inputs[${index}]`);
    const name = textOf(field(object, 'name'), `inputs[${index}].name`);
    const signature = facts.inputs.find(known => known.name === name);
    if (!signature)
      throw errors.UNKNOWN_INPUT({ reason: `input ${quoted(name)}: the model has ${listed(facts.inputs)}` });
    if (read.has(name)) throw errors.DUPLICATE_INPUT({ reason: `input ${quoted(name)} is given twice` });
    const input = readInput(object, signature, start, tail, limits);
    read.set(name, input);
    if (!(input.data instanceof Uint8Array)) start += input.data.length;
    bytes += input.data.length;
    if (bytes > limits.tensors)
      throw errors.TOO_LARGE({ reason: `tensors of over ${limits.tensors} bytes, the limit of a request` });
  }
  const missing = facts.inputs.filter(({ name }) => !read.has(name));
  if (missing.length > 0) throw errors.MISSING_INPUT({ reason: `missing inputs: ${listed(missing)}` });
  if (start !== (tail ?? 0))
    throw errors.BAD_BINARY({ reason: `inputs name ${start} bytes of binary data, ${tail ?? 0} follow the JSON` });
  const inputs = facts.inputs.map(({ name }) => read.get(name)!);
  checkRows(inputs, facts.maxBatch);
  return inputs;
}

function readInput(
  object: JsonObject,
  signature: Signature,
  start: number,
  tail: number | undefined,
  limits: Limits,
): ReadInput {
  const { name, datatype } = signature;
  const what = `input ${quoted(name)}`;
  const given = field(object, 'datatype');
  if (given !== datatype)
    throw errors.BAD_DATATYPE({ reason: `${what}: wanted datatype ${datatype}, got ${quoted(given)}` });
  const { shape, count } = checkShape(field(object, 'shape'), signature, limits);
  const { binary_data_size: size } = inputParameters(field(object, 'parameters'), what, limits);
  const data = field(object, 'data');
  if (size === undefined) {
    if (!isJsonDatatype(datatype))
      throw errors.BAD_DATATYPE({ reason: `${what}: ${datatype} is taken as binary data only; send binary_data_size` });
    return { name, datatype, shape, count, data: bytesOfElements(datatype, data, count, what) };
  }
  if (data !== undefined) throw errors.BAD_BINARY({ reason: `${what}: has data and binary_data_size` });
  if (tail === undefined)
    throw errors.BAD_BINARY({ reason: `${what}: binary_data_size without the header Inference-Header-Content-Length` });
  const each = datatypes[datatype].bytes;
  if (each > 0 && size !== count * each)
    throw errors.BAD_BINARY({ reason: `${what}: binary_data_size ${size}, its shape has ${count * each} bytes` });
  if (size > tail - start)
    throw errors.BAD_BINARY({
      reason: `${what}: binary_data_size ${size}, ${tail - start} bytes of the body are left`,
    });
  return { name, datatype, shape, count, data: { start, length: size } };
}
