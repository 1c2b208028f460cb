// All endpoints of the server on an app that already has its hooks.

import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.js';
import { healthRoutes } from './health.js';
import { heatRoutes } from './heat.js';
import { inferRoutes } from './infer.js';
import { modelRoutes } from './models.js';
import { multipartOptions } from './multipart.js';
import { pageRoutes } from './page.js';
import { predictRoutes } from './predict.js';
import { reportRoutes } from './report.js';
import { repositoryRoutes } from './repository.js';

export type { Asset, Role, RouteContext } from './context.js';

/** Adds every endpoint; `app` is not ready before `await app.ready()`. */
export function registerRoutes(app: FastifyInstance, context: RouteContext): void {
  for (const routes of [healthRoutes, modelRoutes, inferRoutes, repositoryRoutes, reportRoutes, pageRoutes])
    routes(app, context);
  // forms are taken here only
  app.register(async forms => {
    await forms.register(multipart, multipartOptions(context.limits));
    predictRoutes(forms, context);
    heatRoutes(forms, context);
  });
}
