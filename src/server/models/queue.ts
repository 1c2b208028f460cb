// Who waits for a free process, in the order in which they are served. Priority p is served as if it had come
// `ageing · (1 − 1/p)` milliseconds later than it did, priority 0 as if `ageing` later: 1 goes before 2 before … before 0, but
// who has waited so much longer goes first, so that nobody waits for ever. Within a priority the first to come is the first.

import { Heap } from './heap.js';

/** A place in the queue. */
export interface Ticket<T> {
  readonly item: T;
  /** Milliseconds of `performance.now()`: smaller ones are served first. */
  readonly due: number;
  readonly order: number;
  /** When it is over with waiting. */
  readonly expiry: number;
}

export interface QueueOptions<T> {
  /** Most that wait. */
  readonly most: number;
  /** Milliseconds by which the last priority is put behind the first. */
  readonly ageing: number;
  /** Told of those whose time is over; they are out by then. */
  readonly timedOut: (item: T) => void;
}

/** How an item waits. */
export interface Waiting {
  readonly priority: number;
  /** Most milliseconds. */
  readonly limit: number;
  /** `performance.now()` when it came. */
  readonly now: number;
}

/** Longest that a timer of Node can be set to. */
const longestTimer = 2 ** 31 - 1;

/** Bounded, by priority, with one timer for the earliest time-out. */
export class RequestQueue<T> {
  readonly #options: QueueOptions<T>;
  readonly #byTurn = new Heap<Ticket<T>>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #byExpiry = new Heap<Ticket<T>>((a, b) => a.expiry < b.expiry);
  #order = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  constructor(options: QueueOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#byTurn.size;
  }

  /** Whose turn is next. */
  get first(): T | undefined {
    return this.#byTurn.first?.item;
  }

  /** The place of an item; nothing where the queue is full. */
  push(item: T, { priority, limit, now }: Waiting): Ticket<T> | undefined {
    if (this.size >= this.#options.most) return undefined;
    const handicap = this.#options.ageing * (priority >= 1 ? 1 - 1 / priority : 1);
    const ticket = { item, due: now + handicap, order: this.#order++, expiry: now + limit };
    this.#add(ticket);
    return ticket;
  }

  /** Takes the turn of one that was out before again, full or not. */
  putBack(ticket: Ticket<T>, { limit, now }: Pick<Waiting, 'limit' | 'now'>): Ticket<T> {
    const again = { ...ticket, expiry: now + limit };
    this.#add(again);
    return again;
  }

  /** Takes out whose turn it is. */
  shift(): T | undefined {
    const { first } = this.#byTurn;
    if (first) this.remove(first);
    return first?.item;
  }

  /** Whether it was still there. */
  remove(ticket: Ticket<T>): boolean {
    this.#byExpiry.remove(ticket);
    const wasThere = this.#byTurn.remove(ticket);
    if (this.size === 0) this.#stopTimer();
    return wasThere;
  }

  #add(ticket: Ticket<T>): void {
    this.#byTurn.add(ticket);
    this.#byExpiry.add(ticket);
    if (ticket.expiry < this.#timerAt) this.#startTimer(ticket.expiry);
  }

  /** A timer that was set for one who has gone by now finds nothing, and is set anew. */
  #startTimer(at: number): void {
    this.#stopTimer();
    this.#timerAt = at;
    const wait = Math.min(longestTimer, Math.max(1, Math.ceil(at - performance.now())));
    this.#timer = setTimeout(() => {
      this.#expire();
    }, wait);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
  }

  #expire(): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    for (let { first } = this.#byExpiry; first && first.expiry <= now; { first } = this.#byExpiry) {
      this.remove(first);
      this.#options.timedOut(first.item);
    }
    const next = this.#byExpiry.first;
    if (next && next.expiry < this.#timerAt) this.#startTimer(next.expiry);
  }
}
