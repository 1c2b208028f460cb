// The operators that make a graph one of ONNX Runtime's on-device training: gradients are added up in place, and one
// node updates all parameters, which come as sequences of tensors. Domain com.microsoft; only builds with training have
// kernels for them. Source: orttraining/core/graph/training_op_defs.cc and optimizer_graph_defs of ONNX Runtime.

import { float, int, operator } from './define.js';

const domain = 'com.microsoft';

/** buffer ← overwrite_flag ? value : buffer + value, in the memory of the buffer; the output says that it was done. */
export const InPlaceAccumulatorV2 = operator(
  'InPlaceAccumulatorV2',
  {
    inputs: ['accumulation_buffer', 'value', 'overwrite_flag?'],
    outputs: ['updated_flag', 'accumulation_out?'],
    attributes: {},
    shape: ({ accumulation_buffer }) => ({ updated_flag: [1], accumulation_out: accumulation_buffer.shape }),
    types: () => ({ updated_flag: 'bool' }),
  },
  domain,
);

/**
 * AdamW over sequences of tensors. `alpha` is β₁, `beta` is β₂. `adam_mode` 0 is torch.optim.AdamW, 1 that of the
 * Transformers library: ε is added before the bias is corrected, and weights decay after the step.
 */
export const AdamWOptimizer = operator(
  'AdamWOptimizer',
  {
    inputs: ['lr', 'step', 'weights', 'gradients', 'momentums_1', 'momentums_2', 'update_signal?'],
    outputs: ['updated_flag', 'updated_weights?', 'updated_momentums_1?', 'updated_momentums_2?'],
    attributes: {
      alpha: float(0.9),
      beta: float(0.999),
      epsilon: float(1e-8),
      weight_decay: float(0.01),
      adam_mode: int(0),
      correct_bias: int(1),
    },
    shape: () => ({ updated_flag: [1] }),
    types: () => ({ updated_flag: 'bool' }),
  },
  domain,
);

/** weights ← weights − lr · gradients */
export const SGDOptimizerV2 = operator(
  'SGDOptimizerV2',
  {
    inputs: ['lr', 'weights', 'gradients', 'update_signal?'],
    outputs: ['update_completed', 'updated_weights?'],
    attributes: {},
    shape: () => ({ update_completed: [] }),
    types: () => ({ update_completed: 'bool' }),
  },
  domain,
);

/** g ← g · min(1, max_norm / (‖g‖ + 1e-6)), the norm being that of all gradients together. */
export const InplaceClipGradNorm = operator(
  'InplaceClipGradNorm',
  {
    inputs: ['gradients'],
    outputs: ['clipped_gradients'],
    attributes: { max_norm: float(1), norm_type: int(2) },
    shape: () => ({ clipped_gradients: [] }),
  },
  domain,
);
