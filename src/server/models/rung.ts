// Which way an ensemble answers when time is short. A run of r rows on rung k is expected to take
//   warm-up time of k for one picture · r · factor[k][size of r],
// sizes being powers of two. Measured runs move the factor of their rung and size by an exponential mean; factors of rungs that
// were not asked drift towards it, for what slowed them may be over and only runs would show it.

import type { ServedRung } from '../served.js';

/** What a measurement counts against those before it, and what it counts for rungs that were passed over. */
const [weight, drift] = [0.2, 0.05];

/** What the rungs of a model cost now. */
export class RungTimes {
  readonly #rungs: readonly ServedRung[];
  /** By rung and by the power of two of the rows. */
  readonly #factors: number[][];

  /** @param rungs the dearest first: the whole model */
  constructor(rungs: readonly ServedRung[] = []) {
    this.#rungs = rungs;
    this.#factors = rungs.map(() => []);
  }

  /** Milliseconds that a run is expected to take; 0 where the model has one way only. */
  expected(rung: number, rows: number): number {
    const known = this.#rungs[rung];
    return known ? known.milliseconds * rows * factorAt(this.#factors[rung]!, sizeOf(rows)) : 0;
  }

  /** The dearest rung that ends within so many milliseconds, or else the cheapest. */
  choose(rows: number, milliseconds: number): number {
    const last = this.#rungs.length - 1;
    let rung = 0;
    while (rung < last && this.expected(rung, rows) > milliseconds) rung++;
    return rung;
  }

  /** Takes a run into account. */
  measured(rung: number, rows: number, milliseconds: number): void {
    const known = this.#rungs[rung];
    if (!known || rows < 1 || known.milliseconds <= 0) return;
    const size = sizeOf(rows);
    const found = milliseconds / (known.milliseconds * rows);
    this.#factors.forEach((factors, one) => {
      const before = factors[size];
      if (one === rung) factors[size] = before === undefined ? found : before + weight * (found - before);
      else if (before !== undefined) factors[size] = before + drift * (found - before);
    });
  }

  /** Members that the whole model asks and this rung does not. */
  missing(rung: number): string[] {
    const asked = this.#rungs[rung]?.members ?? [];
    return (this.#rungs[0]?.members ?? []).filter(name => !asked.includes(name));
  }
}

const sizeOf = (rows: number): number => Math.ceil(Math.log2(Math.max(1, rows)));

/** Of this size, or of the nearest one that was measured; 1 before the first. */
function factorAt(factors: readonly number[], size: number): number {
  for (let away = 0; away <= Math.max(size, factors.length); away++) {
    const near = factors[size - away] ?? factors[size + away];
    if (near !== undefined) return near;
  }
  return 1;
}
