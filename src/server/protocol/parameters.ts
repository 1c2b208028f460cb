// `parameters` of requests, inputs and outputs: those we know, by type; others are ignored, but for names that are kept
// for this server and for Triton's extensions, whose silent loss would change what was asked.

import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import { field, type JsonObject } from './fields.js';
import { quoted } from './quoted.js';

type ParameterLimits = Pick<Limits, 'parameters' | 'parameter'>;

/** What a parameter has to be, in words, and whether a value is that. */
interface Kind<T> {
  readonly wanted: string;
  readonly is: (value: unknown) => value is T;
}

const kind = <T>(wanted: string, is: (value: unknown) => boolean): Kind<T> => ({
  wanted,
  is: (value): value is T => is(value),
});
const isWhole = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const truth = kind<boolean>('true or false', value => typeof value === 'boolean');
const whole = kind<number>('a whole number from 0', isWhole);

/** Of the request. */
const ofRequest = {
  binary_data_output: truth,
  priority: whole,
  timeout: kind<number>('microseconds, a whole number from 0', isWhole),
  graft_members: truth,
  graft_on_member_failure: kind<'fail' | 'degrade'>('"fail" or "degrade"', v => v === 'fail' || v === 'degrade'),
  graft_deadline_ms: kind<number>(
    'milliseconds, a number above 0',
    value => typeof value === 'number' && Number.isFinite(value) && value > 0,
  ),
};
/** Of an input. */
const ofInput = { binary_data_size: whole };
/** Of an output. */
const ofOutput = {
  binary_data: truth,
  classification: kind<number>(
    'a whole number from 1 to 1000',
    value => isWhole(value) && Number(value) >= 1 && Number(value) <= 1000,
  ),
};

type Kinds = Readonly<Record<string, Kind<unknown>>>;
type Values<K extends Kinds> = { readonly [N in keyof K]?: K[N] extends Kind<infer T> ? T : never };

export const requestParameters = (value: unknown, limits: ParameterLimits): Values<typeof ofRequest> =>
  read(value, ofRequest, 'parameters', limits);

/** @param what names the input */
export const inputParameters = (value: unknown, what: string, limits: ParameterLimits): Values<typeof ofInput> =>
  read(value, ofInput, `${what}: parameters`, limits);

/** @param what names the output */
export const outputParameters = (value: unknown, what: string, limits: ParameterLimits): Values<typeof ofOutput> =>
  read(value, ofOutput, `${what}: parameters`, limits);

function read<K extends Kinds>(value: unknown, kinds: K, what: string, limits: ParameterLimits): Values<K> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.BAD_PARAMETER({ reason: `${what}: wanted an object, got ${quoted(value)}` });
  const given = value as JsonObject;
  const names = Object.keys(given);
  if (names.length > limits.parameters)
    throw errors.BAD_PARAMETER({ reason: `${what}: ${names.length} keys, the limit is ${limits.parameters}` });
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const found = field(given, name);
    if (name.length > limits.parameter || lengthOf(found) > limits.parameter)
      throw errors.BAD_PARAMETER({ reason: `${what}: ${quoted(name)} is longer than ${limits.parameter} characters` });
    const known = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (known) {
      if (!known.is(found))
        throw errors.BAD_PARAMETER({ reason: `${what}: ${name}: wanted ${known.wanted}, got ${quoted(found)}` });
      values[name] = found;
    } else if (/^(?:graft|triton)_/.test(name))
      throw errors.BAD_PARAMETER({ reason: `${what}: ${quoted(name)} is not known` });
  }
  return values as Values<K>;
}

const lengthOf = (value: unknown): number =>
  typeof value === 'string' ? value.length : typeof value === 'object' ? JSON.stringify(value).length : 0;
