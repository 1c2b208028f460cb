// How long work tells where it is. Rates and times left are made by whoever shows them.

/** A step of long work. */
export interface Progress {
  /** What is done, as a person would say it: `featurizing`. */
  readonly what: string;
  readonly done: number;
  readonly total: number;
}
