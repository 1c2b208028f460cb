// The thread that ends its process when the server is gone: the thread beside it may be in a run that never ends, and would
// not notice. It also tells the server how much memory the process holds, where the system has no table of it.

import { Socket } from 'node:net';
import { inherited } from './inherited.js';

/** Milliseconds in which a process that is not in a run ends by itself. */
const grace = 500;
const interval = 500;

const life = new Socket({ fd: inherited.life, readable: true, writable: true });
life.on('error', () => undefined);
life.on('close', () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), grace));
life.on('end', () => life.destroy());
life.resume();
if (process.platform !== 'linux') {
  const tell = (): void => void life.write(`${process.memoryUsage.rss()}\n`);
  tell();
  setInterval(tell, interval);
}
