// Who may ask: keys and roles of every request, origins of browsers, and the addresses a server may listen at
// (safety.md 5.1, 5.2). Decided before a byte of the body is read.

import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { errors as requestErrors } from '../errors.js';
import type { Role } from '../routes/context.js';
import { errors } from './errors.js';
import { bearer, roleOf, type Access } from './keys.js';

/** The option of a route that says who may ask: `app.get(path, requireRole('admin'), …)`; without it, `infer`. */
export const requireRole = (role: Role): { config: { role: Role } } => ({ config: { role } });

/** @throws UNAUTHENTICATED without a known key, FORBIDDEN for one of the wrong role; nothing where no keys are set */
export function checkAccess(request: FastifyRequest, access: Access): void {
  const wanted = request.routeOptions.config.role ?? 'infer';
  if (access.keys.length === 0 || wanted === 'none') return;
  const key = bearer(request.headers.authorization);
  if (key === undefined) throw requestErrors.UNAUTHENTICATED({ reason: 'a key is wanted: Authorization: Bearer KEY' });
  const role = roleOf(key, access);
  if (role === undefined) throw requestErrors.UNAUTHENTICATED({ reason: 'the key is not known here' });
  if (wanted === 'admin' && role !== 'admin')
    throw requestErrors.FORBIDDEN({ reason: 'this key may infer; a key with the role admin is wanted' });
}

/**
 * Pages of other sites can send some requests without being asked first, and a server on localhost without keys would do
 * them. Browsers say where every POST comes from: only this server's own pages and listed origins may.
 *
 * @throws FORBIDDEN
 */
export function checkOrigin({ method, headers }: FastifyRequest, origins: readonly string[]): void {
  const { origin, host } = headers;
  if (origin === undefined || method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  if (origins.includes('*') || origins.includes(origin)) return;
  if (origin.replace(/^https?:\/\//i, '').toLowerCase() === host?.toLowerCase()) return;
  throw requestErrors.FORBIDDEN({ reason: 'pages of this origin may not call: list it with --cors-origin' });
}

/** Whose requests are counted together: those of a key that is known, or of an address. */
export function callerOf(request: FastifyRequest, access: Access): string {
  const key = bearer(request.headers.authorization);
  return key !== undefined && roleOf(key, access) !== undefined
    ? createHash('sha256').update(key).digest('base64')
    : request.ip;
}

/** What a server is to listen at, and what guards it. */
export interface AddressFacts {
  readonly host: string;
  readonly hasKeys: boolean;
  readonly isInsecureAllowed: boolean;
}

/**
 * Lets a server start where nobody else reaches it, where keys are set, or where somebody said that neither is wanted.
 *
 * @throws SERVE_NO_KEYS
 */
export function checkAddress({ host, hasKeys, isInsecureAllowed }: AddressFacts): void {
  if (!isLoopback(host) && !hasKeys && !isInsecureAllowed) throw errors.NO_KEYS({ host });
}

function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1').replace(/^::ffff:/, ''); // prettier-ignore
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/** @throws SERVE_CORS for what is no origin, and for `*` where keys are set */
export function checkOrigins(origins: readonly string[], { keys }: Access): void {
  for (const origin of origins) {
    if (origin === '*') {
      if (keys.length > 0) throw errors.CORS({ origin, reason: 'would give pages of any site the use of keys' });
    } else if (!isOrigin(origin)) throw errors.CORS({ origin, reason: 'is none that a browser sends' });
  }
}

function isOrigin(text: string): boolean {
  try {
    const { origin, protocol } = new URL(text);
    return origin === text && !text.includes('*') && (protocol === 'http:' || protocol === 'https:');
  } catch {
    return false;
  }
}
