// Opsets after the house's: most of what they changed is only that operators take more types, so the number can be
// lowered. Operators that are new or mean something else are written in the older words, or refused by name.
// Anchors: https://github.com/onnx/onnx/blob/main/docs/Changelog.md, versions 21 to 26.

import type { DataType } from '../base/index.js';
import { houseOpset, type Initializer, type Model, type Node } from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { errors } from './errors.js';
import { pass } from './pass.js';
import type { Context } from './lowering.js';
import { lowerings } from './lowerings.js';
import { freshNames, mapModel } from './walk.js';

/** The newest opset whose changes are known here. */
const newest = 26;

/**
 * Lowers a model of a later opset to the house's.
 *
 * @throws DOOR_OPSET_NEW where the opset is later than those known here; DOOR_OPSET_OPERATOR where an operator cannot
 *   be said in the house's opset
 */
export const lowerOpset = pass('lower-opset', (model, tell) => {
  const from = model.opsets.get('') ?? houseOpset;
  if (from <= houseOpset) return model;
  if (from > newest) throw errors.OPSET_NEW({ found: from, newest });
  const { facts } = inferShapes(model.graph, coreOperators);
  const fresh = freshNames(model.graph);
  const written = new Map<string, number>();
  const next = mapModel(model, graph => {
    const initializers = new Map<string, Initializer>(graph.initializers);
    const at: Context = {
      shape: name => facts.get(name)?.shape,
      type: name => initializers.get(name)?.type ?? facts.get(name)?.type,
      fresh,
      hold(hint, data) {
        const name = fresh(hint);
        initializers.set(name, data);
        return name;
      },
    };
    let isSame = true;
    const nodes = graph.nodes.flatMap(node => {
      if (node.domain !== '') return [node];
      refuseNewTypes(node, at, from);
      const lowering = lowerings.get(node.op);
      if (!lowering) return [node];
      const lowered = lowering(node, at);
      if (!lowered)
        throw errors.OPSET_OPERATOR({ operator: node.op, node: node.name, found: from, wanted: houseOpset });
      if (lowered[0] === node) return [node];
      isSame = false;
      written.set(node.op, (written.get(node.op) ?? 0) + 1);
      return lowered;
    });
    return isSame ? graph : { ...graph, nodes, initializers };
  });
  const said = [...written].map(([op, count]) => `, ${count} ${op} written in its words`).join('');
  tell(`opset ${from} became ${houseOpset}${said}`);
  return { ...next, irVersion: 9, opsets: new Map([...model.opsets, ['', houseOpset]]) } satisfies Model;
});

/** Types that no operator of the house's opset takes; 16-bit ones it does not quantize to. */
const newTypes = new Set<DataType>(['int4', 'uint4', 'float4e2m1', 'float8e8m0', 'int2', 'uint2']);
const quantizing = new Set(['QuantizeLinear', 'DequantizeLinear']);

function refuseNewTypes(node: Node, at: Context, from: number): void {
  const inner = [...node.attributes.values()].some(one => one.kind === 'tensor' && newTypes.has(one.value.type));
  const isNew = node.inputs.some(name => {
    const type = name ? at.type(name) : undefined;
    return type && (newTypes.has(type) || (quantizing.has(node.op) && (type === 'int16' || type === 'uint16')));
  });
  if (inner || isNew)
    throw errors.OPSET_OPERATOR({ operator: node.op, node: node.name, found: from, wanted: houseOpset });
}
