// Before IR 4 every weight is listed among the inputs too, and later files may do so to give a default. A caller
// cannot tell them from what must be fed, and onnxruntime does not fold what a caller may replace: they leave the list.

import type { Model } from '../graph/index.js';
import { pass } from './pass.js';

/** Takes weights out of the inputs. */
export const weightsFromInputs = pass('weights-from-inputs', (model, tell) => {
  const { graph } = model;
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const count = graph.inputs.length - inputs.length;
  if (count === 0 && model.irVersion >= 4) return model;
  if (count > 0) tell(`took ${count} ${count === 1 ? 'weight' : 'weights'} out of the inputs`);
  const irVersion = Math.max(4, model.irVersion);
  if (irVersion !== model.irVersion) tell(`IR version ${model.irVersion} became ${irVersion}`);
  const next: Model = { ...model, irVersion, graph: { ...graph, inputs } };
  return next;
});
