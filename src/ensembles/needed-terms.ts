// What terms are made of, and how it reads pictures.

import type { Step, Term } from './terms.js';

/** Every step, and every other term that is no weight, that some terms are made of. */
export function neededBy(wanted: readonly Term[]): Set<Step | Term> {
  const needed = new Set<Step | Term>();
  const pending: (Term | undefined)[] = [...wanted];
  for (let term = pending.pop(); term || pending.length > 0; term = pending.pop()) {
    if (!term || term.source.kind === 'weight') continue;
    const unit = term.source.kind === 'step' ? term.source.step : term;
    if (needed.has(unit)) continue;
    needed.add(unit);
    if ('node' in unit) pending.push(...unit.inputs, ...unit.captured.values());
    else if (term.source.kind === 'affine') pending.push(term.source.affine.of);
  }
  return needed;
}

/** Operators that carry floats as they carry bytes, on the way to the cast that ends them. */
const carries = new Set(['Transpose', 'Gather', 'Slice', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Split']); // prettier-ignore

/** Whether something reads the pictures that would not read floats. */
export function readsBytes(pictures: Term, units: ReadonlySet<Step | Term>): boolean {
  const carried = new Set<Term>([pictures]);
  for (const unit of [...units].sort((a, b) => a.order - b.order)) {
    if (!('node' in unit) || !unit.inputs.some(input => input && carried.has(input))) continue;
    if (unit.node.domain === '' && carries.has(unit.node.op))
      for (const output of unit.outputs)
        if (output) carried.add(output);
        else if (unit.node.op !== 'Cast' && unit.node.op !== 'Shape') return true;
  }
  return false;
}
