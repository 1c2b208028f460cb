// ValueInfoProto and TypeProto: what a file says of its values. The type is kept as bytes too and written back as it was.

import type { Dim, ValueInfo } from '../graph/index.js';
import { errors } from './errors.js';
import { typeOf } from './tensors.js';
import { kept, name } from './texts.js';
import type { Reader } from './wire.js';

export function decodeValueInfo(reader: Reader): ValueInfo {
  let of = '';
  let type: Pick<ValueInfo, 'type' | 'shape' | 'typeBytes'> | undefined;
  const extra = reader.fields((field, wire) => {
    if (wire !== 2) return false;
    if (field === 1) of = name(reader, 'a value');
    else if (field === 2) {
      if (type) throw errors.AMBIGUOUS({ where: of, what: 'it has two types' });
      type = decodeType(reader.message(), of);
    } else return false;
    return true;
  });
  return { name: of, ...type, ...kept(extra) };
}

function decodeType(reader: Reader, of: string): Pick<ValueInfo, 'type' | 'shape' | 'typeBytes'> {
  const typeBytes = reader.bytes.subarray(reader.offset, reader.end);
  let found: Pick<ValueInfo, 'type' | 'shape'> | undefined;
  // Types nest without a limit of their own; every level is walked so that the depth is counted.
  const walk = (inner: Reader): void => {
    inner.fields((_field, wire) => {
      if (wire !== 2) return false;
      walk(inner.message());
      return true;
    });
  };
  reader.fields((field, wire) => {
    if (wire !== 2) return false;
    const inner = reader.message();
    if (field === 1) {
      if (found) throw errors.AMBIGUOUS({ where: of, what: 'it has two types' });
      found = decodeTensorType(inner, of);
    } else if (field === 4 || field === 5 || field === 8 || field === 9) walk(inner);
    return true;
  });
  return { ...found, typeBytes };
}

function decodeTensorType(reader: Reader, of: string): Pick<ValueInfo, 'type' | 'shape'> {
  let number = 0;
  let shape: Dim[] | undefined;
  reader.fields((field, wire) => {
    if (field === 1 && wire === 0) number = Number(reader.varint());
    else if (field === 2 && wire === 2) {
      const dims = reader.message();
      if (shape) throw errors.AMBIGUOUS({ where: of, what: 'it has two shapes' });
      shape = [];
      dims.fields((inner, kind) => {
        if (inner !== 1 || kind !== 2) return false;
        shape!.push(decodeDim(dims.message(), of));
        return true;
      });
    } else return false;
    return true;
  });
  const type = typeOf(number);
  if (number !== 0 && !type) throw errors.TYPE({ where: of, found: `element type ${number}` });
  return { ...(type ? { type } : {}), ...(shape ? { shape } : {}) };
}

function decodeDim(reader: Reader, of: string): Dim {
  let dim: Dim = '';
  reader.fields((field, wire) => {
    if (field === 1 && wire === 0) {
      const value = reader.int64();
      if (value < 0n || value > 9007199254740991n) throw errors.SHAPE({ where: of, found: `a dimension of ${value}` });
      dim = Number(value);
    } else if (field === 2 && wire === 2) dim = name(reader, of);
    else return false;
    return true;
  });
  return dim;
}
