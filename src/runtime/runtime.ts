// What a runtime is to the house: it opens models and runs them. node.ts and web.ts adapt onnxruntime; nobody else
// imports it. A runtime is an argument, never detected.

import type { DataType, Tensor } from '../base/index.js';

/** A tensor that may live on a device. */
export interface DeviceTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  /** The data, brought to memory. For CPU tensors this is no copy. */
  read(): Promise<Tensor>;
  /** Gives the memory back; the tensor must not be used afterwards. */
  dispose(): void;
}

export type Feeds = ReadonlyMap<string, DeviceTensor>;

/** How a model is opened. */
export interface OpenOptions {
  /** Threads inside one operator. @default the runtime's own number, 1 where it was not told another */
  readonly threads?: number;
  /** onnxruntime's graph optimizations. @default 'all' */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
}

/** An opened model. One owner; close it in `finally`. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs the model; `fetches` limits the outputs that are computed and returned. */
  run(feeds: Feeds, fetches?: readonly string[]): Promise<Map<string, DeviceTensor>>;
  close(): Promise<void>;
}

/** An engine that opens models. */
export interface Runtime {
  /** Such as `onnxruntime-node 1.30.0 cpu`. */
  readonly name: string;
  open(model: Uint8Array, options?: OpenOptions): Promise<Session>;
  /** Opens a model in a further thread, so that two runs go on at once; missing where there are no threads for it. */
  openBeside?(model: Uint8Array, options?: OpenOptions): Promise<Session>;
  /** Hands data to the runtime without a copy where it can. */
  tensor(data: Tensor): DeviceTensor;
}
