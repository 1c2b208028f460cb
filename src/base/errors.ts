// Coded errors. Every room declares its table with defineErrors; rooms know kinds, only cli and server know exit
// statuses and HTTP statuses (docs/errors.md is generated from these tables).

/** What went wrong, coarsely: each kind has one exit status on the command line and one HTTP status. */
export type ErrorKind =
  'usage' | 'input' | 'missing' | 'unsupported' | 'limit' | 'disk' | 'locked' | 'check' | 'busy' | 'internal';

/** The only error this package throws on purpose. */
export class GraftError extends Error {
  override readonly name = 'GraftError';
  constructor(
    /** Stable code such as `ONNX_NOT_ONNX`, listed in docs/errors.md. */
    readonly code: string,
    readonly kind: ErrorKind,
    message: string,
    /** The facts behind the message: names, what was found, what was wanted. */
    readonly details: Readonly<Record<string, unknown>>,
    /** The way out, one sentence. */
    readonly hint?: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }

  /** The error as the JSON of every command: `{code, message, hint, details}`. */
  toJSON(): { code: string; message: string; hint?: string; details: Readonly<Record<string, unknown>> } {
    return { code: this.code, message: this.message, ...(this.hint ? { hint: this.hint } : {}), details: this.details };
  }
}

/** One row of a room's error table. */
export interface ErrorEntry<D> {
  readonly kind: ErrorKind;
  readonly message: (at: D) => string;
  readonly hint?: string;
}

/** A function that makes the error of one row; `cause` is kept for the log, never shown as the message. */
export type MakeError<D> = ((at: D, cause?: unknown) => GraftError) & { readonly code: string };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each row has its own details type
type Table = Readonly<Record<string, ErrorEntry<any>>>;
type Makers<T extends Table> = { readonly [K in keyof T]: MakeError<Parameters<T[K]['message']>[0]> };

/**
 * Makes the error functions of a room: `errors.NO_GRADIENT({...})` has the code `AUTODIFF_NO_GRADIENT`.
 * With the family `''` the key is the whole code. The details type of each row is the argument type of its message.
 */
export function defineErrors<const T extends Table>(family: string, table: T): Makers<T> {
  const makers: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(table)) {
    const code = family ? `${family}_${key}` : key;
    const make = (at: Record<string, unknown>, cause?: unknown) =>
      new GraftError(code, entry.kind, entry.message(at), at, entry.hint, cause);
    makers[key] = Object.assign(make, { code, kind: entry.kind, hint: entry.hint });
  }
  return makers as Makers<T>;
}

/** Escapes control characters, so that a name from a file cannot drive a terminal or break a log line. */
export function printable(name: string): string {
  return name.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A {@link GraftError} as data that crosses from one thread to another. */
export interface ErrorData {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint?: string | undefined;
}

/** What crosses of an error; its cause stays on its own side. Anything else is a fault of ours: it is thrown again. */
export function errorData(error: unknown): ErrorData {
  if (!(error instanceof GraftError)) throw error;
  const { code, kind, message, details, hint } = error;
  return { code, kind, message, details, hint };
}

/** The error that {@link errorData} was made of. */
export const errorOf = ({ code, kind, message, details, hint }: ErrorData): GraftError =>
  new GraftError(code, kind, message, details, hint);
