// How a server ends: not ready at once, still answering for a while, then no new connections, then what is in flight, then
// the end. The caller wires signals: the first is `begin`, the second `force`.

import type { FastifyInstance } from 'fastify';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import { dropIdleConnections } from './app.js';

/** What draining needs. */
export interface DrainOptions {
  readonly limits: Pick<Limits, 'drainAccept' | 'drainFinish'>;
  /** Is told when draining begins. */
  readonly onDrain?: () => void;
}

/** The end of a server. */
export interface Drain {
  isDraining(): boolean;
  /** Starts draining; the same promise as `finished`. A second call is `force`. */
  begin(): Promise<number>;
  /** Ends all connections now. */
  force(): Promise<number>;
  /** The exit status when all is closed: 0, or 1 where it was forced. */
  readonly finished: Promise<number>;
}

/** Connections that have not sent a request yet are given so long after the last were taken. */
const graceTime = 1_000;

/**
 * Makes an app end well. Call it before the app is ready.
 *
 * @example
 * const drain = drainable(app, { limits });
 * process.on('SIGTERM', () => void drain.begin().then(status => process.exit(status)));
 */
export function drainable(app: FastifyInstance, { limits, onDrain }: DrainOptions): Drain {
  let state: 'open' | 'draining' | 'closing' | 'forced' = 'open';
  let settle: (status: number) => void = () => undefined;
  const finished = new Promise<number>(resolve => (settle = resolve));
  let wake: () => void = () => undefined;
  const pause = (milliseconds: number): Promise<void> =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  app.addHook('onRequest', async () => {
    if (state === 'closing') throw errors.DRAINING({ reason: 'this server is shutting down' });
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    if (state !== 'open') reply.header('connection', 'close');
    return payload;
  });

  const drain = async (): Promise<void> => {
    onDrain?.();
    await pause(limits.drainAccept);
    if (state === 'forced') return;
    state = 'closing';
    let isClosed = false;
    const closed = app.close().finally(() => (isClosed = true));
    const grace = setTimeout(() => dropIdleConnections(app), Math.min(graceTime, limits.drainFinish));
    await Promise.race([closed, pause(limits.drainFinish)]);
    clearTimeout(grace);
    wake();
    if (!isClosed) app.server.closeAllConnections();
    // what else is closed with the app keeps its own time; the process need not wait for it
    settle(0);
  };
  const force = (): Promise<number> => {
    state = 'forced';
    app.server.closeAllConnections();
    wake();
    void app.close().catch(() => undefined);
    settle(1);
    return finished;
  };
  return {
    isDraining: () => state !== 'open',
    begin: () => {
      if (state !== 'open') return force();
      state = 'draining';
      // an app that fails to close has ended none the less
      drain().catch(() => settle(1));
      return finished;
    },
    force,
    finished,
  };
}
