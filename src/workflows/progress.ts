// How long work tells where it is. Rates and times left are made by whoever shows them.

import type { Figures } from '../training/index.js';

/** A step of long work. */
export interface Progress {
  /** What is done, as a person would say it: `featurizing`. */
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** What else is worth a look, in few words. */
  readonly note?: string;
}

/** An epoch that is over. */
export interface EpochTold {
  /** From 1 on; 0 is the head alone, before anything behind the cut trained. */
  readonly epoch: number;
  /** Epochs of the whole run. */
  readonly of: number;
  /** Mean over the pictures that train, each at its own step. */
  readonly trainLoss?: number;
  readonly validation: Figures;
  /** The best until now, by the loss at the best temperature. */
  readonly isBest: boolean;
}
