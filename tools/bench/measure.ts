// What the benches share: CPU and wall time of a piece of work, and a robust middle.   Usage: imported by the others.

/** Milliseconds of all threads of the process, and of the clock. */
export interface Measured {
  readonly cpu: number;
  readonly wall: number;
}

export async function measured(work: () => unknown): Promise<Measured> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, wall: performance.now() - began };
}

export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
