// What node.ts and web.ts share: tensors and sessions of onnxruntime's JavaScript interface behind ours.
// Types only from onnxruntime-common; no engine is imported here.

import type { DataType, Tensor as Data } from '../base/index.js';
import { elementCount, elements, GraftError, tensor, type ArrayType } from '../base/index.js';
import { errors } from './errors.js';
import type { DeviceTensor, Feeds, OpenOptions, Runtime, Session } from './runtime.js';

/** The part of onnxruntime's tensors that we use. */
export interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
  getData(): Promise<unknown>;
  dispose(): void;
}
/** The part of onnxruntime's sessions that we use. */
export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>, fetches: readonly string[]): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
/** An engine: how to make its tensors and open its sessions. */
export interface Engine {
  readonly name: string;
  makeTensor(type: string, data: unknown, dims: readonly number[]): OrtTensor;
  create(model: Uint8Array, options: OpenOptions): Promise<OrtSession>;
}

class Held implements DeviceTensor {
  constructor(readonly inner: OrtTensor) {}
  get type(): DataType {
    return this.inner.type as DataType;
  }
  get shape(): readonly number[] {
    return this.inner.dims;
  }
  async read(): Promise<Data> {
    const data = await this.inner.getData();
    if (this.type === 'string') {
      const encoder = new TextEncoder();
      const strings = (data as readonly string[]).map(text => encoder.encode(text));
      return { type: 'string', shape: this.shape, bytes: new Uint8Array(0), strings };
    }
    if (ArrayBuffer.isView(data))
      return {
        type: this.type,
        shape: this.shape,
        bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      };
    return tensor(this.type as ArrayType, this.shape, data as readonly number[]);
  }
  dispose(): void {
    this.inner.dispose();
  }
}

/** Puts an engine behind our interface. */
export function runtimeOf(engine: Engine): Runtime {
  return {
    name: engine.name,
    async open(model, options = {}) {
      let session: OrtSession;
      try {
        session = await engine.create(model, options);
      } catch (cause) {
        if (cause instanceof GraftError) throw cause;
        throw errors.REFUSED({ reason: messageOf(cause) }, cause);
      }
      return sessionOf(session);
    },
    tensor(data) {
      if (data.type === 'string') {
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // a mark at the start is a part of the text
        return new Held(
          engine.makeTensor(
            'string',
            (data.strings ?? []).map(bytes => decoder.decode(bytes)),
            data.shape,
          ),
        );
      }
      const wanted = elementCount(data.shape);
      const values = elements(data);
      if (values.length !== wanted) throw errors.TENSOR({ found: values.length, wanted, shape: data.shape });
      return new Held(engine.makeTensor(data.type, values, data.shape));
    },
  };
}

function sessionOf(session: OrtSession): Session {
  let open = true;
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds: Feeds, fetches = session.outputNames) {
      const given = Object.create(null) as Record<string, OrtTensor>;
      for (const name of session.inputNames) {
        const feed = feeds.get(name);
        if (!feed) throw errors.FEED_MISSING({ name });
        given[name] = (feed as Held).inner;
      }
      let results: Readonly<Record<string, OrtTensor>>;
      try {
        results = await session.run(given, fetches);
      } catch (cause) {
        throw errors.RUN_FAILED({ reason: messageOf(cause) }, cause);
      }
      const outputs = new Map<string, DeviceTensor>();
      for (const name of fetches) outputs.set(name, new Held(results[name]!));
      return outputs;
    },
    async close() {
      if (!open) return;
      open = false;
      await session.release();
    },
  };
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).slice(0, 500);
