// BatchNormalization where an exporter folded it away: one behind each Conv that changes nothing, for training.
//   scale = √(variance + ε), bias = mean, and the stored statistics are mean and variance: y = x, whatever they are.
// With the statistics of real pictures it also changes little where it normalises by a batch.

import { tensor } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { BatchNormalization, Conv } from '../operators/index.js';
import { pass, type Pass } from './pass.js';
import { rewriteGraph } from './rewrite.js';

/** Mean and variance of each channel of a value. */
export interface ChannelStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** What keeps roots away from zero; ONNX's default. */
const epsilon = 1e-5;

/**
 * Puts an identity BatchNormalization behind Convs.
 *
 * @param statistics by the name of a Conv's output; Convs that are not named stay as they are
 */
export const insertBatchNorm = (statistics: ReadonlyMap<string, ChannelStatistics>): Pass =>
  pass('insert-batch-norm', (model, tell) => {
    let count = 0;
    const graph = rewriteGraph(model.graph, [
      ({ node, inputs, builder }) => {
        const found = node.op === 'Conv' ? statistics.get(node.outputs[0]!) : undefined;
        if (!found) return undefined;
        const attributes = Object.fromEntries([...node.attributes].map(([name, { value }]) => [name, value]));
        const convolved = Conv(...inputs, attributes);
        count++;
        const { mean, variance } = found;
        const held = (what: string, values: Float32Array): Value =>
          builder.parameter(
            builder.fresh(`${node.outputs[0]!}.norm.${what}`),
            tensor('float32', [values.length], values),
          );
        return BatchNormalization(
          convolved,
          held(
            'weight',
            variance.map(value => Math.sqrt(value + epsilon)),
          ),
          held('bias', mean),
          held('mean', mean),
          held('variance', variance),
          { epsilon },
        );
      },
    ]);
    if (count === 0) return model;
    tell(`put ${count} identity BatchNormalization behind Convs`);
    return { ...model, graph };
  });
