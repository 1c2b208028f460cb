// What is wrong with training artifacts, one sentence each.

/** Something that a runtime would stumble over, or, worse, would not. */
export interface ArtifactsFault {
  /** The rule that is broken, a short stable word: `accumulator`, `eval-order`. */
  readonly rule: string;
  /** The value, parameter or node that it is about. */
  readonly name: string;
  /** What is wrong and what comes of it. */
  readonly message: string;
}

/** Collects faults. */
export const faultList = () => {
  const faults: ArtifactsFault[] = [];
  const add = (rule: string, name: string, message: string): void => void faults.push({ rule, name, message });
  return { faults, add };
};
