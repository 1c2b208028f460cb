// A head, a loss and an optimizer become the graphs of a training run, in the files that formats.md names:
//   training_model   features, labels, P…            → loss, logits, P_grad…
//   optimizer_model  P, P_grad, P.m, …, rate, step, averaging → next.P, next.P.m, …
//   epoch_model      state, the whole set, series [S] → next.…, losses [S]: S steps in one Scan, state carried
//   eval_model       features, labels, P…            → loss, logits
// The step inside epoch_model is built by the functions that build the others (gradientsOf, updated), on values of equal
// shapes, so both ways give equal bits.

import { tensor, type Random, type Tensor } from '../base/index.js';
import { Builder, modelOf, type Model, type Value } from '../graph/index.js';
import { Mul } from '../operators/index.js';
import { epochModel } from './epoch-model.js';
import { gradientsOf } from './gradients.js';
import type { DropoutMask, Parameter, TrainHeadOptions } from './head-options.js';
import type { Head, HeadContext } from './heads/head.js';
import { shareOf, valueOf } from './losses/loss.js';
import { optimizerModel } from './optimizer-model.js';

/** The graphs of a run and what is carried through them. */
export interface HeadArtifacts {
  readonly classes: number;
  readonly training: Model;
  readonly evaluation: Model;
  readonly optimizer: Model;
  readonly epoch: Model;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** What stands beside each parameter `P` in the state: `P.m`, `P.v`, `P.average`. */
  readonly slots: readonly string[];
  /** Dropout masks are fed, [B, width] a step, 0 or 1 / (1 - rate). */
  readonly dropouts: readonly DropoutMask[];
  /** The state before the first step. */
  initialState(random: Random): Map<string, Tensor>;
}

/** Builds the graphs of a head's training run. */
export function trainHead(options: TrainHeadOptions): HeadArtifacts {
  const { classes, optimizer, averaging = true } = options;
  const slots = [...optimizer.slots, ...(averaging ? ['average'] : [])];
  const { parameters, dropouts } = survey(options);
  return {
    classes,
    training: trainingModel(options),
    evaluation: evaluationModel(options),
    optimizer: optimizerModel(options, parameters, slots),
    epoch: epochModel(options, parameters, slots, dropouts),
    parameters: parameters.map(({ name, shape }) => ({ name, shape })),
    slots,
    dropouts,
    initialState(random) {
      const state = new Map<string, Tensor>();
      for (const { name, shape, initial } of parameters) {
        state.set(name, initial(random.at('initial', name)));
        for (const slot of slots)
          state.set(`${name}.${slot}`, tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1))));
      }
      return state;
    },
  };

  function survey({ features, head }: TrainHeadOptions) {
    const builder = new Builder('survey');
    const found: Parameter[] = [];
    const masks: DropoutMask[] = [];
    head(builder.input('features', 'float32', ['batch', features]), {
      classes,
      parameter(name, shape, initial) {
        found.push({ name, shape, initial });
        return builder.input(name, 'float32', shape);
      },
      dropout(name, value, rate) {
        masks.push({ name, width: value.shape[1] as number, rate });
        return value;
      },
    });
    return { parameters: found, dropouts: masks };
  }
}

/** Features to logits with the trained parameters as weights: what is served. */
export function headNetwork(
  head: Head,
  { features, classes }: { features: number; classes: number },
  trained: ReadonlyMap<string, Tensor>,
): Model {
  const builder = new Builder('head');
  const x = builder.input('features', 'float32', ['batch', features]);
  builder.output(head(x, servedContext(builder, classes, trained)), 'logits');
  return modelOf(builder.finish());
}

/** A head inside another graph, with its trained parameters as weights. */
export function servedContext(builder: Builder, classes: number, trained: ReadonlyMap<string, Tensor>): HeadContext {
  return {
    classes,
    parameter: name => builder.parameter(builder.isFree(name) ? name : builder.fresh(name), trained.get(name)!),
    dropout: (_name, value) => value,
  };
}

function trainingModel(options: TrainHeadOptions): Model {
  const builder = new Builder('training');
  const { parameters, features, labels, context } = declare(builder, options, true);
  const targets = options.loss.targets(labels, options.classes);
  const logits = options.head(features, context);
  const gradients = gradientsOf(options.loss, logits, targets, shareOf(features, 0), parameters);
  builder.output(valueOf(options.loss, logits, targets), 'loss');
  builder.output(logits, 'logits');
  for (const [name, gradient] of gradients) builder.output(gradient, `${name}_grad`);
  return modelOf(builder.finish());
}

function evaluationModel(options: TrainHeadOptions): Model {
  const builder = new Builder('evaluation');
  const { features, labels, context } = declare(builder, options, false);
  const logits = options.head(features, context);
  builder.output(valueOf(options.loss, logits, options.loss.targets(labels, options.classes)), 'loss');
  builder.output(logits, 'logits');
  return modelOf(builder.finish());
}

/** Inputs of a model that takes one batch. Parameters become inputs when the head asks for them. */
function declare(builder: Builder, { features: width, classes, loss }: TrainHeadOptions, training: boolean) {
  const features = builder.input('features', 'float32', ['batch', width]);
  const declared = loss.labels(classes);
  const labels = builder.input('labels', declared.type, declared.shape);
  const parameters = new Map<string, Value>();
  const context: HeadContext = {
    classes,
    parameter(name, shape) {
      const value = builder.input(name, 'float32', shape);
      parameters.set(name, value);
      return value;
    },
    dropout: (name, value) =>
      training ? Mul(value, builder.input(name, 'float32', ['batch', value.shape[1]!])) : value,
  };
  return { features, labels, parameters, context };
}
