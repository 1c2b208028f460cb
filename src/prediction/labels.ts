// Probabilities as labels.

/** A label with its probability. */
export interface TopLabel {
  readonly label: string;
  readonly probability: number;
}

/** The `count` most probable labels, best first; equal ones in label order. */
export function topOf(labels: readonly string[], probabilities: ArrayLike<number>, count: number): TopLabel[] {
  return labels
    .map((label, i) => ({ label, probability: probabilities[i]! }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
