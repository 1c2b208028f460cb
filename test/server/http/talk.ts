// An app to test with, its log kept as lines, and bytes over a socket to it.

import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { buildApp, createLog, requireRole, type AppOptions } from '../../../src/server/http/index.js';
import { defaultLimits, type Limits } from '../../../src/server/limits.js';

/** An app with an endpoint for each kind of test, not listening yet. */
export function makeApp(
  options: Partial<Omit<AppOptions, 'limits'>> & { limits?: Partial<Limits> } = {},
  routes: (app: FastifyInstance) => void = inferLength,
): { app: FastifyInstance; lines: string[]; entries: () => Record<string, unknown>[] } {
  const lines: string[] = [];
  const log = createLog({ level: 'info', sink: { write: line => lines.push(line) } });
  const app = buildApp({ access: { keys: [] }, log, ...options, limits: { ...defaultLimits, ...options.limits } });
  app.get('/v2/health/live', requireRole('none'), async () => ({ live: true }));
  app.get('/v2', requireRole('infer'), async () => ({ name: 'graft' }));
  app.post('/v2/repository/models/:model/load', requireRole('admin'), async () => ({}));
  app.post('/slow/:time', async request => {
    await sleep(Number((request.params as { time: string }).time));
    return { slow: true };
  });
  app.get('/fault', async () => {
    throw new Error('secret path /etc/fault');
  });
  routes(app);
  return { app, lines, entries: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) };
}

/** Listens at a free port. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

/** Sends bytes and gives all that comes back until the other side ends the connection, or until it was silent for long. */
export function talk(
  port: number,
  bytes: string | Uint8Array,
  silence = 20_000,
): Promise<{ text: string; ended: boolean }> {
  // prettier-ignore
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const done = (ended: boolean): void => {
      socket.destroy();
      resolve({ text, ended });
    };
    socket.setTimeout(silence, () => done(false));
    socket.on('data', chunk => (text += chunk.toString('latin1')));
    socket.on('end', () => done(true));
    socket.on('error', () => done(true));
    socket.on('close', () => done(true));
    socket.write(bytes);
  });
}

/** An answer in its parts. */
export function parseAnswer(text: string) {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') };
}

/** Instead of inference: how many bytes came. */
function inferLength(app: FastifyInstance): void {
  app.post<{ Params: { model: string } }>('/v2/models/:model/infer', requireRole('infer'), async request => ({
    model: request.params.model,
    bytes: Buffer.isBuffer(request.body) ? request.body.length : 0,
  }));
}
