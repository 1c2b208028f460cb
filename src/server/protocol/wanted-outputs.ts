// Which outputs a request wants, and in which form: JSON or binary, as they are or as their first classes.

import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { ModelFacts } from '../served.js';
import type { Signature } from '../tensors.js';
import { isJsonDatatype } from './elements.js';
import { field, listOf, objectOf, textOf } from './fields.js';
import { outputParameters } from './parameters.js';
import { quoted } from './quoted.js';

/** An output as it is answered. */
export interface WantedOutput {
  readonly name: string;
  readonly isBinary: boolean;
  /** How many classes are told in place of the values. */
  readonly classes?: number | undefined;
}

/**
 * In the order of the request, or all in the order of the model.
 *
 * @throws UNKNOWN_OUTPUT, DUPLICATE_OUTPUT, BAD_PARAMETER, BAD_REQUEST; BAD_DATATYPE for JSON of 16-bit floats; TOO_LARGE
 */
export function wantedOutputs(
  value: unknown,
  isBinary: boolean,
  { outputs }: Pick<ModelFacts, 'outputs'>,
  limits: Pick<Limits, 'outputs' | 'parameters' | 'parameter'>,
): readonly WantedOutput[] {
  const asked = listOf(value, 'outputs');
  if (asked.length > limits.outputs)
    throw errors.TOO_LARGE({ reason: `${asked.length} outputs, the limit is ${limits.outputs}` });
  if (asked.length === 0) return outputs.map(signature => checked({ name: signature.name, isBinary }, signature));
  const names = new Set<string>();
  return asked.map((entry, index) => {
    const output = objectOf(entry, `outputs[${index}]`);
    const name = textOf(field(output, 'name'), `outputs[${index}].name`);
    const what = `output ${quoted(name)}`;
    const signature = outputs.find(known => known.name === name);
    if (!signature) throw errors.UNKNOWN_OUTPUT({ reason: `${what}: the model has ${listed(outputs)}` });
    if (names.has(name)) throw errors.DUPLICATE_OUTPUT({ reason: `${what} is asked for twice` });
    names.add(name);
    const { binary_data = isBinary, classification } = outputParameters(field(output, 'parameters'), what, limits);
    return checked({ name, isBinary: binary_data, classes: classification }, signature);
  });
}

/** Names for a refusal. */
export const listed = (signatures: readonly Pick<Signature, 'name'>[]): string =>
  signatures.map(({ name }) => quoted(name)).join(', ');

function checked(output: WantedOutput, { datatype }: Signature): WantedOutput {
  const what = `output ${quoted(output.name)}`;
  if (output.classes !== undefined) {
    if (datatype === 'BYTES' || datatype === 'BOOL')
      throw errors.BAD_PARAMETER({ reason: `${what}: classification of ${datatype}, wanted numbers` });
  } else if (!output.isBinary && !isJsonDatatype(datatype))
    throw errors.BAD_DATATYPE({ reason: `${what}: ${datatype} is answered as binary data only; ask with binary_data` });
  return output;
}
