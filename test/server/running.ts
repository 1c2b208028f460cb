// A real server over a repository in a temporary folder, and a client whose every answer is held to the description.

import type { ExecutionContext } from 'ava';
import { rmSync } from 'node:fs';
import { serve, type Server, type ServeOptions } from '../../src/server/index.js';
import { assertAnswer, templateOf, type Answer } from './openapi-check.js';
import { temporary } from './networks.js';

/** What is sent: an object is sent as JSON. */
export interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, read. */
export interface Read extends Answer {
  readonly text: string;
  /** Of a JSON answer, or of the JSON part of a binary one. */
  readonly json: Record<string, unknown>;
  /** `error` of a refusal. */
  readonly error: string;
  readonly code: string;
  /** Bytes after the JSON part. */
  readonly tail: Uint8Array;
}

/** A server that runs. */
export interface Running {
  readonly server: Server;
  readonly port: number;
  readonly folder: string;
  /** Lines of the log so far. */
  entries(): Record<string, unknown>[];
  get(t: ExecutionContext, path: string, sent?: Sent): Promise<Read>;
  post(t: ExecutionContext, path: string, body?: unknown, headers?: Sent['headers']): Promise<Read>;
  /** Inference; without an error wanted. */
  infer(t: ExecutionContext, model: string, body: unknown, headers?: Sent['headers']): Promise<Read>;
  close(): Promise<void>;
}

/** @param write puts models into the folder */
export async function startServer(
  write: (folder: string) => Promise<void> | void,
  options: ServeOptions = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const folder = temporary();
  await write(folder);
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line), flush: async () => undefined, dropped: 0 };
  const server = await serve({ repository: folder, port: 0, pictureProcesses: 1, ...options }, { sink, env });
  const ask = (t: ExecutionContext, method: string, path: string, sent: Sent = {}) => askAt(t, server.url, method, path, sent); // prettier-ignore
  return {
    server,
    port: Number(new URL(server.url).port),
    folder,
    entries: () => lines.map(line => JSON.parse(line) as Record<string, unknown>),
    get: (t, path, sent) => ask(t, 'GET', path, sent),
    post: (t, path, body, headers = {}) => ask(t, 'POST', path, { body, headers }),
    infer: (t, model, body, headers = {}) => ask(t, 'POST', `/v2/models/${model}/infer`, { body, headers }),
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Asks a server at an address. */
export async function askAt(
  t: ExecutionContext,
  url: string,
  method: string,
  path: string,
  { body, headers = {} }: Sent = {},
): Promise<Read> {
  const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData || body instanceof ReadableStream; // prettier-ignore
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(isRaw ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? (body as BodyInit) : JSON.stringify(body), duplex: 'half' }),
  });
  const answer: Answer = {
    status: response.status,
    headers: new Map(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  };
  assertAnswer(t, method, templateOf(path), answer);
  return readAnswer(answer);
}

/** An answer in its parts. */
export function readAnswer(answer: Answer): Read {
  const media = answer.headers.get('content-type') ?? '';
  const length = answer.headers.get('inference-header-content-length');
  const cut = length === undefined ? answer.body.length : Number(length);
  const text = new TextDecoder().decode(answer.body.subarray(0, cut));
  const isJson = media.startsWith('application/json') || length !== undefined;
  const json = isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
  return {
    ...answer,
    text,
    json,
    error: word(json['error']),
    code: word(json['code']),
    tail: answer.body.subarray(cut),
  };
}

const word = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Floats as they travel. */
export const floats = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** A body of JSON and bytes after it, with the header that says where one ends. */
export function binary(
  json: unknown,
  ...parts: readonly Uint8Array[]
): { body: Uint8Array; headers: Record<string, string> } {
  // prettier-ignore
  const head = Buffer.from(JSON.stringify(json));
  return {
    body: Buffer.concat([head, ...parts]),
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
  };
}
