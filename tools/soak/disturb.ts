// What is done to a server while it is asked: processes are killed, models are replaced on disk and by requests.

import type { Random } from '../../src/base/index.js';
import { ask, type Answer, type Asker } from './ask.js';
import { codeOf } from './hostile.js';
import { steady, type Swapper } from './models.js';
import { childrenOf } from './processes.js';
import type { Tally } from './tally.js';

/** Kills one of the server's processes, whichever. */
export function killOne(server: number, random: Random, tally: Tally): void {
  const children = childrenOf(server).filter(({ program }) => program !== '');
  const chosen = children[random.integer(Math.max(1, children.length))];
  if (!chosen) return;
  try {
    process.kill(chosen.pid, 'SIGKILL');
    tally.did(`killed a ${chosen.program}`);
  } catch {
    // it went by itself
  }
}

/** Calls of the repository's interface that are in order whatever happens beside them. */
async function call(admin: Asker, model: string, verb: 'load' | 'unload', tally: Tally): Promise<Answer | undefined> {
  const kind = `${verb} ${model}`;
  tally.requests++;
  tally.did(verb);
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(admin, { path: `/v2/repository/models/${model}/${verb}`, headers, body: '{}' });
    const code = codeOf(answer.body);
    tally.answered(kind, answer.status, code);
    // a process that was killed while it loaded is a load that failed
    const isAllowed = answer.status === 422 ? code === 'MODEL_INVALID' : [200, 404, 409, 503].includes(answer.status);
    if (!isAllowed) tally.fault(kind, `answered ${answer.status} ${answer.body.toString()}`);
    return answer;
  } catch (error) {
    tally.lose(kind, String(error));
    return undefined;
  }
}

/** Replaces something. */
export async function replaceOne(admin: Asker, swapper: Swapper, random: Random, tally: Tally): Promise<void> {
  const way = random.integer(5);
  if (way === 0) {
    swapper.addVersion();
    tally.did('new version');
  } else if (way === 1) {
    swapper.swapFile();
    tally.did('file replaced');
  } else if (way === 2) {
    await call(admin, 'come', 'unload', tally);
    await call(admin, 'come', 'load', tally);
  } else if (way === 3) await call(admin, ['add', 'pic', 'ens', 'sum'][random.integer(4)]!, 'load', tally);
  else await call(admin, 'nope', 'load', tally);
}

/** Models that died too often are loaded again, as somebody who looks after a server would. */
export async function revive(admin: Asker, tally: Tally): Promise<void> {
  const { body } = await ask(admin, { path: '/v2/health/ready' });
  const { not_ready: names = [] } = JSON.parse(body.toString()) as { not_ready?: string[] };
  const isDown = new Set(names);
  if (isDown.size === 0) return;
  const index = await ask(admin, { path: '/v2/repository/index', body: '{}' });
  const rows = JSON.parse(index.body.toString()) as { name: string; reason: string }[];
  for (const { name, reason } of rows)
    if (isDown.has(name) && /died \d+ times/.test(reason) && (name === 'spin' || steady.some(one => one === name))) {
      tally.did('taken down by deaths, loaded again');
      await call(admin, name, 'load', tally);
    }
}
