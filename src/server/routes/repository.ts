// The repository: its index, loading and unloading (serving-protocol.md, section 6). Nothing from elsewhere is loaded.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errors } from '../errors.js';
import { checkName, parseJson } from '../protocol/index.js';
import type { Limits } from '../limits.js';
import { bodyOf } from './body.js';
import type { RouteContext } from './context.js';

interface Named {
  Params: { readonly model: string };
}

/** Index, load, unload. */
export function repositoryRoutes(app: FastifyInstance, context: RouteContext): void {
  const { models, limits } = context;
  app.post('/v2/repository/index', { config: { role: 'infer' } }, async request => {
    const ready = objectIn(request, limits).get('ready');
    if (ready !== undefined && typeof ready !== 'boolean') throw errors.BAD_REQUEST({ reason: 'ready must be true or false' }); // prettier-ignore
    const all = models.index();
    return ready === undefined ? all : all.filter(({ state }) => (state === 'READY') === ready);
  });
  const admin = { config: { role: 'admin' } } as const;
  app.post<Named>('/v2/repository/models/:model/load', admin, async request => {
    const name = controlled(request, context);
    await models.load(name, overrides(parametersIn(request, limits), limits));
    return {};
  });
  app.post<Named>('/v2/repository/models/:model/unload', admin, async request => {
    const name = controlled(request, context);
    const dependents = parametersIn(request, limits).get('unload_dependents') ?? false;
    if (typeof dependents !== 'boolean') throw errors.BAD_PARAMETER({ reason: 'unload_dependents must be true or false' }); // prettier-ignore
    await models.unload(name, dependents);
    return {};
  });
}

function controlled({ params: { model } }: FastifyRequest<Named>, { isModelControlOn }: RouteContext): string {
  if (!isModelControlOn) throw errors.FORBIDDEN({ reason: 'loading and unloading is off; start with --model-control explicit' }); // prettier-ignore
  checkName(model);
  return model;
}

/** The body as an object; empty where there is none. */
function objectIn(request: FastifyRequest, limits: Limits): Map<string, unknown> {
  const body = bodyOf(request);
  if (body.length === 0) return new Map();
  const value = parseJson(body, limits);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.BAD_REQUEST({ reason: 'the body must be an object' });
  return new Map(Object.entries(value));
}

const known = new Set(['config', 'unload_dependents']);
const address = /^\s*(?:file:|[a-z][a-z0-9+.-]*:\/\/)/i;

function parametersIn(request: FastifyRequest, limits: Limits): Map<string, unknown> {
  const value = objectIn(request, limits).get('parameters') ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw errors.BAD_PARAMETER({ reason: 'parameters must be an object' }); // prettier-ignore
  const parameters = new Map<string, unknown>(Object.entries(value));
  if (parameters.size > limits.parameters) throw errors.BAD_PARAMETER({ reason: `more than ${limits.parameters} parameters` }); // prettier-ignore
  for (const [key, given] of parameters) {
    if (address.test(key) || (typeof given === 'string' && address.test(given)))
      throw errors.FORBIDDEN({ reason: 'models come from the repository only: no files and no addresses' });
    if (!known.has(key) && /^(graft|triton)_/.test(key)) throw errors.BAD_PARAMETER({ reason: `${key} is not known` });
    if (typeof given === 'string' && given.length > limits.parameter)
      throw errors.BAD_PARAMETER({ reason: `${key} is longer than ${limits.parameter} characters` });
  }
  return parameters;
}

function overrides(parameters: ReadonlyMap<string, unknown>, limits: Limits): Record<string, unknown> | undefined {
  const text = parameters.get('config');
  if (text === undefined) return undefined;
  if (typeof text !== 'string') throw errors.BAD_PARAMETER({ reason: 'config must be JSON as text' });
  const value = parseJson(new TextEncoder().encode(text), limits);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.BAD_PARAMETER({ reason: 'config must be a JSON object' });
  if (holdsAddress(value)) throw errors.FORBIDDEN({ reason: 'config must not hold files or addresses' });
  return { ...value };
}

/** The reader has bounded the depth. */
const holdsAddress = (value: unknown): boolean =>
  typeof value === 'string'
    ? address.test(value)
    : typeof value === 'object' &&
      value !== null &&
      Object.entries(value).some(([key, one]) => address.test(key) || holdsAddress(one));
