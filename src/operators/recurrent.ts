// Recurrent layers: X [time, batch, input] (layout 1: batch first), W [directions, gates · hidden, input],
// R [directions, gates · hidden, hidden], Y [time, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden].

import type { Dim, Value } from '../graph/index.js';
import { floats, int, operator, optionalFloat, optionalInt, string, strings } from './define.js';
import { perItem } from './dims.js';

const attributes = {
  activation_alpha: floats,
  activation_beta: floats,
  activations: strings,
  clip: optionalFloat,
  direction: string('forward'),
  hidden_size: optionalInt,
  layout: int(0),
};

interface At {
  readonly X: Value;
  readonly W: Value;
  readonly R: Value;
  readonly direction: string;
  readonly hidden_size: number | undefined;
  readonly layout: number;
}

function shapes({ X, R, direction, hidden_size, layout }: At): { Y: Dim[]; last: Dim[] } {
  const [time, batch] = layout ? [X.shape[1]!, X.shape[0]!] : [X.shape[0]!, X.shape[1]!];
  const directions = direction === 'bidirectional' ? 2 : 1;
  const hidden = hidden_size ?? R.shape[2]!;
  return layout
    ? { Y: [batch, time, directions, hidden], last: [batch, directions, hidden] }
    : { Y: [time, directions, batch, hidden], last: [directions, batch, hidden] };
}

/** Both matrices of every direction, once a step. */
function macs({ X, W, R, layout }: At): number {
  const steps = perItem(layout ? X.shape[1]! : X.shape[0]!) * perItem(layout ? X.shape[0]! : X.shape[1]!);
  const [directions = 1, gates = 1, input = 1] = W.shape.map(perItem);
  return steps * directions * gates * (input + perItem(R.shape[2]!));
}

/** `layout` came with 14; what came before is its 0. */
export const RNN = operator('RNN', {
  inputs: ['X', 'W', 'R', 'B?', 'sequence_lens?', 'initial_h?'],
  outputs: ['Y?', 'Y_h?'],
  attributes,
  shape: at => {
    const { Y, last } = shapes(at);
    return { Y, Y_h: last };
  },
  macs,
});
export const GRU = operator('GRU', {
  inputs: ['X', 'W', 'R', 'B?', 'sequence_lens?', 'initial_h?'],
  outputs: ['Y?', 'Y_h?'],
  attributes: { ...attributes, linear_before_reset: int(0) },
  shape: at => {
    const { Y, last } = shapes(at);
    return { Y, Y_h: last };
  },
  macs,
});
export const LSTM = operator('LSTM', {
  inputs: ['X', 'W', 'R', 'B?', 'sequence_lens?', 'initial_h?', 'initial_c?', 'P?'],
  outputs: ['Y?', 'Y_h?', 'Y_c?'],
  attributes: { ...attributes, input_forget: int(0) },
  shape: at => {
    const { Y, last } = shapes(at);
    return { Y, Y_h: last, Y_c: last };
  },
  macs,
});
