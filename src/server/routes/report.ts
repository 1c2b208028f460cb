// GET /v1/models/{m}/report: the report of the run that a bundle comes from, where it lies beside it. Beyond the contract.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { errors } from '../errors.js';
import { modelAt, picturePaths, type ModelParams } from './models.js';
import type { RouteContext } from './context.js';

const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox";

/** Reports. */
export function reportRoutes(app: FastifyInstance, { models, limits }: RouteContext): void {
  for (const path of picturePaths)
    app.get<{ Params: ModelParams }>(`${path}/report`, { config: { role: 'infer' } }, async (request, reply) => {
      const model = modelAt(models, request.params);
      const folder = models.pathOf(model);
      const file = folder === undefined ? undefined : await reportBeside(folder, limits.body);
      if (file === undefined) throw errors.NOT_FOUND({ reason: `model ${model.facts.name} has no report` });
      return reply
        .headers({
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': policy,
          'referrer-policy': 'no-referrer',
        }) // prettier-ignore
        .send(await readFile(file));
    });
}

/** In the folder itself, or in the run's folder around a bundle. */
async function reportBeside(folder: string, most: number): Promise<string | undefined> {
  const isFile = (path: string) =>
    stat(path).then(
      facts => facts.isFile() && facts.size <= most,
      () => false,
    );
  const own = join(folder, 'report.html');
  if (await isFile(own)) return own;
  const isInRun = (await isFile(join(folder, 'manifest.json'))) && (await isFile(join(folder, '..', 'run.json')));
  const around = join(folder, '..', 'report.html');
  return isInRun && (await isFile(around)) ? around : undefined;
}
