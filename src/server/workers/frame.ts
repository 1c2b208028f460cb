// What the server and its processes say to each other: frames of bytes, no JSON for tensors and answers.
//   prefix  u32 magic, u32 bytes of the head, f64 bytes of the data
//   head    u8 kind, u8 rung, u16 tensors, u32 id, u32 numbers, u32 bytes of text, f64 each number, the text (UTF-8),
//           and for each tensor: u16 bytes of its name, u8 datatype, u8 rank, f64 bytes, f64 each dimension, the name
//   data    the tensors, each from a multiple of 8 on
// Little-endian, as all machines are that onnxruntime runs on.

import { datatypes, piecesOf, type Datatype, type SentTensor, type WireTensor } from '../tensors.js';
import { errors } from './errors.js';

/** What a frame is about. */
export const kinds = {
  /** To a process: what it opens, as JSON. */
  open: 1,
  /** To a process: tensors to run, or a picture. */
  run: 2,
  explain: 3,
  /** From a process: it is open, warming up comes next; and all is known, as JSON. */
  opened: 10,
  ready: 11,
  /** An answer; or why there is none, as JSON. */
  answer: 12,
  failed: 13,
} as const;

/** One message. */
export interface Frame {
  readonly kind: number;
  /** The question that an answer belongs to. */
  readonly id: number;
  /** Which of several ways to answer; 0 is the whole. */
  readonly rung?: number;
  readonly numbers?: readonly number[];
  readonly text?: string;
  readonly tensors?: ReadonlyMap<string, WireTensor>;
}

/** One message that is given away. */
export interface SentFrame extends Omit<Frame, 'tensors'> {
  readonly tensors?: ReadonlyMap<string, SentTensor>;
}

const magic = 0x31544647; // GFT1
export const prefixBytes = 16;
/** A head has names and shapes only; data is what limits let through, in and out. */
export const most = { head: 64 * 2 ** 20, data: 2 ** 32 } as const;

const names = Object.keys(datatypes) as Datatype[];
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const noBytes = new Uint8Array(8);

/** The pieces of a frame, in order; tensors are not copied. */
export function encodeFrame({
  kind,
  id,
  rung = 0,
  numbers = [],
  text = '',
  tensors = new Map(),
}: SentFrame): Uint8Array[] {
  const told = Buffer.from(text);
  const list = [...tensors].map(([name, held]) => {
    const parts = piecesOf(held);
    return { name: Buffer.from(name), held, parts, bytes: parts.reduce((sum, part) => sum + part.length, 0) };
  });
  let size = 16 + 8 * numbers.length + told.length;
  let data = 0;
  for (const { name, held, bytes } of list) {
    size += 12 + 8 * held.shape.length + name.length;
    data += padded(bytes);
  }
  const head = Buffer.allocUnsafe(prefixBytes + size);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(size, 4);
  head.writeDoubleLE(data, 8);
  let at = prefixBytes;
  head.writeUInt8(kind, at);
  head.writeUInt8(rung, at + 1);
  head.writeUInt16LE(list.length, at + 2);
  head.writeUInt32LE(id, at + 4);
  head.writeUInt32LE(numbers.length, at + 8);
  head.writeUInt32LE(told.length, at + 12);
  at += 16;
  for (const number of numbers) at = head.writeDoubleLE(number, at);
  at += told.copy(head, at);
  const pieces: Uint8Array[] = [head];
  for (const { name, held, parts, bytes } of list) {
    head.writeUInt16LE(name.length, at);
    head.writeUInt8(names.indexOf(held.datatype), at + 2);
    head.writeUInt8(held.shape.length, at + 3);
    at = head.writeDoubleLE(bytes, at + 4);
    for (const dim of held.shape) at = head.writeDoubleLE(dim, at);
    at += name.copy(head, at);
    for (const part of parts) if (part.length > 0) pieces.push(part);
    const gap = padded(bytes) - bytes;
    if (gap > 0) pieces.push(noBytes.subarray(0, gap));
  }
  return pieces;
}

/** Bytes of head and data, from the prefix. */
export function readPrefix(bytes: Uint8Array): { readonly head: number; readonly data: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, prefixBytes);
  const [head, data] = [view.getUint32(4, true), view.getFloat64(8, true)];
  const isFrame = view.getUint32(0, true) === magic && head >= 16 && head <= most.head;
  if (!isFrame || !Number.isInteger(data) || data < 0 || data > most.data || data % 8 !== 0)
    throw errors.CHANNEL({ reason: 'a frame begins with what is no frame' });
  return { head, data };
}

/** A frame from its head and its data; tensors are views into the data. */
export function decodeFrame(head: Uint8Array, data: Uint8Array): Frame {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  try {
    const [count, numberCount, textBytes] = [bytes.readUInt16LE(2), bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
    let at = 16;
    if (numberCount * 8 + textBytes > bytes.length - at) throw new RangeError('its text is longer than its head');
    const numbers = Array.from({ length: numberCount }, (_, i) => bytes.readDoubleLE(at + 8 * i));
    at += 8 * numberCount;
    const text = bytes.toString('utf8', at, at + textBytes);
    at += textBytes;
    const tensors = new Map<string, WireTensor>();
    let begin = 0;
    for (let i = 0; i < count; i++) {
      const [nameBytes, type, rank] = [bytes.readUInt16LE(at), bytes.readUInt8(at + 2), bytes.readUInt8(at + 3)];
      const length = bytes.readDoubleLE(at + 4);
      at += 12;
      const shape: number[] = [];
      for (let d = 0; d < rank; d++, at += 8) shape.push(bytes.readDoubleLE(at));
      if (at + nameBytes > bytes.length) throw new RangeError('a name is longer than its head');
      const name = bytes.toString('utf8', at, at + nameBytes);
      at += nameBytes;
      const datatype = names[type];
      const isWithin = Number.isInteger(length) && length >= 0 && begin + length <= data.length;
      if (!datatype || !isWithin) throw new RangeError('a tensor lies outside of its data');
      tensors.set(name, { datatype, shape, data: data.subarray(begin, begin + length) });
      begin += padded(length);
    }
    return { kind: bytes.readUInt8(0), rung: bytes.readUInt8(1), id: bytes.readUInt32LE(4), numbers, text, tensors };
  } catch (cause) {
    throw errors.CHANNEL({ reason: cause instanceof Error ? cause.message : String(cause) }, cause);
  }
}
