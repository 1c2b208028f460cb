// Answers of a running server against its own description and against what every answer promises (docs/serving.md): an
// id, nosniff, the shape of refusals, the headers that go with a status. The schemas are read by ajv (JSON Schema 2020-12).

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { ExecutionContext } from 'ava';
import { openapiDocument } from '../../src/server/openapi/document.js';

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

interface Response {
  readonly description: string;
  /** Missing where there is no body. */
  readonly content?: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
  >;
}

const document = JSON.parse(JSON.stringify(openapiDocument('1.0.0'))) as Document;
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema({ $id: 'graft:api', ...document });

const pointed = (key: string): string => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));

/** Faults of a value by a schema of the document, as text; empty where there are none. */
export function faultsOf(value: unknown, pointer: readonly string[]): string {
  const validate = ajv.compile({ $ref: `graft:api#/${pointer.map(pointed).join('/')}` });
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

/** `GET /v2/models/{model}` of everything described. */
export const described: readonly string[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
);

const patterns = Object.keys(document.paths)
  .map(path => [path, new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)] as const)
  // `/v2/models/stats` before `/v2/models/{model}`
  .sort(([a], [b]) => a.split('{').length - b.split('{').length);

/** The described path that a path is of; undefined for those that there are not. */
export const templateOf = (path: string): string | undefined =>
  patterns.find(([, pattern]) => pattern.test(path.split('?')[0]!))?.[0];

const validators = new Map<string, ValidateFunction>();

function validatorOf(template: string, method: string, status: number, media: string): ValidateFunction {
  const pointer = ['paths', template, method.toLowerCase(), 'responses', String(status), 'content', media, 'schema'];
  const $ref = `graft:api#/${pointer.map(pointed).join('/')}`;
  const made = validators.get($ref) ?? ajv.compile({ $ref });
  validators.set($ref, made);
  return made;
}

/**
 * Holds an answer to the description of its path, and to what all answers promise.
 *
 * @param template a described path; undefined for a path that there is not, which is refused with 400, 404, 405 or 431
 */
export function assertAnswer(t: ExecutionContext, method: string, template: string | undefined, answer: Answer): void {
  const { status, headers, body } = answer;
  const text = new TextDecoder().decode(body);
  const told = `${method} ${template ?? 'an unknown path'}: ${status} ${text.slice(0, 300)}`;
  t.regex(headers.get('x-request-id') ?? '', /^[A-Za-z0-9._-]{1,128}$/, told);
  t.is(headers.get('x-content-type-options'), 'nosniff', told);
  if (status === 503 || status === 429) {
    const wait = Number(headers.get('retry-after'));
    t.true(Number.isInteger(wait) && wait >= 1 && wait <= (status === 503 ? 30 : 60), told);
  }
  if (status === 401) t.is(headers.get('www-authenticate'), 'Bearer', told);
  if (status === 405) t.truthy(headers.get('allow'), told);
  if (method === 'HEAD') {
    t.is(body.length, 0, told);
    return;
  }
  const media = (headers.get('content-type') ?? '').split(';')[0]!;
  if (media === 'application/json') t.is(headers.get('content-type'), 'application/json; charset=utf-8', told);
  const value: unknown = media === 'application/json' ? JSON.parse(text) : undefined;
  if (status >= 400 && !(typeof value === 'object' && value !== null && 'ready' in value)) assertRefusal(t, answer, value, told); // prettier-ignore
  const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  if (!operation) {
    t.true([400, 401, 403, 404, 405, 431].includes(status), told);
    return;
  }
  const response = operation.responses[status];
  if (!response) return t.fail(`not described: ${told}`);
  if (!response.content) return void t.is(body.length, 0, told);
  const wanted = Object.keys(response.content);
  const described = wanted.includes(media) ? media : wanted.includes('*/*') ? '*/*' : undefined;
  if (described === undefined) return t.fail(`${media} is not described: ${told}`);
  if (value === undefined) return;
  const validate = validatorOf(template!, method, status, described);
  t.true(validate(value), `${told}: ${ajv.errorsText(validate.errors)}`);
  // a bad file is refused with the file's own code
  if (typeof value === 'object' && value !== null && 'code' in value && status !== 422)
    t.true(response.description.split(', ').includes(String(value.code)), told);
}

function assertRefusal(t: ExecutionContext, { headers }: Answer, value: unknown, told: string): void {
  t.deepEqual(Object.keys(value ?? {}), ['error', 'code', 'request_id'], told);
  const { error, code, request_id } = value as Record<string, unknown>;
  t.regex(String(code), /^[A-Z][A-Z0-9_]*$/, told);
  t.true(typeof error === 'string' && error.length > 0, told);
  t.is(request_id, headers.get('x-request-id'), told);
  // no path of the host, no stack
  t.false(String(error).includes(process.cwd()), told);
  t.notRegex(String(error), /node:internal|\n {4}at |\/tmp\/|graft-server-/, told);
}
