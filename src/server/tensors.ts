// Tensors as the protocol names them and as they travel: in HTTP bodies, to the processes that run networks, and back.
// Little-endian, row by row; BYTES are a 4-byte length and the bytes, element by element (Triton, extension_binary_data).

import type { DataType } from '../serving.js';

/** Element types with the protocol's names, ours, and the bytes of an element; 0 where elements have lengths of their own. */
export const datatypes = {
  BOOL: { type: 'bool', bytes: 1 },
  UINT8: { type: 'uint8', bytes: 1 },
  UINT16: { type: 'uint16', bytes: 2 },
  UINT32: { type: 'uint32', bytes: 4 },
  UINT64: { type: 'uint64', bytes: 8 },
  INT8: { type: 'int8', bytes: 1 },
  INT16: { type: 'int16', bytes: 2 },
  INT32: { type: 'int32', bytes: 4 },
  INT64: { type: 'int64', bytes: 8 },
  FP16: { type: 'float16', bytes: 2 },
  BF16: { type: 'bfloat16', bytes: 2 },
  FP32: { type: 'float32', bytes: 4 },
  FP64: { type: 'float64', bytes: 8 },
  BYTES: { type: 'string', bytes: 0 },
} as const satisfies Readonly<Record<string, { readonly type: DataType; readonly bytes: number }>>;

export type Datatype = keyof typeof datatypes;

/** The protocol's name of an element type; undefined for those that it does not know. */
export const datatypeOf = (type: string): Datatype | undefined =>
  (Object.keys(datatypes) as Datatype[]).find(name => datatypes[name].type === type);

/** A tensor on its way. */
export interface WireTensor {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** It may start at any byte; whoever needs an aligned view copies. */
  readonly data: Uint8Array;
}

/** A tensor that is given away: its bytes may lie in several places, one after the other. */
export interface SentTensor extends Omit<WireTensor, 'data'> {
  readonly data: Uint8Array | readonly Uint8Array[];
}

/** The bytes of a tensor, wherever they lie. */
export const piecesOf = ({ data }: SentTensor): readonly Uint8Array[] => (data instanceof Uint8Array ? [data] : data);

/** An input or output of a model; −1 where a dimension is free. The batch dimension is included. */
export interface Signature {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}
