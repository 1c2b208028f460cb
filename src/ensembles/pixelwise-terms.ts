// Terms that are computed pixel by pixel from pictures: casts, other layouts, scales and shifts of channels. Mirroring
// such a term and computing it of the mirrored picture give the same bits, so it is computed once and its lines are
// copied, where views take whole pixels.

import { attributesOf, Transpose } from '../operators/index.js';
import type { Frame, Step, Term } from './terms.js';

/** Where rows and columns of the pictures lie in a term. */
export interface Pixelwise {
  readonly frame: Frame;
  readonly axes: readonly [row: number, column: number];
}

/** The terms among some steps and sources that are pixel by pixel. */
export function pixelwiseTerms(units: Iterable<Step | Term>): Map<Term, Pixelwise> {
  const found = new Map<Term, Pixelwise>();
  for (const unit of [...units].sort((a, b) => a.order - b.order)) {
    if (!('node' in unit)) {
      if (unit.source.kind === 'pictures') found.set(unit, { frame: unit.source.frame, axes: [1, 2] });
      continue;
    }
    const [made] = unit.outputs;
    const pixelwise = made && unit.outputs.length === 1 ? after(unit, made, found) : undefined;
    if (pixelwise) found.set(made!, pixelwise);
  }
  return found;
}

function after({ node, inputs }: Step, made: Term, found: ReadonlyMap<Term, Pixelwise>): Pixelwise | undefined {
  const at = inputs.findIndex(input => input !== undefined && found.has(input));
  const before = found.get(inputs[at]!);
  if (!before || node.domain !== '') return undefined;
  if (node.op === 'Cast') return before;
  if (node.op === 'Transpose') {
    const { perm } = attributesOf(Transpose, node.attributes);
    const [row, column] = before.axes;
    return perm && { ...before, axes: [perm.indexOf(row), perm.indexOf(column)] };
  }
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(node.op)) return undefined;
  const other = inputs[1 - at];
  const rank = made.shape?.length;
  if (other?.source.kind !== 'weight' || rank !== inputs[at]!.shape?.length) return undefined;
  // the constant is the same for every row and column
  const { shape } = other.source.data;
  const isSame = before.axes.every(axis => (shape[axis - rank! + shape.length] ?? 1) === 1);
  return isSame && shape.length <= rank! ? before : undefined;
}
