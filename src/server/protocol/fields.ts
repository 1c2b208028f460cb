// Fields of parsed JSON. Only what an object has itself is read: nothing that a prototype lends it.

import { errors } from '../errors.js';
import { quoted } from './quoted.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A field of the object itself; undefined where it has none. */
export const field = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws BAD_REQUEST with `what` */
export function objectOf(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value;
  throw errors.BAD_REQUEST({ reason: `${what}: wanted an object, got ${quoted(value)}` });
}

/** A list; empty where it is missing. @throws BAD_REQUEST with `what` */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw errors.BAD_REQUEST({ reason: `${what}: wanted a list, got ${quoted(value)}` });
}

/** @throws BAD_REQUEST with `what` */
export function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw errors.BAD_REQUEST({ reason: `${what}: wanted text, got ${quoted(value)}` });
}
