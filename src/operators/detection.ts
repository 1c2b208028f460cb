// Choosing among many: the best boxes, the largest elements, those that differ. How many there are is often open.

import type { Dim, Node, Value } from '../graph/index.js';
import { int, operator, optionalInt, type UpgradeContext } from './define.js';
import { axisOf, product } from './dims.js';
import { ScatterElements, zerosLike } from './scattering.js';

/** Rows of (batch, class, box) */
export const NonMaxSuppression = operator('NonMaxSuppression', {
  inputs: ['boxes', 'scores', 'max_output_boxes_per_class?', 'iou_threshold?', 'score_threshold?'],
  outputs: ['selected_indices'],
  attributes: { center_point_box: int(0) },
  shape: () => ({ selected_indices: ['', 3] }),
  types: () => ({ selected_indices: 'int64' }),
});

export const TopK = operator('TopK', {
  inputs: ['X', 'K'],
  outputs: ['Values', 'Indices'],
  attributes: { axis: int(-1), largest: int(1), sorted: int(1) },
  shape: ({ X, K, axis }) => {
    const at = axisOf(axis, X.shape.length);
    const kept = X.shape.map((dim, i) => (i === at ? (K.known?.[0] ?? '') : dim));
    return { Values: kept, Indices: kept };
  },
  types: () => ({ Indices: 'int64' }),
  gradient: {
    // back to where the largest were
    X: ({ X, K, axis, largest, sorted, Indices, dValues }): Value => {
      const places = Indices ?? TopK.all(2, X, K, { axis, largest, sorted })[1]!;
      return ScatterElements(zerosLike(X), places, dValues, { axis });
    },
    K: 'none',
  },
  upgrades: { 10: countToInput },
});

/** `k` became an input. */
function countToInput(node: Node, at: UpgradeContext): Node {
  const k = node.attributes.get('k');
  if (k?.kind !== 'int') return node;
  const attributes = new Map(node.attributes);
  attributes.delete('k');
  return { ...node, inputs: [node.inputs[0]!, at.constant([k.value])], attributes };
}

export const Unique = operator('Unique', {
  inputs: ['X'],
  outputs: ['Y', 'indices?', 'inverse_indices?', 'counts?'],
  attributes: { axis: optionalInt, sorted: int(1) },
  shape: ({ X, axis }) => ({
    Y: axis === undefined ? [''] : X.shape.map((dim, i): Dim => (i === axisOf(axis, X.shape.length) ? '' : dim)),
    indices: [''],
    inverse_indices: [axis === undefined ? product(X.shape) : X.shape[axisOf(axis, X.shape.length)]!],
    counts: [''],
  }),
  types: () => ({ indices: 'int64', inverse_indices: 'int64', counts: 'int64' }),
});
