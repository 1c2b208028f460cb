// The OpenAPI 3.1 document, written from one table of operations. Not by @fastify/swagger: Fastify's own validation and
// serialization by schema are off, since bodies are read by protocol/ with codes of their own.

import { imageErrors } from '../../serving.js';
import { errors } from '../errors.js';
import { statusOf } from '../statuses.js';
import { examples } from './examples.js';
import { ref, schemas } from './schemas.js';

type Json = Readonly<Record<string, unknown>>;
type Schema = keyof typeof schemas;

interface Operation {
  readonly summary: string;
  readonly answer: Schema | 'text/plain' | 'text/html' | '*/*';
  /** What `application/json` holds; further media types are bytes. */
  readonly body?: Schema;
  readonly media?: readonly string[];
  readonly query?: readonly string[];
  /** The body of a 503 that is no error. */
  readonly unready?: Schema;
  readonly isOpen?: boolean;
  /** Whether who has it already is told that it is the same. */
  readonly isKept?: boolean;
}

const beyond = 'Beyond the Open Inference Protocol.';
const pictures = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'application/octet-stream',
  'multipart/form-data',
];
const model = '/v2/models/{model}';

const ofModel = (path: string): [string, Operation][] => [
  [`GET ${path}`, { summary: 'Metadata', answer: 'Metadata' }],
  [`GET ${path}/ready`, { summary: 'Readiness', answer: 'ModelReady', unready: 'ModelReady' }],
  [`GET ${path}/config`, { summary: 'What it was loaded with', answer: 'Config' }],
  [`GET ${path}/stats`, { summary: 'Statistics', answer: 'Statistics' }],
  [`POST ${path}/infer`, { summary: 'Inference; binary tensors as application/octet-stream', answer: 'InferAnswer', body: 'InferRequest', media: ['application/octet-stream'] }], // prettier-ignore
];

const ofPictures = (path: string): [string, Operation][] => [
  [`POST ${path}/predict`, { summary: 'Pictures in, labels out. Scores of a picture sum to 1 before the cut to top; those of a multi-label model are probabilities of their own and do not.', answer: 'Predictions', body: 'PicturesRequest', media: pictures, query: ['top', 'members', 'on_member_failure', 'deadline_ms'] }], // prettier-ignore
  [`POST ${path}/explain`, { summary: `Heat over a picture. ${beyond}`, answer: 'Heat', body: 'PicturesRequest', media: pictures, query: ['label'] }], // prettier-ignore
  [`GET ${path}/report`, { summary: `The report of its run. ${beyond}`, answer: 'text/html' }],
];

const operations = new Map<string, Operation>([
  ['GET /v2/health/live', { summary: 'The process answers', answer: 'Live', isOpen: true }],
  ['GET /v2/health/ready', { summary: 'All models answer', answer: 'Ready', unready: 'NotReady', isOpen: true }],
  ['GET /v2', { summary: 'Server metadata', answer: 'Server' }],
  ['GET /v2/models', { summary: 'Names of loaded models', answer: 'Models' }],
  ['GET /v2/models/stats', { summary: 'Statistics of all', answer: 'Statistics' }],
  ...ofModel(model),
  ...ofModel(`${model}/versions/{version}`),
  ['POST /v2/repository/index', { summary: 'All models known', answer: 'Index', body: 'IndexRequest' }],
  ['POST /v2/repository/models/{model}/load', { summary: 'Load', answer: 'Empty', body: 'ControlRequest' }],
  ['POST /v2/repository/models/{model}/unload', { summary: 'Unload', answer: 'Empty', body: 'ControlRequest' }],
  ...ofPictures('/v1/models/{model}'),
  ...ofPictures('/v1/models/{model}/versions/{version}'),
  ['GET /metrics', { summary: 'Prometheus text 0.0.4', answer: 'text/plain' }],
  ['GET /openapi.json', { summary: 'This description', answer: 'Description', isOpen: true }],
  ['GET /', { summary: 'A page to try models', answer: 'text/html', isOpen: true, isKept: true }],
  ['GET /page/{file}', { summary: 'Files of that page', answer: '*/*', isOpen: true, isKept: true }],
]);

/** The schemas, each with its example. */
const shown = Object.fromEntries(
  Object.entries(schemas).map(([name, schema]) => [name, { ...schema, examples: [examples[name as Schema]] }]),
);

/** The document for `/openapi.json`. */
export function openapiDocument(version: string): Json {
  const paths = new Map<string, Map<string, Json>>();
  for (const [key, operation] of operations) {
    const [method = '', path = ''] = key.split(' ');
    const at = paths.get(path) ?? new Map<string, Json>();
    paths.set(path, at.set(method.toLowerCase(), operationOf(path, operation)));
  }
  return {
    openapi: '3.1.0',
    info: { title: 'graft serve', version },
    paths: Object.fromEntries([...paths].map(([path, at]) => [path, Object.fromEntries(at)])),
    components: { schemas: shown, securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  };
}

const bytes = { type: 'string', contentEncoding: 'binary' };
const headers = { 'x-request-id': { schema: { type: 'string' } } };

function operationOf(
  path: string,
  { summary, answer, body, media = [], query = [], unready, isOpen = false, isKept = false }: Operation,
): Json {
  // prettier-ignore
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })); // prettier-ignore
  const asked = query.map(name => ({ name, in: 'query', schema: { type: 'string' } }));
  const content = answer.includes('/') ? { [answer]: { schema: bytes } } : { 'application/json': { schema: ref(answer as Schema) }, ...(answer === 'InferAnswer' ? { 'application/octet-stream': { schema: bytes } } : {}) }; // prettier-ignore
  const taken = { ...(body ? { 'application/json': { schema: ref(body) } } : {}), ...Object.fromEntries(media.map(type => [type, { schema: bytes }])) }; // prettier-ignore
  return {
    summary,
    parameters: [...named, ...asked],
    ...(Object.keys(taken).length > 0 ? { requestBody: { content: taken } } : {}),
    responses: {
      200: { description: 'Done', headers, content },
      ...(isKept ? { 304: { description: 'As it was', headers } } : {}),
      ...refusals(unready),
    },
    security: isOpen ? [] : [{ key: [] }, {}],
  };
}

const { INTERNAL, ...said } = errors;
const known = [
  ...Object.values(said).map(make => make({ reason: '' })),
  INTERNAL(undefined),
  imageErrors.CORRUPT({ format: '', reason: '' }),
  imageErrors.UNSUPPORTED({ found: '', wanted: '' }),
  imageErrors.TOO_LARGE({ found: '', limit: '' }),
];

/** Every status of the table of codes, with its codes. */
function refusals(unready: Schema | undefined): Json {
  const codes = new Map<number, string[]>();
  for (const error of known) {
    const status = statusOf(error);
    codes.set(status, [...(codes.get(status) ?? []), error.code]);
  }
  const responses = [...codes].map(([status, all]) => {
    const schema = status === 503 && unready ? { anyOf: [ref(unready), ref('Error')] } : ref('Error');
    const example = { ...examples.Error, code: all[0] };
    return [status, { description: all.join(', '), headers, content: { 'application/json': { schema, ...(unready ? {} : { example }) } } }]; // prettier-ignore
  });
  return Object.fromEntries(responses) as Json;
}
