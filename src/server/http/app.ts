// The Fastify app and all that surrounds a request before and after its route: ids, traces, strict HTTP, limits, keys,
// origins, bodies, refusals, counts, one log line. Routes are added by whoever builds the app.

import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Socket } from 'node:net';
import type { Logger } from 'pino';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { HttpFacts } from '../metrics.js';
import { statusOf } from '../statuses.js';
import { callerOf, checkAccess, checkOrigin, checkOrigins } from './access.js';
import { commonHeaders, refusalOf } from './answers.js';
import { checkLength, takeBodies } from './bodies.js';
import { idOf, watchConnections, type Connections } from './connections.js';
import type { Access } from './keys.js';
import { PathMethods } from './methods.js';
import { serverOf, type Tls } from './node-server.js';
import { faultOf } from './strict-http.js';
import { traceOf } from './trace.js';

/** What an app is built of. */
export interface AppOptions {
  readonly limits: Limits;
  readonly access: Access;
  readonly log: Logger;
  /** Exact origins whose pages may call. @default none */
  readonly cors?: readonly string[];
  /** Requests a minute of a key, or of an address without keys. @default no limit */
  readonly rateLimit?: number;
  readonly tls?: Tls;
  /** Hears of every answer; those without a route never reached the router. */
  readonly onAnswered?: (facts: HttpFacts) => void;
  /** Hears that one request more or less is being answered. */
  readonly onInFlight?: (delta: 1 | -1) => void;
}

/** Headers that pages of other origins may send and read. */
const sendable = ['authorization', 'content-type', 'content-encoding', 'inference-header-content-length', 'traceparent', 'x-request-id']; // prettier-ignore
const readable = ['inference-header-content-length', 'retry-after', 'x-request-id'];

/**
 * An app without routes. Hooks and parsers are in place; add routes, then `await app.ready()` or `app.listen`.
 *
 * @throws SERVE_CORS, SERVE_TLS
 * @example
 * const app = buildApp({ limits: defaultLimits, access: { keys: [] }, log: createLog() });
 * app.get('/hello', requireRole('none'), async () => ({ hello: true }));
 */
export function buildApp(options: AppOptions): FastifyInstance {
  const { limits, access, cors: origins = [] } = options;
  checkOrigins(origins, access);
  const life: Life = { options, inFlight: 0, bytes: 0 };
  const app: FastifyInstance = Fastify({
    logger: false,
    genReqId: idOf,
    bodyLimit: limits.body,
    requestTimeout: limits.requestTime,
    keepAliveTimeout: limits.keepAlive,
    return503OnClosing: false,
    exposeHeadRoutes: true,
    // names that are too long are told so by the routes
    routerOptions: { maxParamLength: limits.url },
    frameworkErrors: (error, request: FastifyRequest, reply: FastifyReply) => {
      begin(life, request, reply);
      closeAfter(life, request, reply);
      answerRefusal(life, error, request, reply);
    },
    // watchConnections answers these
    clientErrorHandler: () => undefined,
    serverFactory: handler => {
      const server = serverOf(options);
      life.connections = watchConnections(server, limits.body, (error, id) => {
        const facts = { request_id: id, code: error.code, status: statusOf(error) };
        options.log.info({ ...facts, reason: error.message }, 'broken request');
        options.onAnswered?.({ method: 'unknown', status: facts.status, seconds: 0 });
      });
      server.on('request', (request, response) => {
        if (life.connections?.take(request, response)) handler(request, response);
        else request.resume();
      });
      return server;
    },
  });
  connectionsOf.set(app, () => life.connections);
  takeBodies(app, limits);
  const methods = new PathMethods();
  methods.watch(app);
  app.setErrorHandler((error, request, reply) => answerRefusal(life, error, request, reply));
  // reached by no request: the first hook below refuses those without a route
  app.setNotFoundHandler((request, reply) => answerRefusal(life, notFound(request, reply, methods), request, reply));
  app.addHook('onRequest', async (request, reply) => {
    begin(life, request, reply);
    const fault = faultOf(request.raw, limits);
    if (fault !== undefined) {
      closeAfter(life, request, reply);
      throw fault;
    }
    if (life.inFlight > limits.inFlight && !isHealth(request))
      throw errors.QUEUE_FULL({ reason: `${limits.inFlight} requests are being answered` });
  });
  if (origins.length > 0) void app.register(cors, { origin: origins.includes('*') ? '*' : [...origins], methods: ['GET', 'HEAD', 'POST'], allowedHeaders: sendable, exposedHeaders: readable, maxAge: 600 }); // prettier-ignore
  if (options.rateLimit !== undefined) void app.register(rateLimit, { global: false });
  app.after(() => {
    app.addHook('onRequest', async (request, reply) => {
      checkOrigin(request, origins);
      if (request.is404) throw notFound(request, reply, methods);
      if (request.method !== 'OPTIONS') checkAccess(request, access);
      checkLength(request.raw, limits);
    });
    if (options.rateLimit !== undefined) limitRate(app, options.rateLimit, options);
  });
  // only now is the body wanted
  app.addHook('preParsing', async ({ raw }, reply, payload) => {
    reserve(life, raw, reply);
    watchIdle(life, raw);
    if (raw.headers.expect !== undefined && raw.httpVersion === '1.1') reply.raw.writeContinue();
    return payload;
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const { raw } = request;
    if (hasBody(raw) && !raw.complete) closeAfter(life, request, reply);
    if (raw.socket instanceof Socket) raw.socket.setTimeout(limits.idleTime);
    return payload;
  });
  return app;
}

const connectionsOf = new WeakMap<FastifyInstance, () => Connections | undefined>();

/** Ends connections of an app over which nothing is being answered. */
export const dropIdleConnections = (app: FastifyInstance): void => connectionsOf.get(app)?.()?.dropIdle();

/** What is known of an app while it lives. */
interface Life {
  readonly options: AppOptions;
  connections?: Connections;
  inFlight: number;
  /** Bytes that their bodies may come to. */
  bytes: number;
}

const isHealth = ({ routeOptions: { url } }: FastifyRequest): boolean => url?.startsWith('/v2/health/') === true;

const hasBody = ({ headers }: FastifyRequest['raw']): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function begin(life: Life, request: FastifyRequest, reply: FastifyReply): void {
  const { options } = life;
  const from = performance.now();
  life.inFlight++;
  options.onInFlight?.(1);
  reply.headers(commonHeaders(request.id));
  const trace = traceOf(request.headers.traceparent);
  reply.raw.once('close', () => {
    life.inFlight--;
    options.onInFlight?.(-1);
    const milliseconds = performance.now() - from;
    const { raw } = reply;
    const error = life.connections?.errorOf(request.raw);
    // 499: the client left before its answer
    const status = raw.headersSent ? raw.statusCode : error ? statusOf(error) : 499;
    const { url: route } = request.routeOptions;
    options.onAnswered?.({ route, method: request.method, status, seconds: milliseconds / 1000 });
    options.log.info(
      {
        request_id: request.id,
        trace_id: trace.traceId,
        ...(trace.parentId === undefined ? {} : { parent_id: trace.parentId }),
        method: request.method,
        route: route ?? 'unknown',
        status,
        ms: Math.round(milliseconds * 1000) / 1000,
        ...(raw.headersSent && !raw.writableFinished ? { is_cut: true } : {}),
      },
      'request',
    );
  });
}

/** What comes behind a request that was not read whole, or may be read in two ways, is no request. */
function closeAfter({ connections }: Life, { raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'close');
  connections?.endAfter(raw);
}

function answerRefusal(
  { options: { log }, connections }: Life,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  // prettier-ignore
  // the connection was told already; what the app meets then is only its end
  if (connections?.errorOf(request.raw)) {
    reply.hijack();
    return;
  }
  const { status, headers, body, fault, code } = refusalOf(thrown, request.id);
  if (fault !== undefined) log.error({ request_id: request.id, code, err: fault }, 'request failed');
  void reply.status(status).headers(headers).send(body);
}

function notFound(request: FastifyRequest, reply: FastifyReply, methods: PathMethods) {
  const allowed = methods.of(request.raw.url ?? '');
  if (allowed.length === 0) return errors.NOT_FOUND({ reason: 'there is nothing at this path' });
  reply.header('allow', allowed.join(', '));
  return errors.METHOD_NOT_ALLOWED({ reason: `this path takes ${allowed.join(', ')}` });
}

/**
 * Keeps room for a body until it is answered. What is packed or does not announce its length may become as large as any.
 *
 * @throws QUEUE_FULL
 */
function reserve(life: Life, raw: FastifyRequest['raw'], reply: FastifyReply): void {
  if (!hasBody(raw)) return;
  const { body, inFlightBytes } = life.options.limits;
  const isPlain = raw.headers['content-encoding'] === undefined && raw.headers['transfer-encoding'] === undefined;
  const bytes = isPlain ? Number(raw.headers['content-length']) : body;
  if (life.bytes + bytes > Math.max(inFlightBytes, body))
    throw errors.QUEUE_FULL({ reason: `${inFlightBytes} bytes of requests are being answered` });
  life.bytes += bytes;
  reply.raw.once('close', () => {
    life.bytes -= bytes;
  });
}

/** A sender that falls silent within its body is not waited for. */
function watchIdle({ options: { limits }, connections }: Life, raw: FastifyRequest['raw']): void {
  const { socket } = raw;
  if (!(socket instanceof Socket) || !hasBody(raw)) return;
  socket.setTimeout(limits.idleTime);
  const late = (): void => connections?.fail(socket, errors.REQUEST_TIMEOUT({ reason: 'the body stopped arriving' }));
  raw.once('timeout', late);
  raw.once('end', () => {
    raw.off('timeout', late);
    socket.setTimeout(0);
  });
}

function limitRate(app: FastifyInstance, max: number, { access }: AppOptions): void {
  const limit = app.rateLimit({
    max,
    timeWindow: 60_000,
    keyGenerator: request => callerOf(request, access),
    errorResponseBuilder: (_request, { ttl }) =>
      errors.RATE_LIMITED(Object.assign({ reason: `more than ${max} requests in a minute` }, { retryAfter: ttl / 1000 })), // prettier-ignore
  });
  app.addHook('onRequest', async function (request, reply) {
    if (!isHealth(request)) await limit.call(this, request, reply);
  });
}
