// Contents told apart: four chained multiply-and-shift hashes over 32-bit words make a digest of 128 bits, which
// names parts of networks across calls. Inside one graph equal digests of weights are compared byte by byte besides.

import type { Tensor } from '../base/index.js';

/** A digest of text: 32 hex digits. */
export function digestOf(text: string): string {
  const state = start(text.length);
  for (let i = 0; i < text.length; i++) step(state, text.charCodeAt(i));
  return finish(state);
}

const known = new WeakMap<Uint8Array, string>();

/** A digest of a tensor's type, shape and bytes; kept as long as its bytes are. */
export function tensorDigest({ type, shape, bytes }: Tensor): string {
  let content = known.get(bytes);
  if (content === undefined) {
    const state = start(bytes.length);
    const { words, rest } = inWords(bytes);
    for (let i = 0; i < words.length; i++) step(state, words[i]!);
    for (const byte of rest) step(state, byte);
    content = finish(state);
    known.set(bytes, content);
  }
  return `${type} ${shape.join()} ${content}`;
}

/** Whether two tensors hold the same. */
export function isSameTensor(a: Tensor, b: Tensor): boolean {
  if (a.type !== b.type || a.shape.join() !== b.shape.join() || a.bytes.length !== b.bytes.length) return false;
  if (a.bytes === b.bytes) return true;
  const [first, second] = [inWords(a.bytes), inWords(b.bytes)];
  for (let i = 0; i < first.words.length; i++) if (first.words[i] !== second.words[i]) return false;
  return first.rest.every((byte, i) => byte === second.rest[i]);
}

/** Four bytes at a time; bytes that lie across words are copied. */
function inWords(bytes: Uint8Array): { readonly words: Int32Array; readonly rest: Uint8Array } {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const count = bytes.length >>> 2;
  return { words: new Int32Array(buffer, byteOffset, count), rest: bytes.subarray(4 * count) };
}

type State = [number, number, number, number];

const start = (length: number): State => [0xdeadbeef ^ length, 0x41c6ce57 ^ length, 0x9e3779b9 ^ length, 0x85ebca6b ^ length]; // prettier-ignore

function step(state: State, word: number): void {
  state[0] = Math.imul(state[0] ^ word, 2654435761);
  state[1] = Math.imul(state[1] ^ word, 1597334677);
  state[2] = Math.imul(state[2] ^ word, 2246822507) ^ (state[0] >>> 15);
  state[3] = Math.imul(state[3] ^ word, 3266489909) ^ (state[1] >>> 13);
}

function finish([a, b, c, d]: State): string {
  let x = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  let y = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  let z = Math.imul(c ^ (c >>> 16), 2246822507) ^ Math.imul(d ^ (d >>> 13), 3266489909);
  let w = Math.imul(d ^ (d >>> 16), 2246822507) ^ Math.imul(c ^ (c >>> 13), 3266489909);
  [x, y, z, w] = [x ^ (z >>> 7), y ^ (w >>> 9), z ^ (x >>> 11), w ^ (y >>> 5)];
  return [x, y, z, w].map(part => (part >>> 0).toString(16).padStart(8, '0')).join('');
}
