// What is loaded: names, metadata (serving-protocol.md, section 3), readiness, configuration, statistics (section 7).

import type { FastifyInstance } from 'fastify';
import { GraftError } from '../../serving.js';
import { checkName, checkVersion } from '../protocol/index.js';
import type { ModelFacts, ModelRepository, ServedModel } from '../served.js';
import type { RouteContext } from './context.js';

export interface ModelParams {
  readonly model: string;
  readonly version?: string;
}
interface Named {
  Params: ModelParams;
}

/** The model that a path names. @throws BAD_NAME; those of `find` */
export function modelAt(models: ModelRepository, { model, version }: ModelParams): ServedModel {
  checkName(model);
  if (version !== undefined) checkVersion(version);
  return models.find(model, version);
}

/** Paths with a version and without one. */
export const modelPaths = ['/v2/models/:model', '/v2/models/:model/versions/:version'] as const;

/** Those of the easy way. */
export const picturePaths = ['/v1/models/:model', '/v1/models/:model/versions/:version'] as const;

/** Names, metadata, readiness, configuration, statistics. */
export function modelRoutes(app: FastifyInstance, { models }: RouteContext): void {
  const role = { config: { role: 'infer' } } as const;
  app.get('/v2/models', role, async () => ({ models: [...new Set(models.loaded().map(({ facts }) => facts.name))] }));
  app.get('/v2/models/stats', role, async () => ({ model_stats: models.loaded().map(statisticsOf) }));
  for (const path of modelPaths) {
    app.get<Named>(path, role, async ({ params }) => metadata(modelAt(models, params).facts, models));
    app.get<Named>(`${path}/config`, role, async ({ params }) => configuration(modelAt(models, params).facts));
    app.get<Named>(`${path}/ready`, role, async ({ params }, reply) => {
      if (isReady(models, params)) return { name: params.model, ready: true };
      return reply.status(503).header('retry-after', '1').send({ name: params.model, ready: false });
    });
    app.get<Named>(`${path}/stats`, role, async ({ params: { model, version } }) => {
      checkName(model);
      if (version !== undefined) checkVersion(version);
      const those = models
        .loaded()
        .filter(({ facts }) => facts.name === model && (version === undefined || facts.version === version));
      return { model_stats: (those.length > 0 ? those : [models.find(model, version)]).map(statisticsOf) };
    });
  }
}

const statisticsOf = ({ facts: { name, version }, statistics }: ServedModel) => ({ name, version, ...statistics });

function isReady(models: ModelRepository, params: ModelParams): boolean {
  try {
    return modelAt(models, params).state.isReady;
  } catch (error) {
    if (error instanceof GraftError && error.code === 'MODEL_NOT_READY') return false;
    throw error;
  }
}

function metadata(facts: ModelFacts, models: ModelRepository) {
  const { name, platform, inputs, outputs, labels, members, task, calibration, preprocessing, rungs } = facts;
  return {
    name,
    versions: models.versionsOf(name),
    platform,
    inputs,
    outputs,
    parameters: {
      version: facts.version,
      sha256: facts.sha256,
      max_batch_size: facts.maxBatch,
      explains: facts.explains === true,
      ...(task === undefined ? {} : { task }),
      ...(labels === undefined ? {} : { labels }),
      ...(members === undefined ? {} : { members }),
      ...(calibration === undefined ? {} : { calibration }),
      ...(facts.sets === undefined ? {} : { sets: facts.sets }),
      ...(rungs === undefined ? {} : { rungs }),
      ...(preprocessing === undefined ? {} : { preprocessing }),
    },
  };
}

const configuration = ({ name, version, platform, maxBatch, sha256, config }: ModelFacts) => ({
  name,
  version,
  platform,
  max_batch_size: maxBatch,
  sha256,
  config,
});
