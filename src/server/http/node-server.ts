// Node's own server with our limits. Fastify would make one, too, but not one whose connections we could watch.

import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { errors } from '../options-errors.js';
import type { Limits } from '../limits.js';

/** PEM texts. */
export interface Tls {
  readonly key: string;
  readonly cert: string;
}

/** @throws SERVE_TLS */
export function serverOf({ limits, tls }: { readonly limits: Limits; readonly tls?: Tls }): Server {
  const options: ServerOptions = {
    insecureHTTPParser: false,
    requireHostHeader: false,
    maxHeaderSize: limits.headers,
    requestTimeout: limits.requestTime,
    headersTimeout: Math.min(limits.headersTime, limits.requestTime),
    connectionsCheckingInterval: limits.checkInterval,
  };
  const server = tls ? tlsServer(options, tls) : createServer(options);
  server.keepAliveTimeout = limits.keepAlive;
  server.maxConnections = limits.connections;
  // all headers are looked at; their size is limited, and Node would drop those over 2,000 without a word
  server.maxHeadersCount = 0;
  return server;
}

function tlsServer(options: ServerOptions, tls: Tls): Server {
  try {
    return createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' });
  } catch (cause) {
    throw errors.TLS({ reason: 'the certificate or its key is no PEM, or they do not belong together' }, cause);
  }
}
