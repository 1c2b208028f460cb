// Frames over a socket, in order. What is small is copied out of what arrives; of what is large, the server copies each piece
// into one buffer, and a process of its own reads right into it.

import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net';
import { decodeFrame, encodeFrame, prefixBytes, readPrefix, type Frame, type SentFrame } from './frame.js';

/** One end of a channel. */
export interface Channel {
  send(frame: SentFrame): void;
  close(): void;
}

export interface ChannelEvents {
  frame(frame: Frame): void;
  /** Called once: the other side has gone, or said what is no frame. */
  ended(error?: unknown): void;
}

/** Speaks frames over a socket. */
export function openChannel(socket: Socket, { frame, ended }: ChannelEvents): Channel {
  const reader = new FrameReader(frame);
  const channel = channelOf(socket, ended);
  socket.on('data', (chunk: Buffer) => {
    channel.attempt(() => reader.push(chunk));
  });
  return channel;
}

/**
 * Speaks frames over an inherited socket, for a process that is asked one thing at a time: what a frame holds is there until
 * it was answered, then the next one is read to the same place.
 */
export function openInherited(fd: number, { frame, ended }: ChannelEvents): Channel {
  const reader = new FrameReader(frame, true);
  const onread = {
    buffer: () => reader.room(),
    callback: (count: number) => {
      channel.attempt(() => reader.filled(count));
      return true;
    },
  };
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: true,
    onread,
  };
  const socket = new Socket(options);
  const channel = channelOf(socket, ended);
  socket.resume();
  return channel;
}

function channelOf(socket: Socket, ended: ChannelEvents['ended']): Channel & { attempt(read: () => void): void } {
  let isOver = false;
  const end = (error?: unknown): void => {
    if (isOver) return;
    isOver = true;
    socket.destroy();
    ended(error);
  };
  socket.on('error', end);
  socket.on('end', () => end());
  socket.on('close', () => end());
  return {
    send(frame) {
      if (isOver) return;
      // one call of the system for all pieces, none of them copied
      socket.cork();
      for (const piece of encodeFrame(frame)) socket.write(piece);
      socket.uncork();
    },
    close: () => end(),
    attempt(read) {
      if (isOver) return;
      try {
        read();
      } catch (error) {
        end(error);
      }
    },
  };
}

/** What is smaller is read together with what comes after it. */
const intakeBytes = 64 * 1024;
/** Room that is kept for the next frame. */
const mostKept = 16 * 2 ** 20;

/** Puts frames together, however their bytes are cut. */
export class FrameReader {
  readonly #told: (frame: Frame) => void;
  readonly #isReused: boolean;
  readonly #prefix = Buffer.alloc(prefixBytes);
  /** What is being filled: the prefix, the head, the data. */
  #part: 'prefix' | 'head' | 'data' = 'prefix';
  #target: Uint8Array = this.#prefix;
  #at = 0;
  #head: Uint8Array = Buffer.alloc(0);
  #dataBytes = 0;
  #kept = new Uint8Array(0);
  #intake: Uint8Array | undefined;

  /** @param isReused whether a frame is done with when the next one begins to arrive */
  constructor(told: (frame: Frame) => void, isReused = false) {
    this.#told = told;
    this.#isReused = isReused;
  }

  /** Where the next bytes may be read to. */
  room(): Uint8Array {
    return this.#isLarge() ? this.#target.subarray(this.#at) : (this.#intake ??= Buffer.allocUnsafeSlow(intakeBytes));
  }

  /**
   * So many bytes were read into the room.
   *
   * @throws WORKER_CHANNEL
   */
  filled(count: number): void {
    if (!this.#isLarge()) this.push(this.#intake!.subarray(0, count));
    else {
      this.#at += count;
      if (this.#at === this.#target.length) this.#advance();
    }
  }

  /** @throws WORKER_CHANNEL */
  push(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.length) {
      const take = Math.min(chunk.length - from, this.#target.length - this.#at);
      this.#target.set(chunk.subarray(from, from + take), this.#at);
      this.#at += take;
      from += take;
      if (this.#at === this.#target.length) this.#advance();
    }
  }

  #isLarge(): boolean {
    return this.#part === 'data' && this.#target.length - this.#at >= intakeBytes;
  }

  #advance(): void {
    if (this.#part === 'prefix') {
      const { head, data } = readPrefix(this.#target);
      this.#dataBytes = data;
      this.#await('head', Buffer.allocUnsafe(head));
    } else if (this.#part === 'head') {
      this.#head = this.#target;
      this.#await('data', this.#dataRoom());
      if (this.#dataBytes === 0) this.#tell();
    } else this.#tell();
  }

  /** Aligned, since arrays of their own begin at 0; not filled with zeros first; no Buffer, whose slices are views. */
  #dataRoom(): Uint8Array {
    const bytes = this.#dataBytes;
    if (bytes <= this.#kept.length) return this.#kept.subarray(0, bytes);
    const room = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    if (this.#isReused && bytes <= mostKept) this.#kept = room;
    return room;
  }

  #await(part: 'prefix' | 'head' | 'data', target: Uint8Array): void {
    this.#part = part;
    this.#target = target;
    this.#at = 0;
  }

  #tell(): void {
    const frame = decodeFrame(this.#head, this.#target);
    this.#await('prefix', this.#prefix);
    this.#told(frame);
  }
}
