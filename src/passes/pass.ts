// What a pass is: a function from Model to Model with a name, which tells what it did. The same object comes back
// where nothing changed. A pipeline of passes is a pass.

import type { Model } from '../graph/index.js';

/** Receives what a pass did, one sentence at a time. */
export type Tell = (pass: string, what: string) => void;

/** Model to Model. */
export interface Pass {
  readonly passName: string;
  (model: Model, tell?: Tell): Model;
}

/** Makes a pass; `change` returns the same object where nothing changed. */
export function pass(name: string, change: (model: Model, tell: (what: string) => void) => Model): Pass {
  const run = (model: Model, tell?: Tell) => change(model, what => tell?.(name, what));
  return Object.assign(run, { passName: name });
}

/** Passes one after the other, as one pass that tells in the names of its parts. */
export function pipeline(name: string, ...passes: readonly Pass[]): Pass {
  const run = (model: Model, tell?: Tell) => passes.reduce((at, one) => one(at, tell), model);
  return Object.assign(run, { passName: name });
}
