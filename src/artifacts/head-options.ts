// What is trained, and how: what all graphs of a run are made of.

import type { Random, Tensor } from '../base/index.js';
import type { Head } from './heads/head.js';
import type { Loss } from './losses/loss.js';
import type { Optimizer } from './optimizers/optimizer.js';

/** What is trained, and how. */
export interface TrainHeadOptions {
  /** Width F of the features. */
  readonly features: number;
  readonly classes: number;
  readonly head: Head;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Keep a Polyak average of every parameter beside it. @default true */
  readonly averaging?: boolean;
}

/** What a head asked for. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: (random: Random) => Tensor;
}

/** A mask that is fed, [B, width] a step, 0 or 1 / (1 - rate). */
export interface DropoutMask {
  readonly name: string;
  readonly width: number;
  readonly rate: number;
}
