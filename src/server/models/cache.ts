// Answers found again by what was asked: SHA-256 over the model's identity, the outputs asked for, and names, datatypes, shapes
// and bytes of the inputs. The longest unused ones go first. Who asks the same while it is being answered waits for that
// answer; it is given up only when the last of them has gone.

import { createHash } from 'node:crypto';
import type { RunAnswer, RunRequest } from '../served.js';
import type { WireTensor } from '../tensors.js';
import { bytesOf } from './batch.js';

/** Inputs of more bytes are not looked up: hashing them would hold up everybody else. */
const longestHashed = 4 * 1024 * 1024;
/** What an answer takes beside its bytes, about. */
const overhead = 512;

interface Kept {
  readonly answer: RunAnswer;
  readonly bytes: number;
}

interface Flight {
  readonly answer: Promise<RunAnswer>;
  readonly end: AbortController;
  clients: number;
}

/** Answers of one loaded version. */
export class ResponseCache {
  readonly #most: number;
  readonly #sha256: string;
  readonly #kept = new Map<string, Kept>();
  readonly #flights = new Map<string, Flight>();
  #bytes = 0;

  /**
   * @param most bytes of all answers
   * @param sha256 of the model
   */
  constructor(most: number, sha256: string) {
    this.#most = most;
    this.#sha256 = sha256;
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * What a request is found by; nothing where it is not looked up. Only answers of the whole model are kept, so rungs and
   * deadlines are no part of it.
   *
   * @param names of the inputs, as the network has them
   */
  keyOf({ inputs, outputs, members = false }: RunRequest, names: readonly string[]): string | undefined {
    if (bytesOf(inputs) > longestHashed) return undefined;
    const given = names.flatMap(name => (inputs.has(name) ? [[name, inputs.get(name)!] as const] : []));
    const told = given.map(([name, { datatype, shape, data }]) => [name, datatype, shape, data.length]);
    const hash = createHash('sha256').update(JSON.stringify([this.#sha256, outputs ?? 0, members, told]));
    for (const [, { data }] of given) hash.update(data);
    return hash.digest('base64');
  }

  get(key: string): RunAnswer | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    // the last one is the one used last
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return { ...kept.answer, isCached: true };
  }

  /** Keeps an answer of the whole model, where it has room. */
  set(key: string, answer: RunAnswer): void {
    if (answer.degraded) return;
    const tensors = [answer.outputs, ...(answer.members ?? []).map(({ outputs }) => outputs)];
    const bytes = overhead + tensors.reduce((sum, one) => sum + bytesOf(one), 0);
    this.#drop(key);
    if (bytes > this.#most) return;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes + bytes <= this.#most) break;
      this.#drop(oldest);
    }
    const members = answer.members?.map(member => ({ ...member, outputs: ownBytes(member.outputs) }));
    this.#kept.set(key, { answer: { outputs: ownBytes(answer.outputs), ...(members ? { members } : {}) }, bytes });
    this.#bytes += bytes;
  }

  /**
   * What `run` answers, or what one that runs already will.
   *
   * @param key of requests that may share an answer
   * @throws what `run` throws; the reason of `signal`
   */
  async share(
    key: string,
    signal: AbortSignal | undefined,
    run: (signal: AbortSignal) => Promise<RunAnswer>,
  ): Promise<RunAnswer> {
    signal?.throwIfAborted();
    const there = this.#flights.get(key);
    const flight = there ?? this.#begin(key, run);
    flight.clients++;
    try {
      const answer = await unlessGone(flight.answer, signal);
      return there ? { ...answer, isCached: true } : answer;
    } finally {
      if (--flight.clients === 0) {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.end.abort(new Error('nobody waits for it any more'));
      }
    }
  }

  #begin(key: string, run: (signal: AbortSignal) => Promise<RunAnswer>): Flight {
    const end = new AbortController();
    const answer = run(end.signal).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    answer.catch(() => undefined); // told to those who wait for it
    const flight: Flight = { answer, end, clients: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}

/** Tensors that hold no more than their own bytes: a view of one row would keep those of all rows of its run. */
function ownBytes(tensors: ReadonlyMap<string, WireTensor>): ReadonlyMap<string, WireTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, data: Uint8Array.from(tensor.data) }]));
}

function unlessGone<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return answer;
  return new Promise((resolve, reject) => {
    const gone = (): void => {
      reject(signal.reason);
    };
    signal.addEventListener('abort', gone, { once: true });
    answer.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', gone);
    });
  });
}
