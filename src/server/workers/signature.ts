// Inputs and outputs of a network in the protocol's words.

import type { ServableValue } from '../../serving.js';
import { errors } from '../errors.js';
import { datatypeOf, type Signature } from '../tensors.js';

/** @throws MODEL_INVALID for an element type that the protocol does not know */
export function signatureOf({ name, type, shape }: ServableValue): Signature {
  const datatype = datatypeOf(type);
  if (!datatype)
    throw errors.MODEL_INVALID({ reason: `${name} is of type ${type}, which cannot be asked for over HTTP` });
  return { name, datatype, shape };
}
