// Which processes live, told apart from later ones that got the same number.

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, as far as the system can name it for good. */
export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** Linux: the boot and the tick of its start; else empty. */
  readonly start: string;
  /** Linux: the space in which its number means something (containers have their own); else empty. */
  readonly space: string;
}

/** This process. */
export const thisProcess = (): ProcessMark => ({
  pid: process.pid,
  host: hostname(),
  start: statusOf(process.pid)?.start ?? '',
  space: spaceOf(),
});

/**
 * Whether a process may still run. True where that cannot be known: it is of another machine or container.
 * A number that now names a later process counts as gone.
 */
export function mayLive(mark: ProcessMark): boolean {
  if (mark.host !== hostname() || mark.space !== spaceOf()) return true;
  if (!isAlive(mark.pid)) return false;
  const now = statusOf(mark.pid)?.start ?? '';
  return mark.start === '' || now === '' || mark.start === now;
}

/** Whether a process of this number runs here; one that has ended and only waits to be collected does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !['Z', 'X'].includes(statusOf(pid)?.state ?? '');
}

/** State and start of a process from /proc; undefined where there is no /proc. */
function statusOf(pid: number): { state: string; start: string } | undefined {
  const line = read(`/proc/${pid}/stat`);
  // The second field, the name in brackets, may itself hold blanks and brackets.
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields?.[0], fields?.[19]];
  if (state === undefined || ticks === undefined) return undefined;
  return { state, start: `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''} ${ticks}` };
}

function spaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
