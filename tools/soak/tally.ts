// What a soak counts: answers by what was asked and by status, lost and wrong ones with their words, times of health probes.

/** Words that are kept of lost and wrong answers. */
const mostWords = 20;

/** Counts of a run. */
export class Tally {
  requests = 0;
  lost = 0;
  wrong = 0;
  /** Answers by `kind status code`. */
  readonly answers = new Map<string, number>();
  /** What was done to the server, by its kind. */
  readonly deeds = new Map<string, number>();
  readonly words: string[] = [];
  readonly health: number[] = [];

  answered(kind: string, status: number, code: string): void {
    add(this.answers, [kind, status, code].filter(text => text !== '').join(' '));
  }

  did(deed: string): void {
    add(this.deeds, deed);
  }

  lose(kind: string, how: string): void {
    this.lost++;
    this.#say(`lost: ${kind}: ${how}`);
  }

  fault(kind: string, how: string): void {
    this.wrong++;
    this.#say(`wrong: ${kind}: ${how}`);
  }

  #say(text: string): void {
    if (this.words.length < mostWords) this.words.push(text.slice(0, 400));
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The value below which a share of the values lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** A value at a time. */
export interface Sample {
  /** Milliseconds. */
  readonly at: number;
  readonly bytes: number;
}

/** Growth over the last half, in MB a minute: the slope of the line of least squares. */
export function slope(samples: readonly Sample[]): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  if (half.length < 2) return 0;
  const meanAt = half.reduce((sum, { at }) => sum + at, 0) / half.length;
  const meanBytes = half.reduce((sum, { bytes }) => sum + bytes, 0) / half.length;
  let [above, below] = [0, 0];
  for (const { at, bytes } of half) {
    above += (at - meanAt) * (bytes - meanBytes);
    below += (at - meanAt) ** 2;
  }
  return below === 0 ? 0 : ((above / below) * 60_000) / 1e6;
}
