// The page to try models with, as files in memory; and the text of the counters.

import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errors } from '../errors.js';
import { openapiDocument } from '../openapi/document.js';
import type { Asset, RouteContext } from './context.js';

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'";

/** `/`, `/page/{file}` and `/metrics`. */
export function pageRoutes(
  app: FastifyInstance,
  { assets = new Map<string, Asset>(), metrics, version, isMetricsOpen = false }: RouteContext,
): void {
  // prettier-ignore
  const tags = new Map([...assets].map(([name, { body }]) => [name, tagOf(body)]));
  const give = (name: string, { headers }: FastifyRequest, reply: FastifyReply) => {
    const asset = assets.get(name);
    if (!asset) throw errors.NOT_FOUND({ reason: 'there is no such page' });
    const etag = tags.get(name)!;
    reply.headers({ etag, 'cache-control': 'no-cache', 'content-security-policy': policy, 'referrer-policy': 'no-referrer' }); // prettier-ignore
    const isHeld = headers['if-none-match']?.split(',').some(one => one.trim().replace(/^W\//, '') === etag);
    if (isHeld) return reply.status(304).send();
    return reply.header('content-type', asset.type).send(Buffer.from(asset.body));
  };
  const open = { config: { role: 'none' } } as const;
  const document = openapiDocument(version);
  app.get('/openapi.json', open, async () => document);
  app.get('/', open, async (request, reply) => give('index.html', request, reply));
  app.get<{ Params: { readonly file: string } }>('/page/:file', open, async (request, reply) =>
    give(request.params.file, request, reply),
  );
  app.get('/metrics', { config: { role: isMetricsOpen ? 'none' : 'infer' } }, async (_request, reply) =>
    reply.header('content-type', metrics.contentType).send(await metrics.render()),
  );
}

const tagOf = (body: Uint8Array): string => `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
