// Values that a graph holds by itself.

import { dimsIn } from '../graph/index.js';
import {
  floats,
  ints,
  operator,
  optionalFloat,
  optionalInt,
  optionalString,
  optionalTensor,
  strings,
} from './define.js';

/** The type and shape of what a Constant holds, whichever attribute holds it. */
export const Constant = operator('Constant', {
  inputs: [],
  outputs: ['output'],
  attributes: {
    value: optionalTensor,
    value_float: optionalFloat,
    value_floats: floats,
    value_int: optionalInt,
    value_ints: ints,
    value_string: optionalString,
    value_strings: strings,
  },
  shape: ({ value, value_floats, value_ints, value_strings }) => {
    const list = value_floats ?? value_ints ?? value_strings;
    return { output: value ? value.shape : list ? [list.length] : [] };
  },
  types: ({ value, value_float, value_floats, value_string, value_strings }) => {
    if (value) return { output: value.type };
    if (value_float !== undefined || value_floats) return { output: 'float32' };
    return { output: value_string !== undefined || value_strings ? 'string' : 'int64' };
  },
  known: ({ value, value_int, value_ints }) => {
    if (value_ints) return value_ints.length <= 1024 ? value_ints : undefined;
    if (value_int !== undefined) return [value_int];
    const count = value?.shape.reduce((a, b) => a * b, 1) ?? 0;
    if (!value || count > 1024 || (value.type !== 'int64' && value.type !== 'int32')) return undefined;
    return dimsIn(value);
  },
});
