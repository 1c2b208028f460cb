// A LayerNormalization that exporters before opset 17 write out, as the one node that it is:
//   d = x − mean(x);  d / √(mean(d²) + ε)  [ · scale [ + offset ] ]   over the last axis

import { tensor } from '../base/index.js';
import type { Node, Value } from '../graph/index.js';
import { LayerNormalization } from '../operators/index.js';
import { intsOf, rewriting, type Before, type Rewrite, type Site } from './rewrite.js';
import { integersOf, numberIn, sizesOf } from './values-of.js';

const madeBy = ({ producers }: Before, name: string | undefined, op: string): Node | undefined => {
  const made = name === undefined ? undefined : producers.get(name);
  return made?.op === op && made.domain === '' ? made : undefined;
};

/** What a ReduceMean over the last axis, kept as one, averages. */
function meanOf(before: Before, name: string | undefined): string | undefined {
  const mean = madeBy(before, name, 'ReduceMean');
  const of = mean?.inputs[0];
  const rank = of === undefined ? undefined : sizesOf(before.graph, of)?.length;
  const axes = mean && (integersOf(before.graph, mean.inputs[1]) ?? intsOf(mean, 'axes'));
  const keep = mean?.attributes.get('keepdims');
  const isKept = keep?.kind !== 'int' || keep.value === 1;
  const isLast = axes?.length === 1 && (axes[0] === -1 || axes[0] === (rank ?? 0) - 1);
  return isLast && isKept ? of : undefined;
}

/** Whether a value is the square of another: a power of two or a product with itself. */
function isSquare(before: Before, name: string | undefined, of: string): boolean {
  const power = madeBy(before, name, 'Pow');
  if (power) return same(before, power.inputs[0]!, of) && numberIn(before.graph, power.inputs[1]) === 2;
  const product = madeBy(before, name, 'Mul');
  return Boolean(product && same(before, product.inputs[0]!, of) && product.inputs[0] === product.inputs[1]);
}

/** Whether two values are one, or the same difference computed twice: exporters repeat it. */
function same(before: Before, a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [madeBy(before, a, 'Sub'), madeBy(before, b, 'Sub')];
  if (!x || !y || x.inputs[0] !== y.inputs[0]) return false;
  const mean = meanOf(before, x.inputs[1]);
  return mean !== undefined && mean === meanOf(before, y.inputs[1]);
}

interface Normal {
  readonly x: string;
  readonly epsilon: number;
}
/** x and ε of a value that is normalized. */
function normalOf(before: Before, name: string | undefined): Normal | undefined {
  const quotient = madeBy(before, name, 'Div');
  const [difference, root] = quotient?.inputs ?? [];
  const centred = madeBy(before, difference, 'Sub');
  const sum = madeBy(before, madeBy(before, root, 'Sqrt')?.inputs[0], 'Add');
  if (!centred || !sum || meanOf(before, centred.inputs[1]) !== centred.inputs[0]) return undefined;
  for (const [i, variance] of sum.inputs.entries()) {
    const epsilon = numberIn(before.graph, sum.inputs[1 - i]);
    const squares = meanOf(before, variance);
    if (epsilon !== undefined && isSquare(before, squares, difference!)) return { x: centred.inputs[0]!, epsilon };
  }
  return undefined;
}

/** The other operand, where it has one number for each place of the last axis. */
const vectorBeside = ({ inputs }: Site, i: number, width: number): Value | undefined => {
  const other = inputs[1 - i];
  return other?.shape.length === 1 && other.shape[0] === width ? other : undefined;
};

const normalization =
  (depth: 'offset' | 'scale' | 'bare'): Rewrite =>
  site => {
    const { node, before, now, builder } = site;
    const make = (of: Normal, scale: Value, offset?: Value) => {
      const x = now(of.x);
      return x && LayerNormalization(x, scale, offset, { epsilon: of.epsilon });
    };
    if (node.domain !== '') return undefined;
    const width = sizesOf(before.graph, node.outputs[0]!)?.at(-1);
    if (width === undefined) return undefined;
    if (depth === 'bare') {
      const found = normalOf(before, node.op === 'Div' ? node.outputs[0] : undefined);
      const ones = () =>
        builder.constant(tensor('float32', [width], new Float32Array(width).fill(1)), undefined, 'ones');
      return found && make(found, ones());
    }
    for (const [i, name] of node.inputs.entries()) {
      const vector = vectorBeside(site, i, width);
      if (!vector || !before.isReadOnce(name)) continue;
      if (depth === 'scale') {
        const found = node.op === 'Mul' ? normalOf(before, name) : undefined;
        if (found) return make(found, vector);
        continue;
      }
      const product = node.op === 'Add' ? madeBy(before, name, 'Mul') : undefined;
      for (const [k, normal] of product?.inputs.entries() ?? []) {
        const scale = now(product!.inputs[1 - k]!);
        const found = before.isReadOnce(normal) ? normalOf(before, normal) : undefined;
        if (found && scale?.shape.length === 1 && scale.shape[0] === width) return make(found, scale, vector);
      }
    }
    return undefined;
  };

/** LayerNormalizations written out, as one node. */
export const recogniseNormalizations = rewriting('recognise-normalizations', [
  normalization('offset'),
  normalization('scale'),
  normalization('bare'),
]);
