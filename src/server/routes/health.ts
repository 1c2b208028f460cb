// Whether the process answers, whether its models do, and what the server is.

import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.js';

/** What is offered beside the protocol's core; each has tests. */
export const extensions = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'model_repository(unload_dependents)',
  'parameters',
  'schedule_policy',
  'statistics',
] as const;

/** Health and server metadata. */
export function healthRoutes(app: FastifyInstance, { models, isDraining, version }: RouteContext): void {
  const open = { config: { role: 'none' } } as const;
  app.get('/v2/health/live', open, async () => ({ live: true }));
  app.get('/v2/health/ready', open, async (_request, reply) => {
    const names = models.notReady();
    if (names.length === 0 && !isDraining()) return { live: true, ready: true };
    return reply.status(503).header('retry-after', '1').send({ live: true, ready: false, not_ready: names });
  });
  app.get('/v2', { config: { role: 'infer' } }, async () => ({ name: 'graft', version, extensions }));
}
