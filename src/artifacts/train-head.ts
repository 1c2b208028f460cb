// A head, a loss and an optimizer become the graphs of a training run, in the files that formats.md names:
//   training_model   features, labels, P…            → loss, logits, P_grad…
//   optimizer_model  P, P_grad, P.m, …, rate, step, averaging → next.P, next.P.m, …
//   epoch_model      state, the whole set, series [S] → next.…, losses [S]: S steps in one Scan, state carried
//   eval_model       features, labels, P…            → loss, logits
// The step inside epoch_model is built by the same two functions as the others, so both ways give equal weights.

import { tensor, type Random, type Tensor } from '../base/index.js';
import { Builder, modelOf, type Attribute, type Model, type Value } from '../graph/index.js';
import { differentiate } from '../autodiff/index.js';
import { Add, Gather, Mul, Sub } from '../operators/index.js';
import type { Head, HeadContext } from './heads/head.js';
import type { Loss } from './losses/loss.js';
import type { Optimizer } from './optimizers/optimizer.js';

/** What is trained, and how. */
export interface TrainHeadOptions {
  /** Width F of the features. */
  readonly features: number;
  readonly classes: number;
  readonly head: Head;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Keep a Polyak average of every parameter beside it. @default true */
  readonly averaging?: boolean;
}

/** The graphs of a run and what is carried through them. */
export interface HeadArtifacts {
  readonly training: Model;
  readonly evaluation: Model;
  readonly optimizer: Model;
  readonly epoch: Model;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** What stands beside each parameter `P` in the state: `P.m`, `P.v`, `P.average`. */
  readonly slots: readonly string[];
  /** Dropout masks are fed, [B, width] a step, 0 or 1 / (1 - rate). */
  readonly dropouts: readonly { readonly name: string; readonly width: number; readonly rate: number }[];
  /** The state before the first step. */
  initialState(random: Random): Map<string, Tensor>;
}

interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: (random: Random) => Tensor;
}

/** Builds the graphs of a head's training run. */
export function trainHead(options: TrainHeadOptions): HeadArtifacts {
  const { classes, optimizer, averaging = true } = options;
  const slots = [...optimizer.slots, ...(averaging ? ['average'] : [])];
  const { parameters, dropouts } = survey(options);
  return {
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
    const masks: { name: string; width: number; rate: number }[] = [];
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
    parameter: name => builder.parameter(name, trained.get(name)!),
    dropout: (_name, value) => value,
  };
}

function trainingModel(options: TrainHeadOptions): Model {
  const builder = new Builder('training');
  const { parameters, features, labels, context } = declare(builder, options, true);
  const targets = options.loss.targets(labels, options.classes);
  const { loss, logits, gradients } = step(builder, options, features, targets, parameters, context);
  builder.output(loss, 'loss');
  builder.output(logits, 'logits');
  for (const [name, gradient] of gradients) builder.output(gradient, `${name}_grad`);
  return modelOf(builder.finish());
}

function evaluationModel(options: TrainHeadOptions): Model {
  const builder = new Builder('evaluation');
  const { features, labels, context } = declare(builder, options, false);
  const logits = options.head(features, context);
  builder.output(options.loss.value(logits, options.loss.targets(labels, options.classes)), 'loss');
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

/** Forward, loss, backward. `parameters` is filled by the head through `context`. */
function step(
  builder: Builder,
  { head, loss }: TrainHeadOptions,
  features: Value,
  targets: Value,
  parameters: ReadonlyMap<string, Value>,
  context: HeadContext,
) {
  const logits = head(features, context);
  const value = loss.value(logits, targets);
  const seeds = loss.gradient
    ? new Map([[logits, loss.gradient(logits, targets)]])
    : new Map([[value, builder.constant(1)]]);
  const found = differentiate(builder, seeds, [...parameters.values()]);
  const gradients = new Map([...parameters].map(([name, parameter]) => [name, found.get(parameter)!]));
  return { loss: value, logits, gradients };
}

interface Scalars {
  /** What the optimizer made of rate and step. */
  readonly prepared: readonly Value[];
  readonly averaging?: Value;
}

/** One update of every parameter, its slots and its average; the keys are the state's names. */
function update(
  optimizer: Optimizer,
  parameters: readonly Parameter[],
  state: (name: string) => Value,
  gradient: (name: string) => Value,
  { prepared, averaging }: Scalars,
): Map<string, Value> {
  const next = new Map<string, Value>();
  for (const { name, shape } of parameters) {
    const parameter = state(name);
    const result = optimizer.update(
      {
        parameter,
        gradient: gradient(name),
        slots: optimizer.slots.map(slot => state(`${name}.${slot}`)),
        decays: shape.length > 1,
      },
      prepared,
    );
    next.set(name, result.parameter);
    optimizer.slots.forEach((slot, i) => next.set(`${name}.${slot}`, result.slots[i]!));
    if (averaging) {
      const average = state(`${name}.average`);
      next.set(`${name}.average`, Add(average, Mul(Sub(result.parameter, average), averaging)));
    }
  }
  return next;
}

function optimizerModel(
  { optimizer, averaging = true }: TrainHeadOptions,
  parameters: readonly Parameter[],
  slots: readonly string[],
): Model {
  const builder = new Builder('optimizer');
  for (const { name, shape } of parameters) {
    for (const state of [name, `${name}_grad`, ...slots.map(slot => `${name}.${slot}`)])
      builder.input(state, 'float32', shape);
  }
  const scalar = (name: string) => builder.input(name, 'float32', []);
  const scalars = {
    prepared: optimizer.prepare({ rate: scalar('rate'), step: scalar('step') }),
    ...(averaging ? { averaging: scalar('averaging') } : {}),
  };
  const next = update(
    optimizer,
    parameters,
    name => builder.value(name),
    name => builder.value(`${name}_grad`),
    scalars,
  );
  for (const [name, value] of next) builder.output(value, `next.${name}`);
  return modelOf(builder.finish());
}

/** S steps in one Scan: the state is carried, the set lies in the outer graph, each step gathers its rows. */
function epochModel(
  options: TrainHeadOptions,
  parameters: readonly Parameter[],
  slots: readonly string[],
  dropouts: HeadArtifacts['dropouts'],
): Model {
  const { features: width, classes, loss, optimizer, averaging = true } = options;
  const outer = new Builder('epoch');
  const names = parameters.flatMap(({ name, shape }) =>
    [name, ...slots.map(slot => `${name}.${slot}`)].map(state => ({ state, shape })),
  );
  const carried = names.map(({ state, shape }) => outer.input(state, 'float32', shape));
  const features = outer.input('features', 'float32', ['pictures', width]);
  const declared = loss.labels(classes);
  const labels = outer.input('labels', declared.type, ['pictures', ...declared.shape.slice(1)]);
  const targets = loss.targets(labels, classes);
  // The optimizer's scalars are made for all steps at once: a node of the body costs as much as 500 numbers.
  const prepared = optimizer.prepare({
    rate: outer.input('rate', 'float32', ['steps']),
    step: outer.input('step', 'float32', ['steps']),
  });
  const series = [
    ...prepared,
    ...(averaging ? [outer.input('averaging', 'float32', ['steps'])] : []),
    outer.input('order', 'int64', ['steps', 'batch']),
    ...dropouts.map(({ name, width: w }) => outer.input(name, 'float32', ['steps', 'batch', w])),
  ];

  const body = new Builder('step', outer);
  const inside = new Map<string, Value>();
  for (const value of [...carried, ...series]) {
    const isSeries = series.includes(value);
    inside.set(
      value.name,
      body.input(outer.fresh(`${value.name}.now`), value.type, isSeries ? value.shape.slice(1) : value.shape),
    );
  }
  const now = (name: string) => inside.get(name)!;
  const asked = new Map<string, Value>();
  const context: HeadContext = {
    classes,
    parameter(name) {
      asked.set(name, now(name));
      return now(name);
    },
    dropout: (name, value) => Mul(value, now(name)),
  };
  const rows = (value: Value) => Gather(body.capture(value), now('order'));
  const { loss: value, gradients } = step(body, options, rows(features), rows(targets), asked, context);
  const scalars = {
    prepared: prepared.map(({ name }) => now(name)),
    ...(averaging ? { averaging: now('averaging') } : {}),
  };
  const next = update(optimizer, parameters, now, name => gradients.get(name)!, scalars);
  for (const { state } of names) body.output(next.get(state)!);
  body.output(value);

  const attributes = new Map<string, Attribute>([
    ['body', { kind: 'graph', value: body.finish() }],
    ['num_scan_inputs', { kind: 'int', value: series.length }],
  ]);
  outer
    .append({
      op: 'Scan',
      inputs: [...carried, ...series],
      attributes,
      outputs: [
        ...names.map(({ shape }) => ({ type: 'float32' as const, shape })),
        { type: 'float32', shape: ['steps'] },
      ],
      names: [...names.map(({ state }) => `next.${state}`), 'losses'],
    })
    .forEach(output => outer.output(output));
  return modelOf(outer.finish());
}
