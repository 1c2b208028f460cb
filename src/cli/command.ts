// What a command is: one value from which parsing, help and documentation are made. `run` calls one workflow and prints.

import type { Output } from './output.js';

/** How a flag is read from the command line. `list` takes several values, `choice` one of some. */
export type FlagSpec = {
  readonly help: string;
  /** Shown as `--flag <value>`. */
  readonly value?: string;
  /** What the flag means without a value, which may then be left out. */
  readonly preset?: number;
  readonly default?: string | number | boolean;
} & (
  | { readonly type: 'boolean' | 'string' | 'number' | 'integer' | 'numbers' }
  | { readonly type: 'list'; readonly choices?: readonly string[] }
  | { readonly type: 'choice'; readonly choices: readonly string[] }
);

/** Renaming an option of a workflow breaks its command at compile time. */
export type FlagsOf<Options> = { readonly [K in keyof Options]?: FlagSpec };

export interface ArgumentSpec {
  /** `<model>` is needed, `[model]` may be absent, a name ending in `...` takes the rest. */
  readonly name: string;
  readonly help: string;
}

/** One command of `graft`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly flags: Readonly<Record<string, FlagSpec>>;
  readonly examples: readonly string[];
  /** It minds signals itself: the first does not stop it at the next step. @default false */
  readonly endsItself?: boolean;
  run(at: {
    readonly args: readonly (string | readonly string[])[];
    readonly flags: Record<string, unknown>;
    readonly output: Output;
    readonly signal: AbortSignal;
  }): Promise<number | undefined>;
}
