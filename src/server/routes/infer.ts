// POST …/infer: the protocol's own inference; bodies are read and written by protocol/.

import type { FastifyInstance } from 'fastify';
import { errors } from '../errors.js';
import { readInferRequest, writeInferAnswer } from '../protocol/index.js';
import { bodyOf, goneSignal, mediaOf } from './body.js';
import type { RouteContext } from './context.js';
import { modelAt, modelPaths, type ModelParams } from './models.js';
import { refusedBefore } from './predict.js';

// curl -d says that it sends a form
const taken = new Set(['', 'application/json', 'application/octet-stream', 'application/x-www-form-urlencoded']);

/** Inference with tensors. */
export function inferRoutes(app: FastifyInstance, { models, limits }: RouteContext): void {
  for (const path of modelPaths)
    app.post<{ Params: ModelParams }>(`${path}/infer`, { config: { role: 'infer' } }, async (request, reply) => {
      const model = modelAt(models, request.params);
      const signal = goneSignal(reply);
      const arrived = model.announce?.();
      const read = await refusedBefore(model, async () => {
        if (!taken.has(mediaOf(request)))
          throw errors.UNSUPPORTED_MEDIA({ reason: 'send application/json or application/octet-stream' });
        const length = request.headers['inference-header-content-length'];
        return readInferRequest(bodyOf(request), length?.toString(), model.facts, limits);
      }).catch((error: unknown) => {
        arrived?.();
        throw error;
      });
      const running = model.run({ ...read.run, signal });
      arrived?.();
      const answer = await running;
      const { body, headers } = writeInferAnswer(model.facts, read, answer);
      return reply.headers(headers).send(typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.length)); // prettier-ignore
    });
}
