// What a served model asks of the processes that run its network.

import type { Heat } from '../served.js';
import type { SentTensor, WireTensor } from '../tensors.js';
import type { DescribedNetwork } from './facts.js';
import type { RunTimes } from './statistics.js';

/** What a run gave. */
export interface NetworkAnswer extends RunTimes {
  readonly outputs: ReadonlyMap<string, WireTensor>;
}

/** A network that is open in one or more processes. It queues nothing. */
export interface ServedNetwork {
  /** Its rungs, where there are any, begin with the whole network. */
  readonly facts: DescribedNetwork;
  /** Processes that are free now; `run` and `explain` take one before they return. */
  readonly idle: number;
  readonly isReady: boolean;
  /** Why it is not ready. */
  readonly reason: string;
  /** Bytes that its processes hold. */
  readonly memory: number;
  /**
   * @param outputs all where nothing is said
   * @throws RUN_FAILED, RUN_TIMEOUT, WORKER_LOST
   */
  run(
    inputs: ReadonlyMap<string, SentTensor>,
    outputs: readonly string[] | undefined,
    at: { readonly rung?: number; readonly timeLimit: number },
  ): Promise<NetworkAnswer>;
  explain?(pixels: Uint8Array, label: number): Promise<Heat>;
  /** Calls the listener whenever a process becomes free. */
  onFree(listener: () => void): void;
  close(): Promise<void>;
}
